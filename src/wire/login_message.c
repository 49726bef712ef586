#include "wire/login_message.h"

#include "wire/packed.h"

struct bytes login_ask_pack(const struct login_ask *ask, struct arena *arena)
{
    struct text text;
    text_init_arena(&text, arena);
    packed_u64(&text, ask->wish);
    packed_u64(&text, ask->login);
    packed_text(&text, ask->token);
    packed_text(&text, ask->verifier);
    packed_text(&text, ask->redirect_to);
    return text_bytes(&text);
}

bool login_ask_unpack(struct bytes in, struct login_ask *out)
{
    struct unpack from = {.rest = in};
    uint64_t wish = unpack_u64(&from);
    struct login_ask ask = {.login = unpack_u64(&from)};
    ask.token = unpack_text(&from);
    ask.verifier = unpack_text(&from);
    ask.redirect_to = unpack_text(&from);
    if (!unpack_end(&from) || wish < LOGIN_EXCHANGE || wish >= LOGIN_WISHES_END || !ask.token.len)
        return false;
    ask.wish = (enum login_wish)wish;
    *out = ask;
    return true;
}

struct bytes login_answer_pack(const struct login_answer *answer, struct arena *arena)
{
    struct text text;
    text_init_arena(&text, arena);
    packed_u64(&text, answer->outcome);
    packed_text(&text, answer->id_token);
    packed_text(&text, answer->refresh_token);
    packed_u64(&text, answer->expires_s);
    packed_text(&text, answer->problem);
    return text_bytes(&text);
}

bool login_answer_unpack(struct bytes in, struct login_answer *out)
{
    struct unpack from = {.rest = in};
    uint64_t outcome = unpack_u64(&from);
    struct login_answer answer = {.id_token = unpack_text(&from)};
    answer.refresh_token = unpack_text(&from);
    answer.expires_s = unpack_u64(&from);
    answer.problem = unpack_text(&from);
    if (!unpack_end(&from) || outcome < LOGIN_DONE || outcome >= LOGIN_OUTCOMES_END)
        return false;
    answer.outcome = (enum login_outcome)outcome;
    *out = answer;
    return true;
}

size_t ended_pack(const struct ended *at, size_t count, struct frame *frame)
{
    char room[FRAME_TEXT_MAX + 1];
    struct text text;
    size_t packed = count < ENDED_IN_FRAME ? count : ENDED_IN_FRAME;
    text_init_fixed(&text, room, sizeof room);
    for (size_t i = 0; i < packed; i++) {
        packed_u64(&text, at[i].mark);
        packed_u64(&text, (uint64_t)at[i].at_s);
        packed_u64(&text, (uint64_t)at[i].until_s);
    }
    frame_text_set(frame, text_bytes(&text));
    return packed;
}

size_t ended_unpack(const struct frame *frame, struct ended out[ENDED_IN_FRAME])
{
    struct unpack from = {.rest = frame_text(frame)};
    size_t count = 0;
    while (from.rest.len && count < ENDED_IN_FRAME) {
        struct ended one = {.mark = unpack_u64(&from)};
        one.at_s = (int64_t)unpack_u64(&from);
        one.until_s = (int64_t)unpack_u64(&from);
        if (from.bad)
            break;
        out[count++] = one;
    }
    return count;
}
