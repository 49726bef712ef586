/* Unit tests of session_keys. */
#include "base/test.h"

#include "control/control_fixture.h"
#include "control/session_keys.h"

static const struct envelope_use use = {BYTES_INIT("session"), BYTES_INIT("host")};

static bool understands(const struct session_keys *from, const struct session_keys *to)
{
    struct arena arena;
    struct bytes text, plain;
    struct fail why;
    arena_init(&arena);
    assert_true(envelope_close(&from->keys, &use, BYTES("x"), &arena, &text, &why));
    bool opened = envelope_open(&to->keys, &use, text, &arena, &plain, &why);
    arena_done(&arena);
    return opened;
}

static void keys_change_with_the_period_and_overlap(void **state)
{
    (void)state;
    struct control_fixture fixture;
    struct session_keys now = {0}, later = {0}, much_later = {0}, ahead = {0};
    control_make(&fixture);
    control_settings(&fixture, "sessionKeyLifetime: 10s\n");
    assert_true(session_keys_step(&now, &fixture.settings, 1000));
    assert_false(session_keys_step(&now, &fixture.settings, 1009));
    assert_true(session_keys_step(&later, &fixture.settings, 1010));
    assert_true(session_keys_step(&much_later, &fixture.settings, 1020));
    assert_true(session_keys_step(&ahead, &fixture.settings, 1010));
    assert_true(understands(&now, &now) && understands(&now, &later));
    assert_false(understands(&now, &much_later));
    assert_true(understands(&ahead, &now));
    assert_true(session_keys_step(&now, &fixture.settings, 1010));
    assert_memory_equal(&now.keys, &later.keys, sizeof now.keys);
    control_drop(&fixture);
}

static void a_change_on_command_is_understood_and_kept(void **state)
{
    (void)state;
    struct control_fixture fixture;
    struct session_keys here = {0}, there = {0}, after = {0};
    control_make(&fixture);
    control_settings(&fixture, "");
    session_keys_step(&here, &fixture.settings, 1000);
    session_keys_step(&there, &fixture.settings, 1000);
    session_keys_change(&here, &fixture.settings);
    assert_true(session_keys_step(&here, &fixture.settings, 1000));
    assert_false(here.keys.at[0].id == there.keys.at[0].id);
    assert_true(understands(&here, &there) && understands(&there, &here));
    session_keys_step(&after, &fixture.settings, 1000);
    assert_true(after.keys.at[0].id == here.keys.at[0].id);
    control_drop(&fixture);
}

static void another_sealing_key_has_other_keys(void **state)
{
    (void)state;
    struct control_fixture one, two;
    struct session_keys of_one = {0}, of_two = {0};
    control_make(&one);
    control_make(&two);
    control_settings(&one, "");
    control_settings(&two, "");
    assert_true(session_keys_step(&of_one, &one.settings, 1000));
    assert_true(session_keys_step(&of_two, &two.settings, 1000));
    assert_false(understands(&of_one, &of_two));
    control_drop(&one);
    control_drop(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_change_with_the_period_and_overlap),
        cmocka_unit_test(a_change_on_command_is_understood_and_kept),
        cmocka_unit_test(another_sealing_key_has_other_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
