#include "control/join_server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/heap.h"
#include "base/log.h"
#include "control/ca_directory.h"
#include "control/join_endpoint.h"
#include "control/join_stream.h"
#include "control/join_tokens.h"
#include "control/state_file.h"
#include "crypt/certificate.h"
#include "crypt/csr.h"
#include "wire/address.h"
#include "wire/join.h"
#include "wire/spiffe_id.h"

enum {
    CONNECTIONS_MAX = 64,
    EACH_MAX = 8,   /* of one address, so that it does not keep the others out */
    LIFE_MS = 5000, /* of a connection */
    FAILURES_MAX = 10,
    WINDOW_MS = 60 * 1000, /* in which an address may fail so often */
    ADDRESSES = 256,       /* counted at a time; further ones share a place */
    PEM_MAX = 1 << 20,
    REFRESH_MAX_S = 900,
};

struct failures {
    uint64_t since_ms;
    unsigned count;
};

struct join_server {
    const struct settings *settings;
    pthread_t thread;
    pthread_mutex_t
        making; /* of the context: held while the authority's folder is waited for, as `lock` never is */
    pthread_mutex_t lock;
    pthread_cond_t quiet; /* a connection has ended */
    int wake;
    int listener; /* -1: none */
    bool stop;
    unsigned active;
    unsigned visits[ADDRESSES]; /* of addresses that share a place */
    struct failures failures[ADDRESSES];
    struct tls_context *context; /* made anew when the bundle or the list below changes */
    uint64_t bundle_touched;
    uint64_t list;         /* counts up with the list below */
    bool revoked_known;    /* the rules were read */
    struct bytes *revoked; /* heap texts */
    size_t revoked_count;
};

struct visit {
    struct join_server *server;
    int fd;
    char address[ADDRESS_TEXT_SIZE];
    struct arena arena;
    bool revoked_known;      /* ... when its handshake began */
    const struct peer *peer; /* NULL: it showed no certificate */
};

/* ---- who failed too often --------------------------------------------------------------- */

static size_t place_of(const char *address)
{
    return hash_stable(bytes_of(address)) % ADDRESSES;
}

static struct failures *failures_of(struct join_server *server, const char *address)
{
    struct failures *failures = &server->failures[place_of(address)];
    if (clock_ms() >= failures->since_ms + WINDOW_MS)
        *failures = (struct failures){.since_ms = clock_ms()};
    return failures;
}

static bool may_try(struct visit *visit, struct fail *why)
{
    pthread_mutex_lock(&visit->server->lock);
    bool may = failures_of(visit->server, visit->address)->count < FAILURES_MAX;
    pthread_mutex_unlock(&visit->server->lock);
    return may || fail(why, FAIL_LIMIT, "too many wrong attempts from this address; try again in a minute");
}

static void failure_note(struct visit *visit)
{
    pthread_mutex_lock(&visit->server->lock);
    failures_of(visit->server, visit->address)->count++;
    pthread_mutex_unlock(&visit->server->lock);
}

/* ---- the TLS context -------------------------------------------------------------------- */

static uint64_t bundle_touched(const struct settings *settings, struct arena *arena)
{
    struct stat is;
    if (stat(path_join(arena, settings->identity->ca->directory, "ca-cert.pem"), &is) != 0)
        return 0;
    return (uint64_t)is.st_ino * 1000003 + (uint64_t)is.st_mtim.tv_sec * 1000000007 +
           (uint64_t)is.st_mtim.tv_nsec + 1;
}

/* What a context is made of. */
struct basis {
    uint64_t bundle;
    uint64_t list;
    struct bytes *revoked;
    size_t revoked_count;
};

static struct tls_context *context_make(const struct settings *node, const struct basis *basis,
                                        struct arena *arena, struct fail *why)
{
    struct tls_settings settings = {.verify = TLS_VERIFY_OPTIONAL,
                                    .mesh = true,
                                    .revoked = basis->revoked,
                                    .revoked_count = basis->revoked_count};
    struct bytes directory = node->identity->ca->directory;
    struct tls_context *context = NULL;
    if (file_read(path_join(arena, directory, "ca-cert.pem"), PEM_MAX, arena, &settings.trust, why) &&
        join_endpoint_obtain(node, arena, &settings.chain, &settings.key, why))
        context = tls_context_new_server(&settings, why);
    heap_wipe((char *)(uintptr_t)settings.key.at, settings.key.len);
    return context;
}

/* A reference to the one there is, when it stands on what holds now; else NULL, and what it would stand on.
 */
static struct tls_context *context_now(struct visit *visit, struct basis *basis)
{
    struct join_server *server = visit->server;
    struct tls_context *context = NULL;
    *basis = (struct basis){.bundle = bundle_touched(server->settings, &visit->arena)};
    pthread_mutex_lock(&server->lock);
    visit->revoked_known = server->revoked_known;
    if (server->context && basis->bundle == server->bundle_touched)
        context = tls_context_ref(server->context);
    basis->list = server->list;
    basis->revoked_count = server->revoked_count;
    basis->revoked = arena_array(&visit->arena, struct bytes, server->revoked_count);
    for (size_t i = 0; i < server->revoked_count; i++)
        basis->revoked[i] = arena_bytes(&visit->arena, server->revoked[i]);
    pthread_mutex_unlock(&server->lock);
    return context;
}

/* Not when the list is another one already: then it is good for this connection alone. */
static void context_keep(struct join_server *server, struct tls_context *context, const struct basis *basis)
{
    pthread_mutex_lock(&server->lock);
    if (server->list == basis->list) {
        tls_context_unref(server->context);
        server->context = tls_context_ref(context);
        server->bundle_touched = basis->bundle;
    }
    pthread_mutex_unlock(&server->lock);
}

/* A reference. */
static struct tls_context *context_get(struct visit *visit, struct fail *why)
{
    struct join_server *server = visit->server;
    struct basis basis;
    pthread_mutex_lock(&server->making);
    struct tls_context *context = context_now(visit, &basis);
    if (!context && (context = context_make(server->settings, &basis, &visit->arena, why)))
        context_keep(server, context, &basis);
    pthread_mutex_unlock(&server->making);
    return context;
}

/* ---- a request -------------------------------------------------------------------------- */

static bool grant_by_token(struct visit *visit, const struct join_request *request, struct bytes *uri,
                           struct fail *why)
{
    const struct settings *settings = visit->server->settings;
    struct join_token token;
    struct join_grant grant;
    bool good = may_try(visit, why) && join_token_read(request->token, &token, why) &&
                join_tokens_find(settings->identity->ca->directory, token.secret, clock_wall_s(),
                                 &visit->arena, &grant, why) &&
                csr_check(request->csr, why) &&
                join_tokens_use(settings->identity->ca->directory, token.secret, why);
    heap_wipe(&token, sizeof token);
    if (good)
        *uri = spiffe_id_format(&visit->arena, settings->trust_domain, grant.name_space, grant.account);
    else
        failure_note(visit);
    return good;
}

/* While the deny list is not known yet a revoked certificate could be changed for one that is not on it. */
static bool grant_by_certificate(const struct visit *visit, const struct join_request *request,
                                 struct bytes *uri, struct fail *why)
{
    const struct settings *settings = visit->server->settings;
    if (!visit->peer)
        return fail(why, FAIL_DENIED, "a join token or a certificate of this authority is wanted");
    if (!peer_judge(visit->peer, &settings->trust_domain, 1, NULL, 0, why))
        return false;
    if (request->csr.len && !visit->revoked_known)
        return fail(why, FAIL_LATE, "which certificates are revoked is not known yet; try again");
    *uri = visit->peer->uri;
    return true;
}

static bool certify(struct visit *visit, const struct join_request *request, struct bytes uri,
                    struct join_reply *reply, struct fail *why)
{
    const struct settings *settings = visit->server->settings;
    int64_t seconds = settings->identity->certificate_lifetime_ms / 1000;
    struct identity_pem pem;
    struct certificate_facts facts;
    struct ca_directory *directory = ca_directory_open(settings, 0, why);
    if (!directory)
        return false;
    bool done =
        csr_answer(ca_directory_authority(directory), request->csr, uri, seconds, &visit->arena, &pem, why) &&
        certificate_facts(pem.chain, &visit->arena, &facts, why) &&
        ca_directory_issued(directory, facts.not_after_s, why);
    ca_directory_close(directory);
    if (!done)
        return false;
    reply->chain = pem.chain;
    log_info("certificate %.*s for %.*s at %s%s", BYTES_FMT(facts.serial), BYTES_FMT(uri), visit->address,
             request->token.len ? ", which joins" : "");
    return true;
}

static bool answer(struct visit *visit, struct bytes json, struct join_reply *reply, struct fail *why)
{
    const struct settings_ca *ca = visit->server->settings->identity->ca;
    struct join_request request;
    struct bytes uri = {0};
    int64_t refresh_s = ca->publish_ahead_ms / 4000;
    if (!join_request_read(json, &visit->arena, &request, why) ||
        !(request.token.len ? grant_by_token(visit, &request, &uri, why)
                            : grant_by_certificate(visit, &request, &uri, why)) ||
        (request.csr.len && !certify(visit, &request, uri, reply, why)))
        return false;
    reply->refresh_s = refresh_s < 1 ? 1 : refresh_s > REFRESH_MAX_S ? REFRESH_MAX_S : refresh_s;
    return file_read(path_join(&visit->arena, ca->directory, "ca-cert.pem"), PEM_MAX, &visit->arena,
                     &reply->roots, why);
}

static bool talk(struct visit *visit, struct join_stream *stream, struct fail *why)
{
    struct bytes json;
    struct text message;
    struct join_reply reply = {0};
    if (!join_stream_handshake(stream, why) ||
        !join_stream_receive(stream, JOIN_REQUEST_MAX, &visit->arena, &json, why))
        return false;
    visit->peer = tls_peer(stream->session);
    if (!answer(visit, json, &reply, why)) {
        log_warning("no certificate for %s: %s", visit->address, why->text);
        reply = (struct join_reply){.error = bytes_of(why->text)};
    }
    text_init_arena(&message, &visit->arena);
    join_reply_write(&reply, &message);
    bool sent = join_stream_send(stream, text_bytes(&message), why);
    tls_close(stream->session);
    return sent;
}

static void visit_run(struct visit *visit)
{
    struct join_stream stream = {.fd = visit->fd, .until_ms = clock_ms() + LIFE_MS};
    struct tls_io io = join_stream_io(&stream);
    struct fail why;
    struct tls_context *context = context_get(visit, &why);
    if (!context) {
        log_error("nobody can join: %s", why.text);
        return;
    }
    stream.session = tls_session_new_server(context, NULL, &io);
    if (!talk(visit, &stream, &why))
        log_debug("a connection of %s to join: %s", visit->address, why.text);
    tls_session_free(stream.session);
    tls_context_unref(context);
}

static void *visit_thread(void *of)
{
    struct visit *visit = of;
    struct join_server *server = visit->server;
    size_t place = place_of(visit->address);
    arena_init(&visit->arena);
    visit_run(visit);
    arena_done(&visit->arena);
    close(visit->fd);
    free(visit);
    arena_stock_drop();
    pthread_mutex_lock(&server->lock);
    server->active--;
    server->visits[place]--;
    pthread_cond_signal(&server->quiet);
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

/* ---- accepting -------------------------------------------------------------------------- */

static void visit_begin(struct join_server *server, int fd, const struct sockaddr *from)
{
    struct visit *visit = heap_new(struct visit);
    struct address address;
    pthread_attr_t detached;
    pthread_t thread;
    visit->server = server;
    visit->fd = fd;
    address_of_socket(from, &address, NULL);
    struct bytes shown = address_text(&address, visit->address);
    memmove(visit->address, shown.at, shown.len);
    visit->address[shown.len] = '\0';
    unsigned *visits = &server->visits[place_of(visit->address)];
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    if (*visits < EACH_MAX && pthread_create(&thread, &detached, visit_thread, visit) == 0) {
        server->active++;
        ++*visits;
    } else {
        close(fd);
        free(visit);
    }
    pthread_attr_destroy(&detached);
}

static void on_connection(struct join_server *server)
{
    struct sockaddr_storage from;
    socklen_t len = sizeof from;
    pthread_mutex_lock(&server->lock);
    int fd = server->listener < 0
                 ? -1
                 : accept4(server->listener, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0 && server->active >= CONNECTIONS_MAX)
        close(fd);
    else if (fd >= 0)
        visit_begin(server, fd, (struct sockaddr *)&from);
    pthread_mutex_unlock(&server->lock);
}

static void *server_run(void *of)
{
    struct join_server *server = of;
    uint64_t count;
    for (;;) {
        pthread_mutex_lock(&server->lock);
        struct pollfd fds[] = {{.fd = server->wake, .events = POLLIN},
                               {.fd = server->listener, .events = POLLIN}};
        bool stop = server->stop;
        pthread_mutex_unlock(&server->lock);
        if (stop)
            return NULL;
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return NULL;
        if (fds[0].revents && read(server->wake, &count, sizeof count) < 0 && errno != EAGAIN)
            return NULL;
        if (fds[1].revents)
            on_connection(server);
    }
}

/* ---- beginning and end ------------------------------------------------------------------ */

static void wake(struct join_server *server)
{
    const uint64_t one = 1;
    if (write(server->wake, &one, sizeof one) < 0)
        return; /* it is woken already */
}

struct join_server *join_server_start(const struct settings *settings)
{
    const struct settings_ca *ca = settings->identity->ca;
    if (!ca || !ca->listen.len)
        return NULL;
    struct join_server *server = heap_new(struct join_server);
    server->settings = settings;
    server->listener = -1;
    server->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&server->making, NULL);
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->quiet, NULL);
    if (server->wake < 0 || pthread_create(&server->thread, NULL, server_run, server) != 0)
        abort();
    return server;
}

void join_server_listen(struct join_server *server, int fd)
{
    pthread_mutex_lock(&server->lock);
    if (server->listener >= 0)
        close(server->listener);
    server->listener = fd;
    pthread_mutex_unlock(&server->lock);
    wake(server);
}

static void revoked_drop(struct join_server *server)
{
    for (size_t i = 0; i < server->revoked_count; i++)
        free((char *)(uintptr_t)server->revoked[i].at);
    free(server->revoked);
    server->revoked = NULL;
    server->revoked_count = 0;
}

void join_server_revoke(struct join_server *server, const struct compile_revoked *revoked, size_t count)
{
    if (!server)
        return;
    pthread_mutex_lock(&server->lock);
    revoked_drop(server);
    server->revoked = heap_alloc_array(count + 1, sizeof *server->revoked);
    for (; server->revoked_count < count; server->revoked_count++) {
        struct bytes serial = revoked[server->revoked_count].serial;
        server->revoked[server->revoked_count] = bytes_make(heap_text(serial), serial.len);
    }
    server->revoked_known = true;
    server->list++;
    tls_context_unref(server->context);
    server->context = NULL;
    pthread_mutex_unlock(&server->lock);
}

void join_server_stop(struct join_server *server)
{
    if (!server)
        return;
    pthread_mutex_lock(&server->lock);
    server->stop = true;
    pthread_mutex_unlock(&server->lock);
    wake(server);
    pthread_join(server->thread, NULL);
    pthread_mutex_lock(&server->lock);
    while (server->active)
        pthread_cond_wait(&server->quiet, &server->lock);
    pthread_mutex_unlock(&server->lock);
    if (server->listener >= 0)
        close(server->listener);
    close(server->wake);
    tls_context_unref(server->context);
    revoked_drop(server);
    pthread_cond_destroy(&server->quiet);
    pthread_mutex_destroy(&server->lock);
    pthread_mutex_destroy(&server->making);
    free(server);
}
