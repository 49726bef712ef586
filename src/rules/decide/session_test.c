/* Unit tests of session: what is in it, how long it holds. */
#include "base/test.h"

#include "rules/decide/session.h"

#define ID "0123456789abcdef"

static void what_is_packed_comes_back(void **state)
{
    (void)state;
    const struct session session = {BYTES(ID),      1,         2, 3, BYTES("a.b.c"), BYTES("r"),
                                    BYTES("trail"), BYTES("s")};
    const struct login_state begun = {BYTES(ID), 9, BYTES("/x?y"), BYTES("trail")};
    const struct login_attempt attempt = {BYTES(ID), 9, BYTES("nonce"), BYTES("verifier")};
    struct session session_out;
    struct login_state begun_out;
    struct login_attempt attempt_out;
    struct arena arena;
    arena_init(&arena);
    assert_true(session_unpack(session_pack(&session, &arena), &session_out));
    assert_int_equal(session_out.fresh_until_s, 3);
    assert_true(bytes_equal(session_out.refresh_token, BYTES("r")));
    assert_true(bytes_equal(session_out.trail, BYTES("trail")));
    assert_true(bytes_equal(session_out.provider_id, BYTES("s")));
    assert_true(login_state_unpack(login_state_pack(&begun, &arena), &begun_out));
    assert_true(bytes_equal(begun_out.return_to, BYTES("/x?y")));
    assert_true(login_attempt_unpack(login_attempt_pack(&attempt, &arena), &attempt_out));
    assert_true(bytes_equal(attempt_out.verifier, BYTES("verifier")));
    arena_done(&arena);
}

static void neg_38_what_is_cut_or_longer_is_not_taken(void **state)
{
    (void)state;
    const struct session session = {BYTES(ID),      1,         2, 3, BYTES("a.b.c"), BYTES("r"),
                                    BYTES("trail"), BYTES("s")};
    const struct session nobody = {BYTES("short"), 1,         2, 3, BYTES("a.b.c"), BYTES("r"),
                                   BYTES("trail"), BYTES("s")};
    struct session out = {.begun_s = 77};
    struct arena arena;
    arena_init(&arena);
    struct bytes packed = session_pack(&session, &arena);
    for (size_t len = 0; len < packed.len; len++)
        assert_false(session_unpack(bytes_part(packed, 0, len), &out));
    struct bytes parts[] = {packed, BYTES("x")};
    assert_false(session_unpack(arena_join(&arena, parts, 2), &out));
    assert_false(session_unpack(session_pack(&nobody, &arena), &out));
    assert_int_equal(out.begun_s, 77);
    arena_done(&arena);
}

static void a_session_ends_by_idling_by_age_or_with_its_provider(void **state)
{
    (void)state;
    const struct rules_login login = {.idle_s = 100, .lifetime_s = 1000};
    static const struct {
        const char *name;
        int64_t begun_s, seen_s, fresh_s;
        bool refreshes;
        enum session_state judged;
    } rows[] = {
        {"new", 5000, 5000, 6000, false, SESSION_GOOD},
        {"idle, the last second", 4990, 4901, 6000, false, SESSION_GOOD},
        {"idle", 4900, 4900, 6000, true, SESSION_OVER},
        {"old, the last second", 4001, 4999, 6000, false, SESSION_GOOD},
        {"old", 4000, 5000, 6000, true, SESSION_OVER},
        {"stale", 4999, 4999, 5000, true, SESSION_STALE},
        {"its token is over and there is no other", 4999, 4999, 5000, false, SESSION_OVER},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct session session = {.begun_s = rows[i].begun_s,
                                        .seen_s = rows[i].seen_s,
                                        .fresh_until_s = rows[i].fresh_s,
                                        .refresh_token = rows[i].refreshes ? BYTES("r") : BYTES("")};
        assert_int_equal(session_judge(&session, &login, 5000), rows[i].judged);
    }
}

static void the_cookie_is_written_anew_now_and_then(void **state)
{
    (void)state;
    const struct rules_login login = {.idle_s = 160, .lifetime_s = 1000};
    const struct session session = {.begun_s = 5000, .seen_s = 5000};
    assert_false(session_slides(&session, &login, 5009));
    assert_true(session_slides(&session, &login, 5010));
    assert_int_equal(session_age_s(&session, &login, 5010), 160);
    assert_int_equal(session_age_s(&session, &login, 5900), 100);
    assert_true(attempt_holds(5000, 5599));
    assert_false(attempt_holds(5000, 5600));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_packed_comes_back),
        cmocka_unit_test(neg_38_what_is_cut_or_longer_is_not_taken),
        cmocka_unit_test(a_session_ends_by_idling_by_age_or_with_its_provider),
        cmocka_unit_test(the_cookie_is_written_anew_now_and_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
