/* Ends of sessions: RP-Initiated Logout 1.0, Back-Channel Logout 1.0. */
#include "proxy/ended_list.h"
#include "proxy/generation.h"
#include "proxy/key_wait.h"
#include "proxy/login.h"
#include "proxy/login_wait.h"
#include "proxy/token.h"
#include "wire/redirect_target.h"

enum { BODY_MAX = 16 * 1024, BODY_MS = 5 * 1000, TARGETS_MAX = 64 };

/* ---- by the user -------------------------------------------------------------------------- */

/* `return_to` of the query, where it may lead; else what the operator wrote. */
static struct bytes after_logout(struct exchange *x)
{
    const struct image *rules = &x->generation->rules;
    struct bytes allowed[TARGETS_MAX], wanted, path = x->request.path;
    struct redirect_scope scope = {.own = x->login_work->host, .allowed = allowed};
    struct form form;
    struct fail why;
    IMAGE_FOR(rules, RULES_NAME, struct rules_name, name, x->login->redirect_hosts)
    {
        if (scope.allowed_count < TARGETS_MAX)
            allowed[scope.allowed_count++] = image_text(rules, name->text);
    }
    if (form_read(bytes_part(path, bytes_find(path, '?') + 1, path.len), &x->arena, &form, &why) &&
        form_get(&form, "return_to", &wanted) && redirect_target_check(wanted, &scope, &why))
        return wanted;
    return login_text(x, x->login->after_logout);
}

static struct bytes absolute(struct exchange *x, struct bytes target)
{
    return bytes_starts(target, BYTES("/")) ? login_address(x, target) : target;
}

static struct bytes provider_logout(struct exchange *x, struct bytes endpoint, struct bytes target)
{
    struct text text;
    text_init_arena(&text, &x->arena);
    text_add(&text, endpoint);
    if (bytes_find(endpoint, '?') == endpoint.len)
        text_add_c(&text, '?');
    form_add(&text, "id_token_hint", x->login_work->session.id_token);
    form_add(&text, "client_id", login_text(x, x->login->client_id));
    form_add(&text, "post_logout_redirect_uri", absolute(x, target));
    return text_bytes(&text);
}

static void refresh_token_revoke(struct exchange *x)
{
    const struct session *session = &x->login_work->session;
    const struct login_ask ask = {
        .wish = LOGIN_REVOKE, .login = x->login->id, .token = session->refresh_token};
    if (session->refresh_token.len)
        login_ask_forget(x, &ask);
}

enum turn login_logout(struct exchange *x)
{
    const struct keys_login *provider = generation_login(x->generation, x->login->id);
    bool reads = bytes_equal(x->request.method, BYTES("GET"));
    if (!reads && !bytes_equal(x->request.method, BYTES("POST")))
        return login_refuse(x, 405, "logging out goes by GET or POST", "logout_method");
    if (!login_is_own(&x->request, login_is_https(x)))
        return login_refuse(x, 403, "another site cannot log anybody out: open this address yourself",
                            "logout_forged");
    struct bytes target = after_logout(x);
    if (!x->login_work->has)
        return login_redirect(x, target);
    refresh_token_revoke(x);
    session_end(x);
    exchange_note(x, 0, "logout");
    struct bytes endpoint =
        provider ? image_text(&x->generation->keys, provider->end_session_endpoint) : (struct bytes){0};
    return login_redirect(x, endpoint.len ? provider_logout(x, endpoint, target) : target);
}

/* ---- by the provider ------------------------------------------------------------------------ */

enum turn login_backchannel(struct exchange *x)
{
    x->login_work->over = false; /* this is no browser */
    if (!bytes_equal(x->request.method, BYTES("POST")))
        return login_refuse(x, 405, "a logout token is posted", "logout_method");
    x->login_work->step = LOGIN_READING;
    body_read_start(&x->login_work->body, x, BODY_MAX, BODY_MS);
    return WAIT;
}

static enum turn backchannel_refuse(struct exchange *x, const struct fail *why)
{
    login_note(x, "logout_token_refused", arena_bytes(&x->arena, bytes_of(why->text)));
    return login_refuse(x, 400, "the logout token cannot be used", NULL);
}

static void ended_tell(struct exchange *x, const char *kind, struct bytes name, int64_t keep_s)
{
    int64_t now_s = login_now_s(x);
    const struct ended one = {ended_mark(kind, x->login->id, name), now_s, now_s + keep_s};
    x->worker->ops->ended(x->worker, &one);
}

/* 2.6: a session where one is named, else all of the subject's. */
static enum turn backchannel_take(struct exchange *x, const struct logout_token *token)
{
    struct fail why;
    if (ended_list_has(x->worker->ended, ended_mark("jti", x->login->id, token->id), 0)) {
        fail(&why, FAIL_DENIED, "the logout token came before");
        return backchannel_refuse(x, &why);
    }
    ended_tell(x, "jti", token->id, 2 * LOGOUT_TOKEN_AGE_S);
    if (token->session.len)
        ended_tell(x, "sid", token->session, x->login->lifetime_s);
    else
        ended_tell(x, "sub", token->subject, x->login->lifetime_s);
    exchange_note(x, 0, "backchannel_logout");
    enum turn turn = exchange_answer_exactly(x, 200, (struct bytes){0}, (struct bytes){0});
    http_fields_add(&x->response.fields, BYTES("cache-control"), BYTES("no-store"));
    return turn;
}

static bool logout_token_read(struct exchange *x, struct fail *why)
{
    struct login_work *work = x->login_work;
    struct form form;
    if (work->logout_token.len)
        return true;
    if (x->wait.result != WAIT_CAME)
        return fail(why, FAIL_INPUT, "the body did not come, or is longer than %d bytes", BODY_MAX);
    if (!form_read(text_bytes(&work->body.text), &x->arena, &form, why))
        return false;
    if (!form_get(&form, "logout_token", &work->logout_token) || !work->logout_token.len)
        return fail(why, FAIL_INPUT, "there is no logout_token");
    return true;
}

enum turn login_backchannel_read(struct exchange *x, bool may_wait)
{
    const struct logout_scope scope = {login_text(x, x->login->issuer), login_text(x, x->login->client_id)};
    struct logout_token logout;
    const struct keys_set *row;
    struct key_set *set;
    struct token *token = NULL;
    struct fail why;
    enum token_answer answer = TOKEN_UNKNOWN_KID;
    if (!logout_token_read(x, &why))
        return backchannel_refuse(x, &why);
    fail(&why, FAIL_PEER, "the provider's keys are not known");
    if (generation_key_set(x->generation, x->login->key_set, &row, &set) && row->fetched)
        answer = token_verify(x->worker, row, set, x->login_work->logout_token, &x->arena, &token, &why);
    if (answer == TOKEN_UNKNOWN_KID && may_wait && key_wait_start(x, x->login->key_set)) {
        x->login_work->step = LOGIN_KEYS;
        return WAIT;
    }
    bool good = answer == TOKEN_GOOD && logout_token_judge(token->claims, bytes_of(token->typ), &scope,
                                                           login_now_s(x), &logout, &why);
    enum turn turn = good ? backchannel_take(x, &logout) : backchannel_refuse(x, &why);
    token_unref(token);
    return turn;
}
