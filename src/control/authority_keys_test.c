/* Tests of the embedded authority's keys: which signs when, what is trusted how long, what is kept. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "control/authority_keys.h"
#include "crypt/certificate.h"

enum { DAY = 86400, HOUR = 3600 };

static const struct authority_plan plan = {
    .trust_domain = BYTES_INIT("cluster.local"), .root_every_s = 10 * DAY, .ahead_s = HOUR, .every_s = DAY};

struct world {
    struct authority_keys *keys;
    struct arena arena;
    int64_t t0;
};

static void make(struct world *world)
{
    world->keys = calloc(1, sizeof *world->keys);
    world->t0 = clock_wall_s(); /* certificates are made by the real clock */
    arena_init(&world->arena);
}

static void drop(struct world *world)
{
    authority_keys_wipe(world->keys);
    free(world->keys);
    arena_done(&world->arena);
}

static void step(struct world *world, int64_t at_s, bool changes)
{
    struct fail why;
    bool changed;
    assert_true(authority_keys_step(world->keys, &plan, world->t0 + at_s, &changed, &why));
    assert_int_equal(changed, changes);
}

/* Intermediates that nobody has to know of may go. */
static void settle(struct world *world, int64_t at_s)
{
    struct fail why;
    bool changed;
    assert_true(authority_keys_step(world->keys, &plan, world->t0 + at_s, &changed, &why));
}

static size_t roots_in(struct world *world, int64_t at_s)
{
    struct bytes bundle = authority_keys_bundle(world->keys, world->t0 + at_s, &world->arena);
    size_t count = 0, at;
    const struct bytes begin = BYTES("-----BEGIN");
    while ((at = bytes_find_text(bundle, begin)) != bundle.len) {
        count++;
        bundle = bytes_part(bundle, at + begin.len, bundle.len);
    }
    return count;
}

static void a_root_is_in_the_bundle_before_it_signs_and_until_its_last_leaf_has_ended(void **state)
{
    (void)state;
    struct world world;
    char first[48], second[48];
    make(&world);
    struct authority_level *roots = &world.keys->roots, *below = &world.keys->intermediates;
    step(&world, 0, true);
    assert_int_equal(roots->count, 1);
    assert_int_equal(below->count, 1);
    snprintf(first, sizeof first, "%s", roots->at[0].serial);
    step(&world, 10, false);
    authority_keys_issued(world.keys, world.t0 + DAY - 1, world.t0 + 10 * DAY + 12 * HOUR);
    for (int64_t day = 1; day < 10; day++)
        step(&world, day * DAY, true); /* an intermediate a day */
    settle(&world, 10 * DAY - HOUR - 1);
    assert_int_equal(roots_in(&world, 10 * DAY - HOUR - 1), 1);
    step(&world, 10 * DAY - HOUR, true);
    assert_int_equal(roots_in(&world, 10 * DAY - HOUR), 2);
    assert_string_equal(authority_keys_root(world.keys, world.t0 + 10 * DAY - 1)->serial, first);
    assert_int_equal(authority_keys_next(world.keys, &plan, world.t0 + 10 * DAY - HOUR), world.t0 + 10 * DAY);
    snprintf(second, sizeof second, "%s", roots->at[1].serial);
    step(&world, 10 * DAY, true);
    assert_string_equal(authority_keys_root(world.keys, world.t0 + 10 * DAY)->serial, second);
    assert_int_equal(roots->at[0].key[0], '\0'); /* it signs no more */
    assert_true(below->at[below->count - 1].from_s == world.t0 + 10 * DAY);
    settle(&world, 10 * DAY + 12 * HOUR + 59);
    assert_int_equal(roots_in(&world, 10 * DAY + 12 * HOUR + 59), 2);
    step(&world, 10 * DAY + 12 * HOUR + 60, true);
    assert_int_equal(roots_in(&world, 10 * DAY + 13 * HOUR), 1);
    assert_string_equal(roots->at[0].serial, second);
    drop(&world);
}

static void what_the_intermediate_signs_leads_to_the_bundle(void **state)
{
    (void)state;
    struct world world;
    struct identity_pem pem;
    struct certificate_facts facts;
    struct fail why;
    make(&world);
    step(&world, 0, true);
    struct authority *authority = authority_keys_open(world.keys, world.t0, &why);
    assert_non_null(authority);
    assert_true(authority_issue(authority, BYTES("spiffe://cluster.local/ns/a/sa/b"), NULL, 0, HOUR,
                                &world.arena, &pem, &why));
    assert_true(certificate_shape_check(pem.chain, &why));
    assert_true(certificate_facts(pem.chain, &world.arena, &facts, &why));
    assert_true(facts.not_after_s <= world.t0 + HOUR + 2);
    assert_true(bytes_equal(pem.roots, authority_keys_bundle(world.keys, world.t0, &world.arena)));
    authority_free(authority);
    drop(&world);
}

static void on_command_the_next_root_waits_its_time_and_an_intermediate_does_not(void **state)
{
    (void)state;
    struct world world;
    make(&world);
    step(&world, 0, true);
    authority_keys_rotate_intermediate(world.keys, world.t0 + 100);
    step(&world, 100, true);
    assert_int_equal(world.keys->intermediates.count, 2);
    assert_int_equal(world.keys->intermediates.at[0].key[0], '\0');
    authority_keys_rotate_root(world.keys, world.t0 + 200);
    step(&world, 200, true);
    assert_int_equal(world.keys->roots.count, 2);
    assert_int_equal(world.keys->roots.at[1].from_s, world.t0 + 200 + HOUR);
    assert_int_equal(world.keys->roots.at[0].until_s, world.t0 + 200 + HOUR);
    authority_keys_rotate_root(world.keys, world.t0 + 201); /* one is published already */
    step(&world, 201, false);
    assert_int_equal(world.keys->roots.count, 2);
    drop(&world);
}

static void after_a_long_sleep_the_old_root_signs_until_the_new_one_was_seen(void **state)
{
    (void)state;
    struct world world;
    make(&world);
    step(&world, 0, true);
    step(&world, 15 * DAY, true);
    assert_int_equal(world.keys->roots.count, 2);
    assert_int_equal(world.keys->roots.at[0].until_s, world.t0 + 15 * DAY + HOUR);
    step(&world, 400 * DAY, true); /* both certificates have ended long ago */
    assert_int_equal(world.keys->roots.count, 1);
    assert_int_equal(world.keys->roots.at[0].from_s, world.t0 + 400 * DAY);
    drop(&world);
}

static void more_roots_than_go_are_not_made_and_the_last_goes_on(void **state)
{
    (void)state;
    struct world world;
    struct fail why;
    bool changed;
    int64_t at_s = 0;
    make(&world);
    step(&world, 0, true);
    while (world.keys->roots.count < AUTHORITY_KEYS_MAX) {
        authority_keys_issued(world.keys, world.t0 + at_s, world.t0 + 300 * DAY);
        authority_keys_rotate_root(world.keys, world.t0 + at_s);
        step(&world, at_s, true);
        at_s += HOUR;
        step(&world, at_s, true);
    }
    authority_keys_issued(world.keys, world.t0 + at_s, world.t0 + 300 * DAY);
    authority_keys_rotate_root(world.keys, world.t0 + at_s);
    assert_false(authority_keys_step(world.keys, &plan, world.t0 + at_s, &changed, &why));
    assert_string_equal(
        why.text, "there are 64 roots that certificates hang on; the next one is made when one has ended");
    struct authority *authority = authority_keys_open(world.keys, world.t0 + at_s, &why);
    assert_non_null(authority);
    authority_free(authority);
    drop(&world);
}

static void keys_survive_writing_and_reading(void **state)
{
    (void)state;
    struct world world;
    struct fail why;
    make(&world);
    step(&world, 0, true);
    authority_keys_rotate_root(world.keys, world.t0);
    step(&world, 0, true);
    struct authority_keys *again = calloc(1, sizeof *again);
    struct bytes text = authority_keys_write(world.keys, &world.arena);
    assert_true(authority_keys_read(text, &world.arena, again, &why));
    assert_memory_equal(world.keys, again, sizeof *again);
    static const struct {
        const char *text;
        const char *told;
    } rows[] = {
        {"{\"roots\":[]}", "0 keys of the authority where 1 to 64 are possible"},
        {"{\"roots\":[{}]}", "a key of the authority lacks cert, key, made, from, until or leaves"},
        {"{\"roots\":[{\"cert\":\"\",\"key\":\"\",\"made\":1,\"from\":1,\"until\":2,\"leaves\":0}]}",
         "no certificate: PEM with BEGIN CERTIFICATE is expected"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        assert_false(authority_keys_read(bytes_of(rows[i].text), &world.arena, again, &why));
        assert_string_equal(why.text, rows[i].told);
        assert_memory_equal(world.keys, again, sizeof *again);
    }
    free(again);
    drop(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_root_is_in_the_bundle_before_it_signs_and_until_its_last_leaf_has_ended),
        cmocka_unit_test(what_the_intermediate_signs_leads_to_the_bundle),
        cmocka_unit_test(on_command_the_next_root_waits_its_time_and_an_intermediate_does_not),
        cmocka_unit_test(after_a_long_sleep_the_old_root_signs_until_the_new_one_was_seen),
        cmocka_unit_test(more_roots_than_go_are_not_made_and_the_last_goes_on),
        cmocka_unit_test(keys_survive_writing_and_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
