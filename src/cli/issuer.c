#include "cli/issuer.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/options.h"
#include "cli/serve.h"
#include "cli/serve_http.h"
#include "crypt/signature.h"

#define TOKEN_LIFETIME_S 3600
#define AUDIENCE "demo"

struct issuer {
    const char *listen;
    const char *issuer; /* the URL in iss */
    struct signer *signer;
    char url[256];
};

const struct issuer_identity issuer_identities[] = {
    {"dev", "alice, a developer", "\"sub\":\"alice\",\"name\":\"Alice\",\"dept\":\"engineering\""},
    {"accountant", "bob, an accountant", "\"sub\":\"bob\",\"name\":\"Bob\",\"dept\":\"finance\""},
    {"agent", "agent-7, an AI agent that acts for alice",
     "\"sub\":\"alice\",\"client_id\":\"agent-7\",\"act\":{\"sub\":\"agent-7\"}"},
};
const size_t issuer_identity_count = sizeof issuer_identities / sizeof issuer_identities[0];

/* ---- tokens -------------------------------------------------------------------- */

static const struct issuer_identity *identity_named(struct bytes name)
{
    for (size_t i = 0; i < issuer_identity_count; i++)
        if (bytes_equal(bytes_of(issuer_identities[i].name), name))
            return &issuer_identities[i];
    return NULL;
}

static struct bytes payload_make(const char *issuer, const struct issuer_identity *identity,
                                 struct bytes audience, int64_t now_s, struct arena *arena)
{
    unsigned char id[16];
    struct text text;
    random_bytes(id, sizeof id);
    text_init_arena(&text, arena);
    text_add_s(&text, "{\"iss\":");
    text_add_json(&text, bytes_of(issuer));
    text_add_s(&text, ",\"aud\":");
    text_add_json(&text, audience);
    text_format(&text, ",%s,\"iat\":%lld,\"exp\":%lld,\"jti\":\"", identity->claims, (long long)now_s,
                (long long)now_s + TOKEN_LIFETIME_S);
    text_add_hex(&text, bytes_make(id, sizeof id));
    text_add_s(&text, "\"}");
    return text_bytes(&text);
}

bool issuer_token(const struct signer *signer, const char *issuer, struct bytes name, struct bytes audience,
                  int64_t now_s, struct arena *arena, struct bytes *out, struct fail *why)
{
    const struct issuer_identity *identity = identity_named(name);
    uint8_t signature[SIGNER_SIGNATURE_SIZE];
    if (!identity)
        return fail(why, FAIL_INPUT, "there is no such identity");
    struct jwk key = signer_public_jwk(signer, arena);
    struct bytes header =
        arena_format(arena, "{\"alg\":\"ES256\",\"kid\":\"%.*s\",\"typ\":\"at+jwt\"}", BYTES_FMT(key.kid));
    struct bytes input =
        jws_signing_input(header, payload_make(issuer, identity, audience, now_s, arena), arena);
    if (!signer_sign(signer, input, signature, why))
        return false;
    *out = jws_join(input, bytes_make(signature, sizeof signature), arena);
    return true;
}

/* ---- what it serves -------------------------------------------------------------- */

/* The value of a name in a query or form; what is percent-encoded is not looked at. */
static struct bytes form_value(struct bytes form, struct bytes name)
{
    struct bytes pair, key;
    while (form.len) {
        bytes_cut(&form, '&', &pair);
        bytes_cut(&pair, '=', &key);
        if (bytes_equal(key, name))
            return pair;
    }
    return (struct bytes){0};
}

static void text_reply(struct serving *serving, unsigned status, const char *type, const char *cache,
                       const struct text *body)
{
    struct http_fields fields;
    http_fields_init(&fields, &serving->arena);
    http_fields_add(&fields, BYTES("cache-control"), bytes_of(cache));
    serving_reply(serving, status, type, &fields, text_bytes(body));
}

static void url_add(struct text *out, const char *name, const struct issuer *issuer, const char *path)
{
    struct arena *arena = out->arena;
    text_format(out, "\"%s\":", name);
    text_add_json(out, arena_format(arena, "%s%s", issuer->issuer, path));
    text_add_c(out, ',');
}

static void discovery_answer(const struct issuer *issuer, struct serving *serving, struct bytes rest,
                             struct bytes query)
{
    struct text out;
    (void)rest;
    (void)query;
    text_init_arena(&out, &serving->arena);
    text_add_c(&out, '{');
    url_add(&out, "issuer", issuer, "");
    url_add(&out, "jwks_uri", issuer, "/jwks");
    url_add(&out, "token_endpoint", issuer, "/token");
    text_add_s(&out, "\"id_token_signing_alg_values_supported\":[\"ES256\"],"
                     "\"response_types_supported\":[\"token\"],\"subject_types_supported\":[\"public\"]}\n");
    text_reply(serving, 200, "application/json", "public, max-age=300", &out);
}

static void keys_answer(const struct issuer *issuer, struct serving *serving, struct bytes rest,
                        struct bytes query)
{
    struct text out;
    struct jwk key = signer_public_jwk(issuer->signer, &serving->arena);
    (void)rest;
    (void)query;
    text_init_arena(&out, &serving->arena);
    text_add_s(&out, "{\"keys\":[");
    jwk_write(&out, &key);
    text_add_s(&out, "]}\n");
    text_reply(serving, 200, "application/json", "public, max-age=300", &out);
}

static bool token_make(const struct issuer *issuer, struct serving *serving, struct bytes name,
                       struct bytes audience, struct bytes *token)
{
    struct fail why;
    struct text out;
    if (!audience.len)
        audience = BYTES(AUDIENCE);
    if (issuer_token(issuer->signer, issuer->issuer, name, audience, clock_wall_s(), &serving->arena, token,
                     &why))
        return true;
    text_init_arena(&out, &serving->arena);
    text_format(&out, "%s; there are:", why.text);
    for (size_t i = 0; i < issuer_identity_count; i++)
        text_format(&out, " %s", issuer_identities[i].name);
    text_add_c(&out, '\n');
    text_reply(serving, 404, "text/plain", "no-store", &out);
    return false;
}

/* GET /token/NAME: the token alone, for $(curl ...). */
static void token_answer(const struct issuer *issuer, struct serving *serving, struct bytes rest,
                         struct bytes query)
{
    struct text out;
    struct bytes token;
    if (!token_make(issuer, serving, rest, form_value(query, BYTES("audience")), &token))
        return;
    text_init_arena(&out, &serving->arena);
    text_add(&out, token);
    text_add_c(&out, '\n');
    text_reply(serving, 200, "text/plain", "no-store", &out);
}

/* POST /token: client_credentials with client_id naming the identity; any secret will do. */
static void grant_answer(const struct issuer *issuer, struct serving *serving, struct bytes rest,
                         struct bytes query)
{
    struct bytes form = bytes_make(
        serving->body, serving->body_len < SERVE_BODY_KEPT ? (size_t)serving->body_len : SERVE_BODY_KEPT);
    struct bytes token;
    struct text out;
    (void)rest;
    (void)query;
    if (!token_make(issuer, serving, form_value(form, BYTES("client_id")),
                    form_value(form, BYTES("audience")), &token))
        return;
    text_init_arena(&out, &serving->arena);
    text_format(&out, "{\"access_token\":\"%.*s\",\"token_type\":\"Bearer\",\"expires_in\":%d}\n",
                BYTES_FMT(token), TOKEN_LIFETIME_S);
    text_reply(serving, 200, "application/json", "no-store", &out);
}

static void list_answer(const struct issuer *issuer, struct serving *serving, struct bytes rest,
                        struct bytes query)
{
    struct text out;
    (void)rest;
    (void)query;
    text_init_arena(&out, &serving->arena);
    text_add_s(&out, "Selvage's development issuer: anybody here gets any of these identities.\n\n");
    for (size_t i = 0; i < issuer_identity_count; i++)
        text_format(&out, "%s/token/%-12s %s\n", issuer->issuer, issuer_identities[i].name,
                    issuer_identities[i].about);
    text_reply(serving, 200, "text/plain", "no-store", &out);
}

static const struct page {
    struct bytes method;
    struct bytes path;
    bool more; /* a name follows */
    void (*answer)(const struct issuer *issuer, struct serving *serving, struct bytes rest,
                   struct bytes query);
} pages[] = {
    {BYTES_INIT("GET"), BYTES_INIT("/"), false, list_answer},
    {BYTES_INIT("GET"), BYTES_INIT("/.well-known/openid-configuration"), false, discovery_answer},
    {BYTES_INIT("GET"), BYTES_INIT("/jwks"), false, keys_answer},
    {BYTES_INIT("GET"), BYTES_INIT("/token/"), true, token_answer},
    {BYTES_INIT("POST"), BYTES_INIT("/token"), false, grant_answer},
};

static void answer(struct serving *serving, void *self)
{
    struct bytes query = serving->request.path, path;
    struct bytes method = serving_is_head(serving) ? BYTES("GET") : serving->request.method;
    bytes_cut(&query, '?', &path);
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        const struct page *page = &pages[i];
        bool here = page->more ? bytes_starts(path, page->path) : bytes_equal(path, page->path);
        if (here && bytes_equal(method, page->method)) {
            page->answer(self, serving, bytes_part(path, page->path.len, path.len), query);
            return;
        }
    }
    serving_reply(serving, 404, "text/plain", NULL, BYTES("there is nothing here\n"));
}

static void talk(int fd, void *self)
{
    serve_http(fd, answer, self);
}

/* ---- the command --------------------------------------------------------------------- */

static const struct option options[] = {
    {"listen", 'l', OPTION_TEXT, offsetof(struct issuer, listen), "PLACE",
     "a loopback ADDRESS:PORT (127.0.0.1:8400)", .choices = NULL},
    {"issuer", 0, OPTION_TEXT, offsetof(struct issuer, issuer), "URL",
     "the issuer in its tokens (http://PLACE)", .choices = NULL},
};

static const struct command_line line = {
    "issuer",
    "",
    0,
    0,
    "An issuer of tokens FOR DEVELOPMENT ONLY: whoever reaches it gets any identity.\n"
    "GET /token/dev, /token/accountant and /token/agent answer with a token that\n"
    "holds for an hour; ?audience=NAME says for whom (demo).\n",
    options,
    sizeof options / sizeof options[0],
};

static int issuer_run(struct issuer *issuer)
{
    struct fail why;
    issuer->signer = signer_new_p256(&why);
    int listener = issuer->signer ? serve_open(issuer->listen, &why) : -1;
    if (listener < 0) {
        fprintf(stderr, "selvage issuer: %s\n", why.text);
        signer_free(issuer->signer);
        return why.kind == FAIL_INPUT ? EXIT_USAGE : 1;
    }
    snprintf(issuer->url, sizeof issuer->url, "http://%s", issuer->listen);
    if (!issuer->issuer)
        issuer->issuer = issuer->url;
    fprintf(stderr, "issuer %s for development only: anybody here gets any identity\n", issuer->issuer);
    serve_run(listener, talk, issuer);
    serve_close(listener, issuer->listen);
    return 0; /* threads may still use the signer: it goes with the process */
}

int issuer_main(int argc, char **argv)
{
    struct issuer issuer = {.listen = "127.0.0.1:8400"};
    struct operands operands;
    int code;
    if (!options_read(&line, argc, argv, &issuer, &operands, &code))
        return code;
    if (!serve_is_local(issuer.listen)) {
        fprintf(stderr,
                "selvage issuer: '%s' is no loopback address such as 127.0.0.1:8400: the issuer is for "
                "development only\n",
                issuer.listen);
        return EXIT_USAGE;
    }
    return issuer_run(&issuer);
}
