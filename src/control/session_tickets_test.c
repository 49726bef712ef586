/* Tests of the keys of session tickets: when they are made, kept and forgotten. */
#include "base/test.h"

#include <string.h>

#include "control/control_fixture.h"
#include "control/session_tickets.h"
#include "control/state_file.h"

enum { NOW_S = 1800000000, LIFETIME_S = 60 };

static void begin(struct control_fixture *fixture)
{
    struct fail why;
    control_make(fixture);
    control_settings(fixture, "ticketKeyLifetime: 60s\n");
    assert_true(directory_make(control_path(fixture, "state"), 0700, &why));
}

static bool same(const struct session_ticket_key *a, const struct session_ticket_key *b)
{
    return memcmp(a->key, b->key, TICKET_KEY_SIZE) == 0;
}

static void a_key_seals_for_a_lifetime_and_opens_for_another(void **state)
{
    (void)state;
    struct control_fixture fixture;
    struct session_tickets tickets = {0};
    begin(&fixture);
    assert_true(session_tickets_step(&tickets, &fixture.settings, NOW_S));
    assert_int_equal(tickets.count, 1);
    struct session_ticket_key first = tickets.at[0];
    assert_false(session_tickets_step(&tickets, &fixture.settings, NOW_S + LIFETIME_S - 1));
    assert_true(session_tickets_step(&tickets, &fixture.settings, NOW_S + LIFETIME_S));
    assert_int_equal(tickets.count, 2);
    assert_false(same(&tickets.at[0], &first));
    assert_true(same(&tickets.at[1], &first));
    assert_true(session_tickets_step(&tickets, &fixture.settings, NOW_S + 2 * LIFETIME_S));
    assert_int_equal(tickets.count, 2);
    assert_false(same(&tickets.at[1], &first));
    control_drop(&fixture);
}

static void on_command_there_is_a_new_key_and_the_others_still_open(void **state)
{
    (void)state;
    struct control_fixture fixture;
    struct session_tickets tickets = {0};
    begin(&fixture);
    session_tickets_step(&tickets, &fixture.settings, NOW_S);
    struct session_ticket_key first = tickets.at[0];
    for (int i = 1; i <= 5; i++) {
        tickets.wanted = true;
        assert_true(session_tickets_step(&tickets, &fixture.settings, NOW_S + i));
        assert_false(session_tickets_step(&tickets, &fixture.settings, NOW_S + i));
        assert_int_equal(tickets.at[0].from_s, NOW_S + i);
        assert_int_equal(tickets.count, i < TICKET_KEYS_MAX ? i + 1 : TICKET_KEYS_MAX);
        assert_int_equal(same(&tickets.at[tickets.count - 1], &first), i < TICKET_KEYS_MAX);
    }
    control_drop(&fixture);
}

static void what_was_kept_goes_on(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t later_s;
        bool seals;
        bool opens;
    } rows[] = {
        {"at once", 0, true, true},
        {"when its time to seal is over", LIFETIME_S, false, true},
        {"when its time is over", 2 * LIFETIME_S, false, false},
        {"when the clock was set back a little", -10, true, true},
        {"when the clock was set back by a lifetime", -LIFETIME_S - 1, false, true},
        {"when the clock was set back by more", -3 * LIFETIME_S, false, false},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("  %s\n", rows[i].name);
        struct control_fixture fixture;
        struct session_tickets before = {0}, after = {0};
        begin(&fixture);
        session_tickets_step(&before, &fixture.settings, NOW_S);
        assert_true(
            session_tickets_step(&after, &fixture.settings, NOW_S + rows[i].later_s)); /* they are news */
        assert_int_equal(same(&after.at[0], &before.at[0]), rows[i].seals);
        bool opens = false;
        for (size_t k = 0; k < after.count; k++)
            opens |= same(&after.at[k], &before.at[0]);
        assert_int_equal(opens, rows[i].opens);
        control_drop(&fixture);
    }
}

static void what_cannot_be_read_is_made_anew(void **state)
{
    (void)state;
    struct control_fixture fixture;
    struct session_tickets before = {0}, after = {0};
    begin(&fixture);
    session_tickets_step(&before, &fixture.settings, NOW_S);
    control_write(&fixture, "state/session-tickets", "spoiled");
    assert_true(session_tickets_step(&after, &fixture.settings, NOW_S));
    assert_int_equal(after.count, 1);
    assert_false(same(&after.at[0], &before.at[0]));
    control_drop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_seals_for_a_lifetime_and_opens_for_another),
        cmocka_unit_test(on_command_there_is_a_new_key_and_the_others_still_open),
        cmocka_unit_test(what_was_kept_goes_on),
        cmocka_unit_test(what_cannot_be_read_is_made_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
