/* The way to the provider: OpenID Connect Core 3.1.2.1, RFC 7636, RFC 9700 4.7. */
#include "crypt/digest.h"
#include "proxy/generation.h"
#include "proxy/login.h"
#include "wire/base64.h"
#include "wire/cookie.h"
#include "wire/path.h"
#include "wire/redirect_target.h"

#define STATE_PURPOSE "selvage login-state 1"
#define ATTEMPT_PURPOSE "selvage login-attempt 1"

enum {
    SECRET_SIZE = 32,  /* bytes of nonce and verifier */
    ATTEMPTS_MAX = 16, /* tabs that log in at once */
    NAME_DIGITS = 12,  /* of an attempt's id, in its cookie's name */
};

struct envelope_use login_use(const struct exchange *x, const char *purpose)
{
    struct arena *arena = &((struct exchange *)(uintptr_t)x)->arena;
    const struct bytes parts[] = {login_text(x, x->login->name),
                                  BYTES(" "),
                                  login_text(x, x->login->issuer),
                                  BYTES(" "),
                                  login_text(x, x->login->client_id),
                                  BYTES(" "),
                                  x->login_work->host};
    return (struct envelope_use){bytes_of(purpose), arena_join(arena, parts, 7)};
}

/* ---- attempts --------------------------------------------------------------------------- */

struct bytes login_attempt_name(const struct exchange *x, struct bytes id, struct arena *arena)
{
    struct text text;
    text_init_arena(&text, arena);
    text_add(&text, login_text(x, x->login->cookie));
    text_add_s(&text, "-login-");
    text_add_hex(&text, bytes_part(id, 0, NAME_DIGITS / 2));
    return text_bytes(&text);
}

static bool attempt_open(struct exchange *x, struct bytes sealed, struct login_attempt *out)
{
    struct envelope_use use = login_use(x, ATTEMPT_PURPOSE);
    struct bytes plain;
    struct fail why;
    return envelope_open(&x->generation->sessions, &use, sealed, &x->arena, &plain, &why) &&
           login_attempt_unpack(plain, out) && attempt_holds(out->begun_s, x->login_work->now_s);
}

bool login_attempt_find(struct exchange *x, struct bytes id, struct login_attempt *out)
{
    struct bytes name = login_attempt_name(x, id, &x->arena);
    struct cookie_walk walk = {0};
    struct cookie cookie;
    for (int seen = 0; seen < 4 && cookie_next(&x->request.fields, &walk, &cookie);) {
        if (!bytes_equal(cookie.name, name))
            continue;
        seen++;
        if (attempt_open(x, cookie.value, out) && bytes_equal_secret(out->id, id))
            return true;
    }
    return false;
}

/* A browser that never comes back must not gather cookies without end. */
static void attempts_trim(struct exchange *x)
{
    struct bytes prefix = arena_format(&x->arena, "%.*s-login-", BYTES_FMT(login_text(x, x->login->cookie)));
    struct cookie_walk walk = {0};
    struct cookie cookie;
    int count = 0;
    while (cookie_next(x->login_work->cookies, &walk, &cookie))
        if (bytes_starts(cookie.name, prefix) && cookie_is_name(cookie.name) && ++count >= ATTEMPTS_MAX)
            http_fields_add(&x->response.fields, BYTES("set-cookie"),
                            cookie_write(cookie.name, (struct bytes){0}, 0, &x->arena));
}

static bool attempt_keep(struct exchange *x, const struct login_attempt *attempt)
{
    struct envelope_use use = login_use(x, ATTEMPT_PURPOSE);
    struct bytes sealed;
    struct fail why;
    if (!envelope_close(&x->generation->sessions, &use, login_attempt_pack(attempt, &x->arena), &x->arena,
                        &sealed, &why))
        return false;
    http_fields_add(
        &x->response.fields, BYTES("set-cookie"),
        cookie_write(login_attempt_name(x, attempt->id, &x->arena), sealed, ATTEMPT_LIFE_S, &x->arena));
    return true;
}

/* ---- the authorization request -------------------------------------------------------------- */

static struct bytes secret_new(struct exchange *x)
{
    char raw[SECRET_SIZE];
    random_bytes(raw, sizeof raw);
    return base64url_encode(bytes_make(raw, sizeof raw), &x->arena);
}

/* Only where a browser stays here: a path such as //evil.example is one of ours and yet leads away. */
static struct bytes return_to(const struct exchange *x)
{
    const struct redirect_scope scope = {.own = x->login_work->host};
    struct fail why;
    if (redirect_target_check(x->request.path, &scope, &why))
        return x->request.path;
    struct bytes path = path_only(x->request.path);
    return redirect_target_check(path, &scope, &why) ? path : BYTES("/");
}

static bool state_seal(struct exchange *x, const struct login_attempt *attempt, struct bytes *out)
{
    struct envelope_use use = login_use(x, STATE_PURPOSE);
    const struct login_state state = {attempt->id, attempt->begun_s, return_to(x), x->request_id};
    struct fail why;
    return envelope_close(&x->generation->sessions, &use, login_state_pack(&state, &x->arena), &x->arena, out,
                          &why);
}

static struct bytes request_address(struct exchange *x, const struct keys_login *provider,
                                    const struct login_attempt *attempt, struct bytes state)
{
    const struct image *rules = &x->generation->rules;
    struct bytes endpoint = image_text(&x->generation->keys, provider->authorization_endpoint);
    struct digest digest = digest_of(attempt->verifier);
    struct text text;
    text_init_arena(&text, &x->arena);
    text_add(&text, endpoint);
    if (bytes_find(endpoint, '?') == endpoint.len)
        text_add_c(&text, '?');
    form_add(&text, "response_type", BYTES("code"));
    form_add(&text, "client_id", login_text(x, x->login->client_id));
    form_add(&text, "redirect_uri", login_address(x, login_text(x, x->login->callback_path)));
    form_add(&text, "scope", login_text(x, x->login->scope));
    form_add(&text, "state", state);
    form_add(&text, "nonce", attempt->nonce);
    form_add(&text, "code_challenge",
             base64url_encode(bytes_make(digest.bytes, sizeof digest.bytes), &x->arena));
    form_add(&text, "code_challenge_method", BYTES("S256"));
    for (uint32_t i = 0; i + 1 < x->login->parameters.count; i += 2) {
        const struct rules_name *key = image_row(rules, RULES_NAME, x->login->parameters, i);
        const struct rules_name *value = image_row(rules, RULES_NAME, x->login->parameters, i + 1);
        form_add(&text, arena_text(&x->arena, image_text(rules, key->text)), image_text(rules, value->text));
    }
    return text_bytes(&text);
}

enum turn login_begin(struct exchange *x)
{
    const struct keys_login *provider = generation_login(x->generation, x->login->id);
    struct login_attempt attempt = {.begun_s = x->login_work->now_s};
    struct bytes state;
    char *id = arena_raw(&x->arena, SESSION_ID_SIZE);
    if (!login_is_safe(x))
        return login_refuse(x, 403, "logging in needs https", "login_without_tls");
    if (!provider || !x->generation->sessions.count)
        return login_refuse(x, 503, "the identity provider is not known yet: try again",
                            "login_provider_unknown");
    random_bytes(id, SESSION_ID_SIZE);
    attempt.id = bytes_make(id, SESSION_ID_SIZE);
    attempt.nonce = secret_new(x);
    attempt.verifier = secret_new(x);
    if (!state_seal(x, &attempt, &state))
        return login_refuse(x, 500, "nobody can log in now", "login_not_sealed");
    enum turn turn = login_redirect(x, request_address(x, provider, &attempt, state));
    attempts_trim(x);
    if (!attempt_keep(x, &attempt))
        return login_refuse(x, 500, "nobody can log in now", "login_not_sealed");
    exchange_note(x, 0, "login_begun");
    x->record.login_id = x->request_id;
    return turn;
}

bool login_state_open(struct exchange *x, struct bytes sealed, struct login_state *out)
{
    struct envelope_use use = login_use(x, STATE_PURPOSE);
    struct bytes plain;
    struct fail why;
    return envelope_open(&x->generation->sessions, &use, sealed, &x->arena, &plain, &why) &&
           login_state_unpack(plain, out) && attempt_holds(out->begun_s, x->login_work->now_s);
}
