#include "base/test.h"

#include "proxy/proxy_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/heap.h"
#include "crypt/digest.h"
#include "proxy/block.h"
#include "wire/base64.h"
#include "wire/image_build.h"
#include "wire/login_message.h"
#include "wire/ring.h"

enum { RING_SIZE = (1 << 21) + RING_HEAD };

/* ---- what the worker asks --------------------------------------------------------- */

static void need_keys(struct worker *worker, uint64_t key_set)
{
    struct play *play = worker->owner;
    play->wants.keys++;
    play->wants.key_set = key_set;
}

static void connect_path(struct worker *worker, uint64_t id, struct bytes path)
{
    struct play *play = worker->owner;
    play->wants.paths++;
    play->wants.path_id = id;
    snprintf(play->wants.path, sizeof play->wants.path, "%.*s", BYTES_FMT(path));
}

static bool limit_hits(struct worker *worker, enum limit limit, uint64_t count)
{
    struct play *play = worker->owner;
    play->limit_hits[limit] += count;
    return true;
}

static void login_ask(struct worker *worker, uint64_t id, struct bytes ask)
{
    struct play *play = worker->owner;
    struct login_ask copy;
    play->wants.logins++;
    play->wants.login_id = id;
    assert_true(login_ask_unpack(arena_bytes(&play->arena, ask), &copy));
    play->wants.login = copy;
}

static void ended(struct worker *worker, const struct ended *one)
{
    worker_ended(worker, one);
}

static const struct worker_ops ops = {need_keys, connect_path, login_ask, ended, limit_hits};

/* ---- images ------------------------------------------------------------------------ */

static void image_take(struct play *play, struct image_head *head, size_t size, enum image_kind kind)
{
    struct fail why;
    struct generation *generation = NULL;
    struct digest digest = digest_of(bytes_make(head + 1, size - sizeof *head));
    memcpy(head->hash, digest.bytes, sizeof head->hash);
    int fd = memfd_create("image", MFD_CLOEXEC);
    if (write(fd, head, size) != (ssize_t)size)
        abort();
    if (!loader_take(play->loader, fd, kind, &generation, &why))
        world_wrong("image: %s", why.text);
    if (generation)
        worker_swap(&play->worker, generation);
}

static int set_order(const void *a, const void *b)
{
    uint64_t x = ((const struct keys_set *)a)->id, y = ((const struct keys_set *)b)->id;
    return x < y ? -1 : x > y;
}

static void sets_build(struct play *play, struct image_build *build)
{
    const struct compile_result *result = &play->world.result;
    struct keys_set *rows = arena_array(&build->arena, struct keys_set, result->key_set_count + 1);
    for (size_t i = 0; i < result->key_set_count; i++) {
        struct bytes text = result->key_sets[i].inline_text;
        struct jwk_set set = {0};
        struct fail why;
        text = text.len ? text : bytes_of(play->jwks);
        rows[i] = (struct keys_set){.id = result->key_sets[i].id};
        if (!text.len)
            continue;
        if (!jwk_set_read(text, &build->arena, &set, &why))
            world_wrong("keys: %s", why.text);
        struct keys_key *keys = arena_array(&build->arena, struct keys_key, set.count + 1);
        for (uint32_t k = 0; k < set.count; k++)
            keys[k] = (struct keys_key){.type = set.keys[k].type,
                                        .alg = set.keys[k].alg,
                                        .kid = image_build_text(build, set.keys[k].kid),
                                        .a = image_build_text(build, set.keys[k].a),
                                        .b = image_build_text(build, set.keys[k].b)};
        rows[i].keys = image_build_rows(build, KEYS_KEY, keys, set.count);
        rows[i].fetched = 1;
        rows[i].version = hash_stable(text);
    }
    qsort(rows, result->key_set_count, sizeof *rows, set_order);
    image_build_rows(build, KEYS_SET, rows, (uint32_t)result->key_set_count);
}

static void signer_build(struct play *play, struct image_build *build)
{
    uint8_t der[SIGNER_DER_MAX];
    size_t len;
    struct fail why;
    if (!play->signer)
        return;
    assert_true(signer_to_der(play->signer, der, &len, &why));
    struct jwk key = signer_public_jwk(play->signer, &build->arena);
    struct keys_signer row = {.kid = image_build_text(build, key.kid),
                              .der = image_build_text(build, bytes_make(der, len)),
                              .until_s = INT64_MAX};
    image_build_rows(build, KEYS_SIGNER, &row, 1);
}

/* Every Login's provider is known, and there is a key for sessions. */
static void logins_put(struct image_build *build, const struct compile_result *result)
{
    static const char key[SEAL_KEY_SIZE] = "a key for sessions, 32 bytes lon";
    struct keys_session session = {.id = 1, .key = image_build_text(build, bytes_make(key, sizeof key))};
    for (size_t i = 0; i < result->login_count; i++) {
        struct keys_login row = {.id = result->logins[i].id,
                                 .authorization_endpoint =
                                     image_build_text(build, BYTES("https://issuer/auth")),
                                 .end_session_endpoint = image_build_text(build, BYTES("https://issuer/end")),
                                 .says_issuer = 1};
        image_build_rows(build, KEYS_LOGIN, &row, 1);
    }
    if (result->login_count)
        image_build_rows(build, KEYS_SESSION, &session, 1);
}

void play_keys(struct play *play)
{
    struct image_build build;
    struct keys_root root = {0};
    size_t size;
    image_build_init(&build, &keys_schema);
    if (play->self.chain.len) {
        struct keys_certificate row = {.id = 1,
                                       .chain = image_build_text(&build, play->self.chain),
                                       .key = image_build_text(&build, play->self.key),
                                       .trust = image_build_text(&build, play->self.roots),
                                       .version = hash_stable(play->self.chain)};
        root.self = 1;
        image_build_rows(&build, KEYS_CERTIFICATE, &row, 1);
    }
    sets_build(play, &build);
    signer_build(play, &build);
    root.published = image_build_text(&build, BYTES("{\"keys\":[]}"));
    logins_put(&build, &play->world.result);
    image_build_rows(&build, KEYS_ROOT, &root, 1);
    struct image_head *head = image_build_finish(&build, ++play->generation, (unsigned char[32]){0}, &size);
    image_take(play, head, size, IMAGE_KEYS);
    free(head);
    image_build_done(&build);
}

static void rules_take(struct play *play)
{
    struct compile_result *result = &play->world.result;
    image_take(play, result->rules, result->rules_size, IMAGE_RULES);
    image_take(play, result->endpoints, result->endpoints_size, IMAGE_ENDPOINTS);
}

void play_rules(struct play *play, const char *yaml)
{
    struct compile_node node = play->world.node;
    struct fail why;
    world_done(&play->world);
    world_init(&play->world, play->role);
    play->world.node = node;
    world_add(&play->world, yaml);
    if (!world_compile(&play->world, &why))
        world_wrong("rules: %s", why.text);
    rules_take(play);
    play_go(play);
}

void play_deny_all(struct play *play)
{
    struct compile_result none;
    compile_deny_all(&play->world.set, &play->world.node, BYTES("a test"), ++play->generation, &play->arena,
                     &none);
    image_take(play, none.rules, none.rules_size, IMAGE_RULES);
    image_take(play, none.endpoints, none.endpoints_size, IMAGE_ENDPOINTS);
    compile_result_done(&none);
    play_go(play);
}

/* ---- beginning and end --------------------------------------------------------------- */

void play_init(struct play *play, enum rules_role role, const char *yaml)
{
    memset(play, 0, sizeof *play);
    alarm(20);
    play->blocks = block_live();
    play->role = role;
    arena_init(&play->arena);
    world_init(&play->world, role);
    world_add(&play->world, yaml);
    play->sim = io_sim_new();
    play->loader = loader_new();
    worker_init(&play->worker, &play->sim->io, 0, &ops, play);
    play->ring = heap_alloc(RING_SIZE);
    ring_open(&play->worker.ring, play->ring, RING_SIZE);
    play->worker.has_ring = true;
}

void play_start(struct play *play)
{
    struct fail why;
    if (!world_compile(&play->world, &why))
        world_wrong("rules: %s", why.text);
    rules_take(play);
    play_keys(play);
    for (size_t i = 0; i < play->world.result.bind_count; i++) {
        int fd = sim_listen(play->sim);
        if (!i) {
            play->listener = fd;
            play->listener_id = play->world.result.binds[i].id;
        }
        worker_listen(&play->worker, play->world.result.binds[i].id, 0, fd);
    }
    play_go(play);
}

void play_open(struct play *play, enum rules_role role, const char *yaml)
{
    play_init(play, role, yaml);
    play_start(play);
}

void play_close(struct play *play)
{
    play_go(play);
    play->sim->fault = (struct sim_fault){0};
    worker_done(&play->worker);
    unsigned open = sim_open(play->sim);
    play->sim->io.free(&play->sim->io);
    loader_free(play->loader);
    world_done(&play->world);
    arena_done(&play->arena);
    signer_free(play->signer);
    free(play->ring);
    assert_int_equal(open, 0);
    assert_int_equal(block_live(), play->blocks);
    block_stock_drop();
    arena_stock_drop();
    alarm(0);
}

/* ---- turning --------------------------------------------------------------------------- */

static bool still(const struct play *play)
{
    const struct loop *loop = &play->worker.loop;
    return !play->sim->told && list_empty(&loop->soon) && list_empty(&loop->late) &&
           list_empty(&loop->graves);
}

void play_go(struct play *play)
{
    /* What a last turn's tasks did to sockets is told in the next. */
    for (unsigned turns = 0, quiet = 0; quiet < 2; turns++) {
        assert_true(loop_turn(&play->worker.loop, 0));
        quiet = still(play) ? quiet + 1 : 0;
        if (turns > PLAY_TURNS)
            world_wrong("it never comes to rest");
    }
}

void play_pass(struct play *play, uint64_t ms)
{
    uint64_t until = play->sim->now_ms + ms;
    play_go(play);
    while (play->sim->now_ms < until) {
        loop_turn(&play->worker.loop, (int)(until - play->sim->now_ms));
        play_go(play);
    }
}

/* ---- talking ----------------------------------------------------------------------------- */

int play_dial(struct play *play)
{
    int fd = sim_dial(play->sim, play->listener);
    play_go(play);
    return fd;
}

int play_dial_at(struct play *play, const char *name)
{
    const struct rules_listener *row = world_listener(&play->world, name);
    assert_non_null(row);
    list_for(link, &play->worker.listens)
    {
        struct listen *listen = container_of(link, struct listen, link);
        if (listen->id != row->id)
            continue;
        int fd = sim_dial(play->sim, listen->fd);
        play_go(play);
        return fd;
    }
    world_wrong("nobody listens at %s", name);
    return -1;
}

void play_say(struct play *play, int fd, const char *text)
{
    struct bytes left = bytes_of(text);
    for (unsigned turns = 0; left.len && turns < PLAY_TURNS; turns++) {
        size_t took = sim_say(play->sim, fd, left);
        left = bytes_part(left, took, left.len);
        play_go(play);
    }
}

void play_say_many(struct play *play, int fd, char c, size_t count)
{
    char piece[4096];
    memset(piece, c, sizeof piece);
    while (count) {
        size_t took = sim_say(play->sim, fd, bytes_make(piece, count < sizeof piece ? count : sizeof piece));
        if (!took)
            return;
        count -= took;
        play_go(play);
    }
}

const char *play_hear(struct play *play, int fd)
{
    static char buffers[2][SIM_ROOM_MAX + 1];
    static unsigned turn;
    char *at = buffers[turn++ % 2];
    size_t len = 0, got;
    play_go(play);
    while (len < SIM_ROOM_MAX && (got = sim_hear(play->sim, fd, at + len, SIM_ROOM_MAX - len))) {
        len += got;
        play_go(play);
    }
    at[len] = '\0';
    return at;
}

size_t play_drain(struct play *play, int fd, size_t step)
{
    char buffer[65536];
    size_t all = 0, got;
    while ((got = sim_hear(play->sim, fd, buffer, step))) {
        all += got;
        play_go(play);
    }
    return all;
}

int play_took(struct play *play, unsigned port)
{
    int fd = sim_take(play->sim, port);
    if (fd < 0)
        world_wrong("nobody has connected to port %u", port);
    return fd;
}

/* ---- what was said --------------------------------------------------------------------------- */

void said_begins(const char *text, const char *with)
{
    if (strncmp(text, with, strlen(with)) != 0)
        world_wrong("not '%s' but: %s", with, text);
}

void said_has(const char *text, const char *what)
{
    if (!strstr(text, what))
        world_wrong("no '%s' in: %s", what, text);
}

void said_lacks(const char *text, const char *what)
{
    if (strstr(text, what))
        world_wrong("'%s' in: %s", what, text);
}

void said_ends(const char *text, const char *with)
{
    size_t len = strlen(text), n = strlen(with);
    if (len < n || strcmp(text + len - n, with) != 0)
        world_wrong("not at the end '%s': %s", with, text);
}

/* ---- records ------------------------------------------------------------------------------- */

static void records_read(struct play *play)
{
    struct bytes bytes;
    struct fail why;
    while (ring_read(&play->worker.ring, &play->arena, &bytes)) {
        assert_true(play->record_count < PLAY_RECORDS);
        if (!record_decode(bytes, &play->records[play->record_count++], &why))
            world_wrong("record: %s", why.text);
    }
}

const struct record *play_record(struct play *play, unsigned count)
{
    play_go(play);
    records_read(play);
    if (play->record_count != count)
        world_wrong("%u records, not %u", play->record_count, count);
    return count ? &play->records[count - 1] : NULL;
}

void play_expect(struct play *play, unsigned count, unsigned status, uint32_t flags, const char *details)
{
    const struct record *r = play_record(play, count);
    char flag_text[100];
    struct text text;
    text_init_fixed(&text, flag_text, sizeof flag_text);
    record_flags_text(&text, r->flags);
    if (r->status != status || r->flags != flags || !bytes_equal(r->details, bytes_of(details)))
        world_wrong("record: %u %s %.*s (%.*s; %.*s)", r->status, flag_text, BYTES_FMT(r->details),
                    BYTES_FMT(r->termination), BYTES_FMT(r->failure));
}

/* ---- tokens -------------------------------------------------------------------------------- */

static struct signer *provider;

static struct signer *provider_key(void)
{
    struct fail why;
    if (!provider)
        provider = signer_new_p256(&why);
    return provider;
}

void play_keys_drop(void)
{
    signer_free(provider);
    provider = NULL;
}

const char *play_token(struct play *play, const char *kid, const char *claims)
{
    return play_token_typed(play, kid, "JWT", claims);
}

const char *play_token_typed(struct play *play, const char *kid, const char *typ, const char *claims)
{
    uint8_t signature[SIGNER_SIGNATURE_SIZE];
    struct fail why;
    struct arena *arena = &play->arena;
    struct bytes header = arena_format(arena, "{\"alg\":\"ES256\",\"typ\":\"%s\",\"kid\":\"%s\"}", typ, kid);
    struct bytes input =
        jws_signing_input(header, arena_format(arena, "{\"iss\":\"" PLAY_ISSUER "\",%s}", claims), arena);
    assert_true(signer_sign(provider_key(), input, signature, &why));
    return arena_text(arena, jws_join(input, bytes_make(signature, sizeof signature), arena));
}

const char *play_jwks(struct play *play, const char *kid)
{
    struct text text;
    struct jwk key = signer_public_jwk(provider_key(), &play->arena);
    key.kid = bytes_of(kid);
    text_init_arena(&text, &play->arena);
    text_add_s(&text, "{\"keys\":[");
    jwk_write(&text, &key);
    text_add_s(&text, "]}");
    return arena_text(&play->arena, text_bytes(&text));
}

struct bytes play_payload(struct play *play, struct bytes token)
{
    struct jws jws;
    struct fail why;
    if (!jws_read(token, &play->arena, &jws, &why))
        world_wrong("token: %s: %.*s", why.text, BYTES_FMT(token));
    return jws.payload;
}

/* ---- TLS ------------------------------------------------------------------------------------ */

static long tls_hears(void *owner, char *at, size_t room)
{
    struct play_tls *tls = owner;
    size_t got = sim_hear(tls->play->sim, tls->fd, at, room);
    if (got)
        return (long)got;
    return sim_ended(tls->play->sim, tls->fd) ? 0 : -1;
}

static long tls_says(void *owner, const char *at, size_t len)
{
    struct play_tls *tls = owner;
    size_t took = sim_say(tls->play->sim, tls->fd, bytes_make(at, len));
    return took ? (long)took : -1;
}

void play_tls_open(struct play *play, struct play_tls *tls, int fd, const struct identity_pem *who, bool mesh)
{
    play_tls_open_for(play, tls, fd, who, mesh, BYTES("b.test"));
}

void play_tls_open_for(struct play *play, struct play_tls *tls, int fd, const struct identity_pem *who,
                       bool mesh, struct bytes sni)
{
    struct fail why;
    static const char *const alpn[] = {"http/1.1", NULL};
    struct tls_settings settings = {.chain = who->chain,
                                    .key = who->key,
                                    .trust = who->roots,
                                    .verify = TLS_VERIFY_REQUIRED,
                                    .mesh = mesh,
                                    .alpn = alpn};
    *tls = (struct play_tls){.play = play, .fd = fd};
    struct tls_context *context = tls_context_new_client(&settings, &why);
    if (!context)
        world_wrong("client: %s", why.text);
    struct tls_io io = {tls_hears, tls_says, tls};
    tls->session = tls_session_new_client(context, sni, BYTES(""), &io);
    tls_context_unref(context);
    for (int i = 0; i < 20 && !tls->open && !tls->broken; i++) {
        enum tls_turn turn = tls_handshake(tls->session, &why);
        tls->open = turn == TLS_DONE;
        tls->broken = turn == TLS_CLOSED || turn == TLS_BROKEN;
        play_go(play);
    }
}

void play_tls_say(struct play_tls *tls, const char *text)
{
    struct fail why;
    size_t len = strlen(text);
    assert_int_equal(tls_write(tls->session, text, &len, &why), TLS_DONE);
    play_go(tls->play);
}

const char *play_tls_hear(struct play_tls *tls)
{
    static char buffer[65536];
    size_t all = 0;
    struct fail why;
    play_go(tls->play);
    for (;;) {
        size_t len = sizeof buffer - 1 - all;
        if (tls_read(tls->session, buffer + all, &len, &why) != TLS_DONE)
            break;
        all += len;
        play_go(tls->play);
    }
    buffer[all] = '\0';
    return buffer;
}

void play_tls_close(struct play_tls *tls)
{
    tls_session_free(tls->session);
    sim_close(tls->play->sim, tls->fd);
    play_go(tls->play);
}
