/* Unit tests of login_message. */
#include "base/test.h"

#include "wire/login_message.h"

static struct arena arena;

static void what_is_asked_and_answered_comes_back(void **state)
{
    (void)state;
    const struct login_ask ask = {LOGIN_EXCHANGE, 7, BYTES("code"), BYTES("verifier"), BYTES("https://a/cb")};
    const struct login_answer answer = {LOGIN_DENIED, BYTES("a.b.c"), BYTES("r"), 60, BYTES("no")};
    struct login_ask ask_out;
    struct login_answer answer_out;
    assert_true(login_ask_unpack(login_ask_pack(&ask, &arena), &ask_out));
    assert_int_equal(ask_out.login, 7);
    assert_true(bytes_equal(ask_out.redirect_to, ask.redirect_to));
    assert_true(login_answer_unpack(login_answer_pack(&answer, &arena), &answer_out));
    assert_int_equal(answer_out.outcome, LOGIN_DENIED);
    assert_int_equal(answer_out.expires_s, 60);
    assert_true(bytes_equal(answer_out.problem, BYTES("no")));
}

static void what_is_none_is_not_taken(void **state)
{
    (void)state;
    const struct login_ask asks[] = {{LOGIN_EXCHANGE, 7, {0}, {0}, {0}},
                                     {(enum login_wish)0, 7, BYTES("c"), {0}, {0}},
                                     {LOGIN_WISHES_END, 7, BYTES("c"), {0}, {0}}};
    const struct login_answer answers[] = {{.outcome = (enum login_outcome)0},
                                           {.outcome = LOGIN_OUTCOMES_END}};
    struct login_ask ask_out = {.login = 99};
    struct login_answer answer_out = {.expires_s = 99};
    for (size_t i = 0; i < ROWS(asks); i++)
        assert_false(login_ask_unpack(login_ask_pack(&asks[i], &arena), &ask_out));
    for (size_t i = 0; i < ROWS(answers); i++)
        assert_false(login_answer_unpack(login_answer_pack(&answers[i], &arena), &answer_out));
    const struct login_ask good = {LOGIN_REFRESH, 7, BYTES("token"), {0}, {0}};
    struct bytes packed = login_ask_pack(&good, &arena);
    for (size_t len = 0; len < packed.len; len++)
        assert_false(login_ask_unpack(bytes_part(packed, 0, len), &ask_out));
    assert_int_equal(ask_out.login, 99);
    assert_int_equal(answer_out.expires_s, 99);
}

static void ends_travel_several_at_once(void **state)
{
    (void)state;
    struct ended in[15], out[ENDED_IN_FRAME];
    struct frame frame = {0};
    for (size_t i = 0; i < ROWS(in); i++)
        in[i] = (struct ended){i, (int64_t)(100 + i), (int64_t)(200 + i)};
    size_t went = ended_pack(in, ROWS(in), &frame);
    assert_int_equal(went, 10);
    assert_int_equal(ended_unpack(&frame, out), 10);
    assert_memory_equal(out, in, sizeof out);
    went = ended_pack(in + 10, 5, &frame);
    assert_int_equal(went, 5);
    assert_int_equal(ended_unpack(&frame, out), 5);
    assert_int_equal(out[4].until_s, 214);
    frame.text_len -= 1; /* the last is not whole */
    assert_int_equal(ended_unpack(&frame, out), 4);
}

static int up(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked_and_answered_comes_back),
        cmocka_unit_test(what_is_none_is_not_taken),
        cmocka_unit_test(ends_travel_several_at_once),
    };
    return cmocka_run_group_tests(tests, up, down);
}
