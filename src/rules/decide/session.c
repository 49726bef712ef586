#include "rules/decide/session.h"

#include "wire/packed.h"

enum { SLIDES = 16 /* parts of the idle time: more often it would only cost bytes */ };

struct bytes session_pack(const struct session *session, struct arena *arena)
{
    struct text text;
    text_init_arena(&text, arena);
    packed_text(&text, session->id);
    packed_u64(&text, (uint64_t)session->begun_s);
    packed_u64(&text, (uint64_t)session->seen_s);
    packed_u64(&text, (uint64_t)session->fresh_until_s);
    packed_text(&text, session->id_token);
    packed_text(&text, session->refresh_token);
    packed_text(&text, session->trail);
    packed_text(&text, session->provider_id);
    return text_bytes(&text);
}

bool session_unpack(struct bytes in, struct session *out)
{
    struct unpack from = {.rest = in};
    struct session session = {.id = unpack_text(&from)};
    session.begun_s = (int64_t)unpack_u64(&from);
    session.seen_s = (int64_t)unpack_u64(&from);
    session.fresh_until_s = (int64_t)unpack_u64(&from);
    session.id_token = unpack_text(&from);
    session.refresh_token = unpack_text(&from);
    session.trail = unpack_text(&from);
    session.provider_id = unpack_text(&from);
    if (!unpack_end(&from) || session.id.len != SESSION_ID_SIZE || !session.id_token.len)
        return false;
    *out = session;
    return true;
}

struct bytes login_state_pack(const struct login_state *state, struct arena *arena)
{
    struct text text;
    text_init_arena(&text, arena);
    packed_text(&text, state->id);
    packed_u64(&text, (uint64_t)state->begun_s);
    packed_text(&text, state->return_to);
    packed_text(&text, state->trail);
    return text_bytes(&text);
}

bool login_state_unpack(struct bytes in, struct login_state *out)
{
    struct unpack from = {.rest = in};
    struct login_state state = {.id = unpack_text(&from)};
    state.begun_s = (int64_t)unpack_u64(&from);
    state.return_to = unpack_text(&from);
    state.trail = unpack_text(&from);
    if (!unpack_end(&from) || state.id.len != SESSION_ID_SIZE)
        return false;
    *out = state;
    return true;
}

struct bytes login_attempt_pack(const struct login_attempt *attempt, struct arena *arena)
{
    struct text text;
    text_init_arena(&text, arena);
    packed_text(&text, attempt->id);
    packed_u64(&text, (uint64_t)attempt->begun_s);
    packed_text(&text, attempt->nonce);
    packed_text(&text, attempt->verifier);
    return text_bytes(&text);
}

bool login_attempt_unpack(struct bytes in, struct login_attempt *out)
{
    struct unpack from = {.rest = in};
    struct login_attempt attempt = {.id = unpack_text(&from)};
    attempt.begun_s = (int64_t)unpack_u64(&from);
    attempt.nonce = unpack_text(&from);
    attempt.verifier = unpack_text(&from);
    if (!unpack_end(&from) || attempt.id.len != SESSION_ID_SIZE || !attempt.nonce.len ||
        !attempt.verifier.len)
        return false;
    *out = attempt;
    return true;
}

enum session_state session_judge(const struct session *session, const struct rules_login *login,
                                 int64_t now_s)
{
    if (now_s >= session->begun_s + login->lifetime_s || now_s >= session->seen_s + login->idle_s)
        return SESSION_OVER;
    if (now_s < session->fresh_until_s)
        return SESSION_GOOD;
    return session->refresh_token.len ? SESSION_STALE : SESSION_OVER;
}

bool session_slides(const struct session *session, const struct rules_login *login, int64_t now_s)
{
    return now_s >= session->seen_s + login->idle_s / SLIDES;
}

int64_t session_age_s(const struct session *session, const struct rules_login *login, int64_t now_s)
{
    int64_t left_s = session->begun_s + login->lifetime_s - now_s;
    return left_s < login->idle_s ? left_s : login->idle_s;
}

bool attempt_holds(int64_t begun_s, int64_t now_s)
{
    return now_s < begun_s + ATTEMPT_LIFE_S;
}
