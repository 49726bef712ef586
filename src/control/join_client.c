#include "control/join_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/heap.h"
#include "control/join_stream.h"
#include "control/seal_file.h"
#include "control/state_file.h"
#include "crypt/certificate.h"
#include "crypt/csr.h"
#include "wire/address.h"
#include "wire/base64.h"
#include "wire/join.h"
#include "wire/json.h"
#include "wire/spiffe_id.h"

#define PURPOSE BYTES("selvage joined 1")
#define STATE_FILE "joined"
#define STATE_MAX ((size_t)1 << 20)
#define TOKEN_MAX 1024

enum {
    PATIENCE_MS = 10 * 1000,
    RETRY_S = 10, /* while what is kept is good still */
};

/* What a machine that has joined knows. */
struct joined {
    unsigned char pin[JOIN_PIN_SIZE];
    struct identity_pem pem;
    int64_t not_before_s;
    int64_t not_after_s;
};

static void wipe(struct bytes secret)
{
    heap_wipe((char *)(uintptr_t)secret.at, secret.len);
}

/* ---- at rest --------------------------------------------------------------------------- */

static bool times_fill(struct joined *joined, struct arena *arena, struct fail *why)
{
    struct certificate_facts facts;
    if (!certificate_facts(joined->pem.chain, arena, &facts, why))
        return false;
    joined->not_before_s = facts.not_before_s;
    joined->not_after_s = facts.not_after_s;
    return true;
}

static bool parts_read(const json_t *root, struct arena *arena, struct joined *out, struct fail *why)
{
    struct bytes pin, raw, chain, key, roots;
    if (!json_member_text(root, "pin", &pin) || !base64url_decode(pin, arena, &raw) ||
        raw.len != JOIN_PIN_SIZE || !json_member_text(root, "chain", &chain) ||
        !json_member_text(root, "key", &key) || !json_member_text(root, "roots", &roots))
        return fail(why, FAIL_INPUT, "what was kept lacks pin, chain, key or roots");
    memcpy(out->pin, raw.at, JOIN_PIN_SIZE);
    out->pem =
        (struct identity_pem){arena_bytes(arena, chain), arena_bytes(arena, key), arena_bytes(arena, roots)};
    return times_fill(out, arena, why);
}

/* True with not_after_s 0: nothing is kept. */
static bool kept_read(const struct settings *settings, struct arena *arena, struct joined *out,
                      struct fail *why)
{
    struct bytes plain;
    *out = (struct joined){0};
    if (!seal_state_read(settings, STATE_FILE, PURPOSE, STATE_MAX, arena, &plain, why))
        return false;
    if (!plain.len)
        return true;
    json_t *root = json_read(plain, STATE_MAX, why);
    bool read = root && parts_read(root, arena, out, why);
    json_decref(root);
    wipe(plain);
    return read;
}

static bool kept_write(const struct settings *settings, const struct joined *joined, struct arena *arena,
                       struct fail *why)
{
    const struct {
        const char *name;
        struct bytes value;
    } rows[] = {{"pin", base64url_encode(bytes_make(joined->pin, JOIN_PIN_SIZE), arena)},
                {"chain", joined->pem.chain},
                {"key", joined->pem.key},
                {"roots", joined->pem.roots}};
    struct text text;
    text_init_fixed(&text, arena_raw(arena, STATE_MAX), STATE_MAX);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        text_format(&text, "%s\"%s\":", i ? "," : "{", rows[i].name);
        text_add_json(&text, rows[i].value);
    }
    text_add_c(&text, '}');
    bool done = !text.cut && seal_state_write(settings, STATE_FILE, PURPOSE, text_bytes(&text), why);
    wipe(text_bytes(&text));
    return done;
}

/* ---- asking ---------------------------------------------------------------------------- */

static int connected(const struct addrinfo *to, uint64_t until_ms)
{
    int error = 0, fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t len = sizeof error;
    if (fd < 0)
        return -1;
    if (connect(fd, to->ai_addr, to->ai_addrlen) == 0)
        return fd;
    struct pollfd out = {.fd = fd, .events = POLLOUT};
    uint64_t now_ms = clock_ms();
    bool under_way = errno == EINPROGRESS && now_ms < until_ms;
    if (under_way && poll(&out, 1, (int)(until_ms - now_ms)) == 1 &&
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && !error)
        return fd;
    close(fd);
    errno = error ? error : ETIMEDOUT;
    return -1;
}

static int endpoint_open(struct bytes place, uint64_t until_ms, struct arena *arena, struct fail *why)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *all = NULL;
    struct bytes host;
    uint16_t port;
    int fd = -1;
    address_split(place, &host, &port); /* was checked with the settings */
    int bad = getaddrinfo(arena_text(arena, host), arena_format(arena, "%u", port).at, &hints, &all);
    if (bad) {
        fail(why, FAIL_PEER, "the authority at %.*s: %s", BYTES_FMT(place), gai_strerror(bad));
        return -1;
    }
    for (const struct addrinfo *at = all; at && fd < 0; at = at->ai_next)
        fd = connected(at, until_ms);
    if (fd < 0)
        fail_errno(why, FAIL_PEER, "the authority at %.*s does not answer", BYTES_FMT(place));
    freeaddrinfo(all);
    return fd;
}

static bool exchange(struct join_stream *stream, const struct join_request *request, struct arena *arena,
                     struct join_reply *reply, struct fail *why)
{
    struct text message;
    struct bytes json;
    text_init_fixed(&message, arena_raw(arena, JOIN_REQUEST_MAX), JOIN_REQUEST_MAX);
    join_request_write(request, &message);
    bool done = join_stream_handshake(stream, why) && join_stream_send(stream, text_bytes(&message), why) &&
                join_stream_receive(stream, JOIN_MESSAGE_MAX, arena, &json, why) &&
                join_reply_read(json, arena, reply, why);
    wipe(text_bytes(&message));
    return done;
}

/* `shown`: the certificate that is there already, or NULL. */
static bool ask(const struct settings *settings, const unsigned char pin[JOIN_PIN_SIZE],
                const struct identity_pem *shown, const struct join_request *request, struct arena *arena,
                struct join_reply *reply, struct fail *why)
{
    struct bytes place = settings->identity->join->address;
    struct join_stream stream = {.until_ms = clock_ms() + PATIENCE_MS};
    struct tls_settings tls = {.verify = TLS_VERIFY_REQUIRED,
                               .min_version = 13,
                               .pin = bytes_make(pin, JOIN_PIN_SIZE),
                               .chain = shown ? shown->chain : (struct bytes){0},
                               .key = shown ? shown->key : (struct bytes){0}};
    struct tls_context *context = tls_context_new_client(&tls, why);
    if (!context)
        return false;
    stream.fd = endpoint_open(place, stream.until_ms, arena, why);
    bool done = false;
    if (stream.fd >= 0) {
        struct tls_io io = join_stream_io(&stream);
        stream.session = tls_session_new_client(context, (struct bytes){0}, (struct bytes){0}, &io);
        done = exchange(&stream, request, arena, reply, why) ||
               fail_in(why, "the authority at %.*s", BYTES_FMT(place));
        tls_session_free(stream.session);
        close(stream.fd);
    }
    tls_context_unref(context);
    if (done && reply->error.len)
        return fail(why, FAIL_DENIED, "the authority at %.*s refuses: %.*s", BYTES_FMT(place),
                    BYTES_FMT(reply->error));
    return done;
}

/* ---- what comes of it ------------------------------------------------------------------ */

/* The authority says who we are; the settings say who we shall be. */
static bool reply_judge(const struct settings *settings, const struct join_reply *reply, struct bytes key,
                        struct arena *arena, struct fail *why)
{
    struct certificate_facts facts;
    struct bytes wanted =
        spiffe_id_format(arena, settings->trust_domain, settings->name_space, settings->account);
    if (!certificate_key_matches(reply->chain, key, why) || !certificate_shape_check(reply->chain, why) ||
        !certificate_facts(reply->chain, arena, &facts, why))
        return fail_in(why, "the authority's certificate for us");
    return bytes_equal(facts.uri, wanted) ||
           fail(why, FAIL_INPUT, "the authority takes us for %.*s, and our settings say %.*s",
                BYTES_FMT(facts.uri), BYTES_FMT(wanted));
}

/* A new certificate, for a token or for the one that is there. */
static bool renew(const struct settings *settings, struct joined *joined, struct bytes token,
                  struct arena *arena, int64_t *refresh_s, struct fail *why)
{
    struct bytes csr, key;
    struct join_reply reply;
    if (!csr_make(arena, &csr, &key, why))
        return false;
    struct join_request request = {.csr = csr, .token = token};
    if (!ask(settings, joined->pin, token.len ? NULL : &joined->pem, &request, arena, &reply, why) ||
        !reply_judge(settings, &reply, key, arena, why)) {
        wipe(key);
        return false;
    }
    joined->pem = (struct identity_pem){reply.chain, key, reply.roots};
    *refresh_s = reply.refresh_s;
    return times_fill(joined, arena, why) && kept_write(settings, joined, arena, why);
}

static bool roots_refresh(const struct settings *settings, struct joined *joined, struct arena *arena,
                          int64_t *refresh_s, struct fail *why)
{
    const struct join_request request = {{0}, {0}};
    struct join_reply reply;
    if (!ask(settings, joined->pin, &joined->pem, &request, arena, &reply, why))
        return false;
    bool same = bytes_equal(reply.roots, joined->pem.roots);
    joined->pem.roots = reply.roots;
    *refresh_s = reply.refresh_s;
    return same || kept_write(settings, joined, arena, why);
}

static const char *token_path(const struct settings *settings, struct arena *arena)
{
    struct bytes given = settings->identity->join->token_file;
    struct bytes credentials = bytes_of(getenv("CREDENTIALS_DIRECTORY"));
    if (given.len)
        return arena_text(arena, given);
    return credentials.len ? path_join(arena, credentials, "join-token") : NULL;
}

static bool join(const struct settings *settings, struct joined *joined, struct arena *arena,
                 int64_t *refresh_s, struct fail *why)
{
    const char *path = token_path(settings, arena);
    struct join_token token;
    struct bytes text;
    if (!path)
        return fail(why, FAIL_INPUT, "to join an authority takes a token (identity.join.tokenFile)");
    if (!file_read(path, TOKEN_MAX, arena, &text, why))
        return false;
    bool good = join_token_read(text, &token, why) || fail_in(why, "%s", path);
    if (good) {
        memcpy(joined->pin, token.pin, JOIN_PIN_SIZE);
        good = renew(settings, joined, text, arena, refresh_s, why);
    }
    wipe(text);
    heap_wipe(&token, sizeof token);
    return good;
}

bool join_client_obtain(const struct settings *settings, bool fresh, struct arena *arena,
                        struct identity_pem *out, int64_t *ask_again_s, struct bytes *problem,
                        struct fail *why)
{
    struct joined joined;
    int64_t now_s = clock_wall_s(), refresh_s = RETRY_S;
    *problem = (struct bytes){0};
    if (!kept_read(settings, arena, &joined, why))
        return false;
    bool good = joined.not_after_s > now_s;
    bool half = now_s >= joined.not_before_s + (joined.not_after_s - joined.not_before_s) / 2;
    bool done = !good             ? join(settings, &joined, arena, &refresh_s, why)
                : (fresh || half) ? renew(settings, &joined, (struct bytes){0}, arena, &refresh_s, why)
                                  : roots_refresh(settings, &joined, arena, &refresh_s, why);
    if (!done && !good)
        return false;
    if (!done)
        *problem = arena_bytes(arena, bytes_of(why->text));
    *out = joined.pem;
    *ask_again_s = now_s + (done ? refresh_s : RETRY_S);
    return true;
}
