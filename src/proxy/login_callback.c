/* The way back from the provider: OpenID Connect Core 3.1.2.5 to 3.1.3, RFC 9207. */
#include "proxy/generation.h"
#include "proxy/key_wait.h"
#include "proxy/login.h"
#include "proxy/login_wait.h"
#include "proxy/token.h"
#include "rules/decide/id_token.h"
#include "wire/path.h"

static enum turn refuse(struct exchange *x, const char *sentence, const char *details)
{
    return login_refuse(x, 400, sentence, details);
}

/* The provider says who it is: else an answer of one could be used up at another. */
static bool issuer_agrees(const struct exchange *x, const struct form *form)
{
    const struct keys_login *provider = generation_login(x->generation, x->login->id);
    struct bytes issuer;
    bool said = form_get(form, "iss", &issuer);
    if (!said)
        return provider && !provider->says_issuer;
    return bytes_equal(issuer, login_text(x, x->login->issuer));
}

/* RFC 6749 4.1.2.1: its word, in our sentence; its prose stays where it is. */
static enum turn provider_refused(struct exchange *x, struct bytes error)
{
    struct text shown;
    bool denied = bytes_equal(error, BYTES("access_denied"));
    text_init_arena(&shown, &x->arena);
    text_add_shown(&shown, error, 64);
    login_note(x, "login_refused", text_bytes(&shown));
    return login_refuse(x, 403,
                        denied ? "the login was refused at the identity provider"
                               : "the identity provider could not log anybody in",
                        NULL);
}

/* This browser did not begin that login, or did and is done with it. */
static enum turn stranger(struct exchange *x)
{
    if (x->login_work->has)
        return login_redirect(x, x->login_work->state.return_to);
    return refuse(x, "this login was not begun in this browser, or is over: open the page again",
                  "login_attempt_unknown");
}

static enum turn exchange_start_code(struct exchange *x, struct bytes code)
{
    struct login_work *work = x->login_work;
    const struct login_ask ask = {
        .wish = LOGIN_EXCHANGE,
        .login = x->login->id,
        .token = code,
        .verifier = work->attempt.verifier,
        .redirect_to = login_address(x, login_text(x, x->login->callback_path)),
    };
    work->step = LOGIN_ASKED;
    login_wait_start(x, &ask);
    return WAIT;
}

static enum turn callback_judge(struct exchange *x, const struct form *form)
{
    struct login_work *work = x->login_work;
    struct bytes state, code, error;
    if (!form_get(form, "state", &state) || !login_state_open(x, state, &work->state))
        return refuse(x, "this is no answer to a login that was begun here, or it is too old",
                      "login_state_invalid");
    work->trail = x->record.login_id = work->state.trail;
    if (!login_attempt_find(x, work->state.id, &work->attempt))
        return stranger(x);
    work->gone = login_attempt_name(x, work->state.id, &x->arena);
    if (!issuer_agrees(x, form))
        return refuse(x, "the answer came from another identity provider", "login_issuer_mixed_up");
    if (form_get(form, "error", &error))
        return provider_refused(x, error);
    if (!form_get(form, "code", &code) || !code.len)
        return refuse(x, "the identity provider gave no code", "login_code_missing");
    return exchange_start_code(x, code);
}

enum turn login_callback(struct exchange *x)
{
    struct form form;
    struct fail why;
    struct bytes query =
        bytes_part(x->request.path, bytes_find(x->request.path, '?') + 1, x->request.path.len);
    x->login_work->over = false; /* what came before stays until there is something better */
    if (!bytes_equal(x->request.method, BYTES("GET")))
        return login_refuse(x, 405, "a login is answered by GET", "login_method");
    if (!form_read(query, &x->arena, &form, &why)) {
        login_note(x, "login_parameters", arena_bytes(&x->arena, bytes_of(why.text)));
        return refuse(x, "the answer of the identity provider cannot be read", NULL);
    }
    return callback_judge(x, &form);
}

/* ---- tokens --------------------------------------------------------------------------------- */

static enum turn fresh_failed(struct exchange *x)
{
    const struct login_work *work = x->login_work;
    enum { GRACE_S = 60, AGAIN_S = 5 };
    if (work->now_s < work->session.fresh_until_s + GRACE_S) {
        x->login_work->kept = true;
        return NEXT;
    }
    x->retry_after_s = AGAIN_S;
    x->login_work->has = false; /* for this request; the cookie stays */
    return login_refuse(x, 503, "the identity provider cannot be asked: try again", NULL);
}

static enum turn tokens_missing(struct exchange *x, const struct login_answer *answer)
{
    struct login_work *work = x->login_work;
    bool callback = work->place == LOGIN_CALLBACK;
    login_note(x, callback ? "login_failed" : "login_refresh_failed",
               answer->problem.len ? answer->problem : BYTES("no answer in time"));
    if (callback)
        return login_refuse(x, answer->outcome == LOGIN_DENIED ? 403 : 503,
                            answer->outcome == LOGIN_DENIED
                                ? "the identity provider did not take the login"
                                : "the identity provider cannot be asked: try again",
                            NULL);
    if (answer->outcome != LOGIN_DENIED)
        return fresh_failed(x);
    session_end(x); /* the provider has ended it */
    return NEXT;
}

enum turn login_answered(struct exchange *x)
{
    struct login_work *work = x->login_work;
    struct login_answer answer = {.outcome = LOGIN_FAILED};
    login_wait_answer(x, &answer);
    work->answer = answer;
    if (answer.outcome != LOGIN_DONE)
        return tokens_missing(x, &answer);
    if (!answer.id_token.len) {
        session_refreshed(x, answer.id_token);
        return NEXT;
    }
    return login_verified(x, true);
}

static enum turn token_bad(struct exchange *x, const struct fail *why)
{
    login_note(x, "login_token_refused", arena_bytes(&x->arena, bytes_of(why->text)));
    if (x->login_work->place == LOGIN_CALLBACK)
        return login_refuse(x, 403, "the identity provider's token cannot be used", NULL);
    session_end(x);
    return NEXT;
}

/*
 * In a refresh a key that nobody can give now is the provider's trouble, not the
 * session's: keys are asked for once a minute, and a stranger's token may have
 * used that up. What was given in place of the refresh token is kept.
 */
static enum turn key_missing(struct exchange *x, const struct fail *why)
{
    struct login_work *work = x->login_work;
    login_note(x, "login_refresh_failed", arena_bytes(&x->arena, bytes_of(why->text)));
    if (work->answer.refresh_token.len)
        work->session.refresh_token = work->answer.refresh_token;
    enum turn turn = fresh_failed(x);
    work->has = true;
    work->kept = false;
    return turn;
}

static enum turn token_good(struct exchange *x)
{
    struct login_work *work = x->login_work;
    if (work->place != LOGIN_CALLBACK) {
        session_refreshed(x, work->answer.id_token);
        return NEXT;
    }
    session_begin(x, work->answer.id_token);
    exchange_note(x, 0, "login_done");
    return login_redirect(x, work->state.return_to);
}

/* After a refresh the nonce need not be there (Core 12.2). */
static bool id_token_good(const struct exchange *x, const struct token *token, struct fail *why)
{
    const struct login_work *work = x->login_work;
    const struct id_token_scope scope = {.issuer = login_text(x, x->login->issuer),
                                         .client_id = login_text(x, x->login->client_id),
                                         .nonce = work->place == LOGIN_CALLBACK
                                                      ? work->attempt.nonce
                                                      : (struct bytes){0}, /* none in a refresh */
                                         .needs_iat = true};
    enum claims_fault fault;
    return id_token_judge(token->claims, &scope, login_now_s(x), &fault, why);
}

enum turn login_verified(struct exchange *x, bool may_wait)
{
    struct login_work *work = x->login_work;
    const struct keys_set *row;
    struct key_set *set;
    struct token *token = NULL;
    struct fail why;
    bool known = generation_key_set(x->generation, x->login->key_set, &row, &set) && row->fetched;
    enum token_answer answer = TOKEN_UNKNOWN_KID;
    fail(&why, FAIL_PEER, "the provider's keys are not known");
    if (known)
        answer = token_verify(x->worker, row, set, work->answer.id_token, &x->arena, &token, &why);
    if (answer == TOKEN_UNKNOWN_KID && may_wait && key_wait_start(x, x->login->key_set)) {
        work->step = LOGIN_KEYS;
        return WAIT;
    }
    if (answer == TOKEN_UNKNOWN_KID && work->place != LOGIN_CALLBACK)
        return key_missing(x, &why);
    bool good = answer == TOKEN_GOOD && id_token_good(x, token, &why);
    token_unref(token);
    return good ? token_good(x) : token_bad(x, &why);
}
