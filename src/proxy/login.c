#include "proxy/login.h"

#include "proxy/generation.h"
#include "proxy/login_wait.h"
#include "proxy/token.h"
#include "wire/authority.h"
#include "wire/cookie.h"

#define LOGIN_FIELD                                                                                          \
    BYTES("x-selvage-login-id") /* whatever begins with x-selvage- nobody outside can send                   \
                                 */

struct bytes login_text(const struct exchange *x, struct image_text text)
{
    return image_text(&x->generation->rules, text);
}

int64_t login_now_s(const struct exchange *x)
{
    return x->worker->loop.io->wall_us(x->worker->loop.io) / 1000000;
}

/* ---- addresses -------------------------------------------------------------------- */

bool login_is_https(const struct exchange *x)
{
    const struct http_field *said = http_fields_find(&x->request.fields, HTTP_X_FORWARDED_PROTO);
    return x->facts->tls || (x->trusted_proxy && said && bytes_equal_nocase(said->value, BYTES("https")));
}

/* W3C Secure Contexts 3.1: what browsers take for as good as TLS. */
static bool is_local(const struct exchange *x)
{
    struct authority parts;
    return authority_split(x->request.authority, &parts) &&
           (bytes_equal_nocase(parts.host, BYTES("localhost")) ||
            bytes_equal(parts.host, BYTES("127.0.0.1")) || bytes_equal(parts.host, BYTES("[::1]")));
}

bool login_is_safe(const struct exchange *x)
{
    return login_is_https(x) || is_local(x);
}

struct bytes login_address(struct exchange *x, struct bytes path)
{
    const struct bytes parts[] = {login_is_https(x) ? BYTES("https://") : BYTES("http://"),
                                  x->login_work->host, path};
    return arena_join(&x->arena, parts, 3);
}

/* ---- answers ---------------------------------------------------------------------- */

enum turn login_redirect(struct exchange *x, struct bytes to)
{
    enum turn turn = exchange_answer_exactly(x, 302, (struct bytes){0}, (struct bytes){0});
    http_fields_add(&x->response.fields, BYTES("location"), to);
    http_fields_add(&x->response.fields, BYTES("cache-control"), BYTES("no-store"));
    return turn;
}

enum turn login_refuse(struct exchange *x, unsigned status, const char *sentence, const char *details)
{
    enum turn turn = exchange_answer(x, status, bytes_of(sentence));
    http_fields_add(&x->response.fields, BYTES("cache-control"), BYTES("no-store"));
    exchange_note(x, RECORD_UAEX, details);
    x->record.decision = BYTES("deny");
    return turn;
}

void login_note(struct exchange *x, const char *details, struct bytes more)
{
    if (!x->record.details.len)
        x->record.details = arena_format(&x->arena, "%s{%.*s}", details, BYTES_FMT(more));
}

/* ---- before identity ---------------------------------------------------------------- */

static struct bytes host_of(struct exchange *x)
{
    struct bytes host = arena_bytes(&x->arena, x->request.authority);
    char *at = (char *)(uintptr_t)host.at;
    for (size_t i = 0; i < host.len; i++)
        at[i] = ascii_lower(at[i]);
    return host;
}

/* What the answer will have to know of the request's cookies. */
static const struct http_fields *fields_keep(struct exchange *x)
{
    struct http_fields *kept = arena_new(&x->arena, struct http_fields);
    http_fields_init(kept, &x->arena);
    for (uint32_t i = 0; i < x->request.fields.count; i++)
        if (x->request.fields.at[i].known == HTTP_COOKIE)
            http_fields_add_known(kept, HTTP_COOKIE, x->request.fields.at[i].value);
    return kept;
}

/* Ours are nobody's business behind here. */
static void cookies_hide(struct exchange *x)
{
    struct bytes name = login_text(x, x->login->cookie);
    cookies_strip(&x->request.fields, &name, 1, &x->arena);
}

static enum turn place_enter(struct exchange *x)
{
    switch (x->login_work->place) {
    case LOGIN_CALLBACK:
        return login_callback(x);
    case LOGIN_LOGOUT:
        return login_logout(x);
    case LOGIN_BACKCHANNEL:
        return login_backchannel(x);
    case LOGIN_OPEN:
    case LOGIN_WANTED:
        break;
    }
    if (session_refresh_start(x))
        return WAIT;
    cookies_hide(x);
    return NEXT;
}

static enum turn login_enter(struct exchange *x)
{
    const struct generation *generation = x->generation;
    if (x->listener->direction != DIRECTION_GATEWAY || !x->listener->policed)
        return NEXT;
    x->login = login_find(&generation->rules, generation->node->logins, x->request.authority);
    if (!x->login)
        return NEXT;
    struct login_work *work = arena_new(&x->arena, struct login_work);
    x->login_work = work;
    work->place = login_place(&generation->rules, x->login, x->request.path);
    work->host = host_of(x);
    work->now_s = login_now_s(x);
    work->trail = x->request_id;
    work->cookies = fields_keep(x);
    session_load(x);
    return place_enter(x);
}

enum turn login_rebind(struct exchange *x)
{
    uint64_t id = x->login ? x->login->id : 0;
    bool any = x->login != NULL;
    exchange_rebind(x);
    if (!any)
        return NEXT;
    const struct generation *generation = x->generation;
    x->login = login_find(&generation->rules, generation->node->logins, x->request.authority);
    if (x->login && x->login->id == id)
        return NEXT;
    x->login = NULL;
    return login_refuse(x, 503, "the rules have changed: try again", "login_changed");
}

static enum turn login_resume(struct exchange *x)
{
    enum login_step step = x->login_work->step;
    enum turn turn = login_rebind(x);
    if (turn != NEXT)
        return turn;
    x->login_work->step = LOGIN_IDLE;
    if (step == LOGIN_ASKED)
        turn = login_answered(x);
    else if (step == LOGIN_KEYS)
        turn = x->login_work->place == LOGIN_BACKCHANNEL ? login_backchannel_read(x, false)
                                                         : login_verified(x, false);
    else
        turn = login_backchannel_read(x, true);
    if (turn == NEXT)
        cookies_hide(x);
    return turn;
}

static void login_reply(struct exchange *x)
{
    if (x->login && x->login_work)
        session_write(x);
}

static void login_leave(struct exchange *x)
{
    struct login_work *work = x->login_work;
    if (!work)
        return;
    body_read_done(&work->body);
    token_unref(work->token);
    work->token = NULL;
}

const struct filter filter_login = {.name = "login",
                                    .enter = login_enter,
                                    .resume = login_resume,
                                    .reply = login_reply,
                                    .leave = login_leave};

/* ---- for identity -------------------------------------------------------------------- */

struct token *login_token(const struct exchange *x)
{
    const struct login_work *work = x->login_work;
    if (!x->login || !work || !work->has ||
        login_is_forged(&x->request, login_is_https(x), x->upgrade.len > 0))
        return NULL;
    return work->token;
}

void login_fields_set(struct exchange *x)
{
    const struct login_work *work = x->login_work;
    http_fields_set(&x->request.fields, LOGIN_FIELD, work->trail);
    if (x->login->forward_id_token)
        http_fields_set(&x->request.fields, BYTES("authorization"),
                        arena_format(&x->arena, "Bearer %.*s", BYTES_FMT(work->session.id_token)));
}

/* ---- behind identity ------------------------------------------------------------------ */

static enum turn challenge(struct exchange *x)
{
    struct text text;
    text_init_arena(&text, &x->arena);
    text_format(&text, "Bearer realm=\"%.*s://", BYTES_FMT(x->request.scheme));
    text_add_shown(&text, x->request.authority, 256);
    text_add_c(&text, '"');
    enum turn turn = login_refuse(x, 401, "nobody is logged in", "login_wanted");
    http_fields_add(&x->response.fields, BYTES("www-authenticate"), text_bytes(&text));
    return turn;
}

static enum turn demand_enter(struct exchange *x)
{
    if (!x->login || x->login_work->place != LOGIN_WANTED || x->token)
        return NEXT;
    return login_navigates(&x->request) ? login_begin(x) : challenge(x);
}

const struct filter filter_demand = {.name = "demand", .enter = demand_enter};
