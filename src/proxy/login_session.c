/* The session: out of its cookie, kept fresh, into its cookie. */
#include "crypt/digest.h"
#include "proxy/ended_list.h"
#include "proxy/generation.h"
#include "proxy/login.h"
#include "proxy/login_wait.h"
#include "proxy/token.h"
#include "rules/decide/session_cookie.h"
#include "wire/base64.h"

#define PURPOSE "selvage session 1"

enum {
    FRESH_DEFAULT_S = 300, /* when neither ID token nor answer say how long a refresh holds */
};

/* ---- out of its cookie ------------------------------------------------------------------ */

bool session_ended(const struct exchange *x, const struct session *session, const json_t *claims)
{
    const struct ended_list *list = x->worker->ended;
    struct bytes name;
    uint64_t login = x->login->id;
    if (!ended_list_any(list))
        return false;
    return ended_list_has(list, ended_mark("id", login, session->id), session->begun_s) ||
           (session->provider_id.len &&
            ended_list_has(list, ended_mark("sid", login, session->provider_id), session->begun_s)) ||
           (json_member_text(claims, "sub", &name) &&
            ended_list_has(list, ended_mark("sub", login, name), session->begun_s));
}

/* Answers whether it opens and holds. */
static bool session_open(struct exchange *x, struct bytes sealed, struct session *out)
{
    struct envelope_use use = login_use(x, PURPOSE);
    struct bytes plain;
    struct fail why;
    return envelope_open(&x->generation->sessions, &use, sealed, &x->arena, &plain, &why) &&
           session_unpack(plain, out) && session_judge(out, x->login, x->login_work->now_s) != SESSION_OVER;
}

/* Two that hold and differ: one of them was planted, and nobody can tell which. */
static bool session_choose(struct exchange *x, struct session *out, struct bytes *sealed)
{
    struct bytes found[SESSION_COOKIE_FOUND_MAX];
    struct session one;
    bool any = false;
    size_t count = session_cookie_find(&x->request.fields, login_text(x, x->login->cookie), &x->arena, found);
    for (size_t i = 0; i < count; i++) {
        if (!session_open(x, found[i], &one))
            continue;
        if (any && !bytes_equal(one.id, out->id)) {
            x->login_work->over = true;
            return false;
        }
        if (any && one.seen_s < out->seen_s)
            continue;
        *out = one;
        *sealed = found[i];
        any = true;
    }
    return any;
}

static bool cookie_came(const struct exchange *x)
{
    struct cookie_walk walk = {0};
    struct cookie cookie;
    while (cookie_next(&x->request.fields, &walk, &cookie))
        if (bytes_equal(cookie.name, login_text(x, x->login->cookie)))
            return true;
    return false;
}

void session_load(struct exchange *x)
{
    struct login_work *work = x->login_work;
    struct session session;
    struct bytes sealed;
    work->came = cookie_came(x);
    if (!work->came)
        return;
    if (!session_choose(x, &session, &sealed) ||
        !token_from_session(x->worker, x->login->id, session.id_token, &x->arena, &work->token)) {
        work->over = true;
        return;
    }
    if (session_ended(x, &session, work->token->claims)) {
        work->over = true;
        return;
    }
    work->session = session;
    work->trail = session.trail;
    work->has = true;
    work->kept = !session_slides(&session, x->login, work->now_s) &&
                 envelope_is_current(&x->generation->sessions, sealed, &x->arena);
    x->record.login_id = session.trail;
}

/* ---- kept fresh ------------------------------------------------------------------------- */

bool session_refresh_start(struct exchange *x)
{
    struct login_work *work = x->login_work;
    if (!work->has || session_judge(&work->session, x->login, work->now_s) != SESSION_STALE)
        return false;
    const struct login_ask ask = {
        .wish = LOGIN_REFRESH, .login = x->login->id, .token = work->session.refresh_token};
    work->step = LOGIN_ASKED;
    login_wait_start(x, &ask);
    return true;
}

static int64_t expiry_of(const struct token *token)
{
    const json_t *until = json_object_get(token->claims, "exp");
    return json_is_integer(until) ? json_integer_value(until) : 0;
}

/* Without a refresh token there is nothing to ask: then the claims of the login stand until it ends. */
static int64_t fresh_until(const struct exchange *x, const struct session *session, bool new_token)
{
    const struct login_work *work = x->login_work;
    int64_t expires_s = (int64_t)work->answer.expires_s;
    int64_t token_until_s = new_token ? expiry_of(work->token) : 0;
    if (!session->refresh_token.len)
        return session->begun_s + x->login->lifetime_s;
    if (x->login->refresh_s)
        return work->now_s + x->login->refresh_s;
    if (token_until_s > work->now_s)
        return token_until_s;
    return work->now_s + (expires_s ? expires_s : FRESH_DEFAULT_S);
}

static bool same_subject(const struct token *a, const struct token *b)
{
    struct bytes x, y;
    return json_member_text(a->claims, "sub", &x) && json_member_text(b->claims, "sub", &y) &&
           bytes_equal(x, y);
}

/* Core 12.2: a refresh never makes another user of somebody. */
void session_refreshed(struct exchange *x, struct bytes id_token)
{
    struct login_work *work = x->login_work;
    struct token *token = NULL;
    struct bytes name;
    if (id_token.len) {
        if (!token_from_session(x->worker, x->login->id, id_token, &x->arena, &token) ||
            !same_subject(token, work->token)) {
            token_unref(token);
            session_end(x);
            return;
        }
        token_unref(work->token);
        work->token = token;
        work->session.id_token = id_token;
        if (json_member_text(token->claims, "sid", &name))
            work->session.provider_id = name;
    }
    if (work->answer.refresh_token.len)
        work->session.refresh_token = work->answer.refresh_token;
    work->session.fresh_until_s = fresh_until(x, &work->session, id_token.len > 0);
    work->kept = false;
}

void session_begin(struct exchange *x, struct bytes id_token)
{
    struct login_work *work = x->login_work;
    char *id = arena_raw(&x->arena, SESSION_ID_SIZE);
    random_bytes(id, SESSION_ID_SIZE);
    token_unref(work->token);
    work->token = NULL;
    if (!token_from_session(x->worker, x->login->id, id_token, &x->arena, &work->token))
        return;
    work->session = (struct session){.id = bytes_make(id, SESSION_ID_SIZE),
                                     .begun_s = work->now_s,
                                     .seen_s = work->now_s,
                                     .id_token = id_token,
                                     .refresh_token = work->answer.refresh_token,
                                     .trail = work->state.trail};
    json_member_text(work->token->claims, "sid", &work->session.provider_id);
    work->session.fresh_until_s = fresh_until(x, &work->session, true);
    work->has = true;
    work->kept = work->over = false;
}

void session_end(struct exchange *x)
{
    struct login_work *work = x->login_work;
    const struct ended one = {ended_mark("id", x->login->id, work->session.id), work->now_s,
                              work->session.begun_s + x->login->lifetime_s};
    x->worker->ops->ended(x->worker, &one);
    work->has = false;
    work->over = true;
}

/* ---- into its cookie ---------------------------------------------------------------------- */

static struct bytes mark_new(struct exchange *x)
{
    char raw[SESSION_COOKIE_MARK_SIZE / 4 * 3];
    random_bytes(raw, sizeof raw);
    return base64url_encode(bytes_make(raw, sizeof raw), &x->arena);
}

/* RFC 9111 7.3: caches keep Set-Cookie, too. One that is shared must not hand a session to the next. */
static void caches_forbid(struct exchange *x)
{
    const struct http_field *said = http_fields_find_name(&x->response.fields, BYTES("cache-control"));
    if (!said || !bytes_equal_nocase(said->value, BYTES("no-store")))
        http_fields_add(&x->response.fields, BYTES("cache-control"), BYTES("private"));
}

static void cookie_keep(struct exchange *x)
{
    struct login_work *work = x->login_work;
    struct envelope_use use = login_use(x, PURPOSE);
    struct bytes sealed;
    struct fail why = {.text = "it is longer than cookies can be"};
    work->session.seen_s = work->now_s;
    if (!envelope_close(&x->generation->sessions, &use, session_pack(&work->session, &x->arena), &x->arena,
                        &sealed, &why) ||
        !session_cookie_set(&x->response.fields, x->login_work->cookies, login_text(x, x->login->cookie),
                            sealed, mark_new(x), session_age_s(&work->session, x->login, work->now_s),
                            &x->arena))
        login_note(x, "login_not_kept", arena_bytes(&x->arena, bytes_of(why.text)));
}

void session_write(struct exchange *x)
{
    struct login_work *work = x->login_work;
    uint32_t before = x->response.fields.count;
    if (work->gone.len)
        http_fields_add(&x->response.fields, BYTES("set-cookie"),
                        cookie_write(work->gone, (struct bytes){0}, 0, &x->arena));
    if (work->has && !work->kept)
        cookie_keep(x);
    else if (work->over && work->came)
        session_cookie_set(&x->response.fields, x->login_work->cookies, login_text(x, x->login->cookie),
                           (struct bytes){0}, (struct bytes){0}, 0, &x->arena);
    if (x->response.fields.count > before)
        caches_forbid(x);
}
