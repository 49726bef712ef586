/* Tests of signing keys: which is used when, what is published, what survives. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/control_fixture.h"
#include "control/key_deposit.h"
#include "control/seal_file.h"
#include "control/signing.h"
#include "wire/json.h"

static const struct signing_plan plan = {
    .every_s = 86400, .ahead_s = 3600, .lifetime_s = 60, .linger_s = 1860};

static void step(struct signing_keys *keys, int64_t now_s, bool changes)
{
    struct fail why;
    bool changed;
    assert_true(signing_keys_step(keys, &plan, now_s, &changed, &why));
    assert_int_equal(changed, changes);
}

static void a_key_is_published_ahead_used_and_kept_for_a_while(void **state)
{
    (void)state;
    struct signing_keys *keys = calloc(1, sizeof *keys);
    char first[64], second[64];
    step(keys, 1000000, true);
    assert_int_equal(keys->count, 1);
    snprintf(first, sizeof first, "%s", signing_keys_current(keys, 1000000)->kid);
    assert_int_equal(signing_keys_next(keys, &plan, 1000000), 1000000 + 86400 - 3600);
    step(keys, 1000000 + 86400 - 3601, false);
    step(keys, 1000000 + 86400 - 3600, true);
    assert_int_equal(keys->count, 2);
    snprintf(second, sizeof second, "%s", keys->at[1].kid);
    assert_string_not_equal(first, second);
    assert_int_equal(keys->at[1].from_s, 1000000 + 86400);
    assert_int_equal(signing_keys_next(keys, &plan, 1000000 + 86400 - 3600), 1000000 + 86400);
    assert_string_equal(signing_keys_current(keys, 1000000 + 86399)->kid, first);
    assert_string_equal(signing_keys_current(keys, 1000000 + 86400)->kid, second);
    int64_t forget = signing_key_forget_s(&keys->at[0], &plan);
    assert_int_equal(forget, 1000000 + 86400 + 60 + 60 + 1800);
    step(keys, forget - 1, false);
    assert_int_equal(keys->count, 2);
    step(keys, forget, true);
    assert_int_equal(keys->count, 1);
    assert_string_equal(keys->at[0].kid, second);
    free(keys);
}

static void after_a_long_sleep_the_old_key_serves_until_the_new_one_was_seen(void **state)
{
    (void)state;
    struct signing_keys *keys = calloc(1, sizeof *keys);
    step(keys, 1000000, true);
    int64_t now = 1000000 + 10 * 86400;
    step(keys, now, true);
    assert_int_equal(keys->count, 2);
    assert_int_equal(keys->at[0].until_s, now + 3600);
    assert_int_equal(keys->at[1].from_s, now + 3600);
    assert_ptr_equal(signing_keys_current(keys, now), &keys->at[0]);
    free(keys);
}

static void several_keys_wait_when_they_are_published_for_longer_than_they_serve(void **state)
{
    (void)state;
    static const struct signing_plan fast = {.every_s = 10, .ahead_s = 70, .lifetime_s = 5, .linger_s = 70};
    struct signing_keys *keys = calloc(1, sizeof *keys);
    struct fail why;
    bool changed;
    int64_t seen_s[64] = {0};
    for (int64_t now = 1000; now < 1400; now++) {
        assert_true(signing_keys_step(keys, &fast, now, &changed, &why));
        const struct signing_key *current = signing_keys_current(keys, now);
        assert_true(now < 1080 || now - current->made_s >= 70); /* nobody meets a key that is news */
        assert_true(now < 1080 || now - current->from_s < 10);
        seen_s[keys->count] = now;
    }
    assert_int_equal(seen_s[20], 0); /* and there are not ever more of them */
    free(keys);
}

static void on_command_the_next_key_is_published_at_once(void **state)
{
    (void)state;
    struct signing_keys *keys = calloc(1, sizeof *keys);
    step(keys, 1000000, true);
    signing_keys_rotate(keys, 1000100);
    step(keys, 1000100, true);
    assert_int_equal(keys->count, 2);
    assert_int_equal(keys->at[1].made_s, 1000100);
    assert_int_equal(keys->at[1].from_s, 1000100 + 3600);
    assert_int_equal(keys->at[0].until_s, 1000100 + 3600);
    signing_keys_rotate(keys, 1000101); /* one waits already */
    step(keys, 1000101, false);
    assert_int_equal(keys->count, 2);
    free(keys);
}

static void keys_survive_writing_and_reading(void **state)
{
    (void)state;
    struct arena arena;
    struct fail why;
    struct signing_keys *keys = calloc(1, sizeof *keys), *again = calloc(1, sizeof *again);
    arena_init(&arena);
    step(keys, 1000000, true);
    struct bytes text = signing_keys_write(keys, &arena);
    assert_true(signing_keys_read(text, &arena, again, &why));
    assert_memory_equal(keys, again, sizeof *keys);
    static const struct {
        const char *text;
        const char *told;
    } rows[] = {
        {"{\"keys\":[]}", "0 signing keys where 1 to 64 are possible"},
        {"{}", "0 signing keys where 1 to 64 are possible"},
        {"{\"keys\":[{}]}", "a signing key lacks der, from or until"},
        {"{\"keys\":[{\"der\":\"!\",\"from\":1,\"until\":2}]}", "a signing key lacks der, from or until"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        assert_false(signing_keys_read(bytes_of(rows[i].text), &arena, again, &why));
        assert_string_equal(why.text, rows[i].told);
        assert_memory_equal(keys, again, sizeof *keys);
    }
    arena_done(&arena);
    free(keys);
    free(again);
}

static size_t published_count(struct bytes published)
{
    struct fail why;
    json_t *root = json_read(published, 1 << 20, &why);
    assert_non_null(root);
    size_t count = json_array_size(json_object_get(root, "keys"));
    json_decref(root);
    return count;
}

static void every_node_publishes_the_keys_of_all(void **state)
{
    (void)state;
    struct control_fixture fixture;
    struct fail why;
    struct signing_keys *one = calloc(1, sizeof *one), *two = calloc(1, sizeof *two);
    control_make(&fixture);
    struct bytes directory = bytes_of(control_path(&fixture, "keys"));
    step(one, 1000000, true);
    step(two, 1000000, true);
    assert_true(key_deposit_write(directory, BYTES("one"), one, &plan, &why));
    assert_true(key_deposit_write(directory, BYTES("two"), two, &plan, &why));
    struct bytes by_one = key_deposit_union(directory, one, 1000000, &fixture.arena);
    struct bytes by_two = key_deposit_union(directory, two, 1000000, &fixture.arena);
    assert_true(bytes_equal(by_one, by_two));
    assert_int_equal(published_count(by_one), 2);
    assert_int_equal(bytes_find_text(by_one, BYTES("\"d\"")), by_one.len); /* public halves only */
    control_write(&fixture, "keys/bad.json", "{\"keys\":[{\"until\":9999999999,\"jwk\":{\"kty\":\"oct\"}}]}");
    control_write(&fixture, "keys/worse.json", "<html>");
    assert_int_equal(published_count(key_deposit_union(directory, one, 1000000, &fixture.arena)), 2);
    int64_t past = signing_key_forget_s(&two->at[0], &plan); /* node two is gone for good */
    assert_int_equal(published_count(key_deposit_union(directory, one, past, &fixture.arena)), 1);
    free(one);
    free(two);
    control_drop(&fixture);
}

static void a_restart_goes_on_with_the_same_key(void **state)
{
    (void)state;
    struct control_fixture fixture;
    struct mailbox out;
    struct stat stat_of;
    char kid[64] = "";
    control_make(&fixture);
    control_settings(&fixture, "identity: {ca: {directory: $/ca}}\n");
    mailbox_init(&out);
    for (int i = 0; i < 3; i++) {
        if (i == 2) /* what was on disk is another's */
            control_write(&fixture, "state/signing-keys", "SLV1 and then nonsense of some length");
        struct signing *signing = signing_start(&fixture.settings, &out);
        signing_order_post(signing, true, &plan);
        struct signing_letter *letter = (struct signing_letter *)control_letter(&out);
        assert_int_equal(letter->count, 1);
        assert_int_equal(letter->max_age_s, 300);
        assert_int_equal(published_count(letter->published), 1);
        assert_int_equal(strcmp(kid, letter->keys[0].kid) == 0, i == 1);
        snprintf(kid, sizeof kid, "%s", letter->keys[0].kid);
        letter_free(&letter->letter);
        signing_stop(signing);
    }
    assert_int_equal(stat(control_path(&fixture, "state/signing-keys"), &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0600);
    assert_int_equal(stat(control_path(&fixture, "ca/keys/test-1.json"), &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0644);
    mailbox_done(&out);
    control_drop(&fixture);
}

static void the_key_changes_by_itself_and_the_next_is_known_before(void **state)
{
    (void)state;
    struct control_fixture fixture;
    struct mailbox out;
    const struct signing_plan fast = {.every_s = 3, .ahead_s = 2, .lifetime_s = 1};
    control_make(&fixture);
    control_settings(&fixture, "");
    mailbox_init(&out);
    struct signing *signing = signing_start(&fixture.settings, &out);
    signing_order_post(signing, true, &fast);
    struct signing_letter *letter = (struct signing_letter *)control_letter(&out);
    assert_int_equal(letter->count, 1);
    letter_free(&letter->letter);
    letter = (struct signing_letter *)control_letter(&out); /* after 1 s: the next one, not yet used */
    assert_int_equal(letter->count, 2);
    assert_int_equal(published_count(letter->published), 2);
    char next[64];
    snprintf(next, sizeof next, "%s", letter->keys[1].kid);
    assert_int_equal(letter->keys[0].until_s, letter->keys[1].from_s);
    letter_free(&letter->letter);
    letter = (struct signing_letter *)control_letter(&out); /* after 3 s: in use */
    assert_string_equal(letter->keys[0].kid, next);
    assert_true(published_count(letter->published) >= 2);
    letter_free(&letter->letter);
    signing_stop(signing);
    mailbox_done(&out);
    control_drop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_published_ahead_used_and_kept_for_a_while),
        cmocka_unit_test(after_a_long_sleep_the_old_key_serves_until_the_new_one_was_seen),
        cmocka_unit_test(several_keys_wait_when_they_are_published_for_longer_than_they_serve),
        cmocka_unit_test(on_command_the_next_key_is_published_at_once),
        cmocka_unit_test(keys_survive_writing_and_reading),
        cmocka_unit_test(every_node_publishes_the_keys_of_all),
        cmocka_unit_test(a_restart_goes_on_with_the_same_key),
        cmocka_unit_test(the_key_changes_by_itself_and_the_next_is_known_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
