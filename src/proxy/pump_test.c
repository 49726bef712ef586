/* Stages of pumps by themselves: keep and tee. */
#include "base/test.h"

#include "proxy/pump.h"

#include <stdio.h>

/* A source and sinks that write down what they hear. */
static char got[3][300];
static size_t wanted;
static unsigned stops;

struct end {
    struct stage stage;
    int number;
};

static void source_want(struct stage *stage, size_t bytes)
{
    (void)stage;
    wanted += bytes;
}

static void source_stop(struct stage *stage, enum pump_reason reason)
{
    (void)stage;
    (void)reason;
    stops++;
}

static void sink_give(struct stage *stage, const struct part *part)
{
    struct end *end = (struct end *)(void *)stage;
    char *out = got[end->number];
    size_t len = strlen(out);
    static const char *const marks[] = {"", "T", ".", "!"};
    if (part->kind == PART_DATA && part->data.len < 20)
        snprintf(out + len, sizeof got[0] - len, "%.*s", BYTES_FMT(part->data));
    else if (part->kind == PART_DATA)
        snprintf(out + len, sizeof got[0] - len, "<%zu>", part->data.len);
    else
        snprintf(out + len, sizeof got[0] - len, "%s", marks[part->kind]);
}

static const struct stage_ops source_ops = {"source", NULL, source_want, source_stop};
static const struct stage_ops sink_ops = {"sink", sink_give, NULL, NULL};

static struct end source, sinks[3];

static int begin(void **state)
{
    (void)state;
    memset(got, 0, sizeof got);
    wanted = 0;
    stops = 0;
    source = (struct end){.stage.ops = &source_ops};
    for (int i = 0; i < 3; i++)
        sinks[i] = (struct end){.stage.ops = &sink_ops, .number = i};
    return 0;
}

static void give(const char *text)
{
    struct block *block = block_new();
    memcpy(block->data, text, strlen(text));
    stage_give_data(&source.stage, block, bytes_make(block->data, strlen(text)));
    block_unref(block);
}

static void give_many(size_t len)
{
    struct block *block = block_new();
    memset(block->data, 'x', len);
    stage_give_data(&source.stage, block, bytes_make(block->data, len));
    block_unref(block);
}

/* ---- keep ------------------------------------------------------------------------- */

static struct keep keep;

static void keep_begin(void)
{
    keep_init(&keep, PUMP_KEEP_MAX);
    stage_link(&source.stage, &keep.stage);
    stage_link(&keep.stage, &sinks[0].stage);
}

static void what_is_kept_is_given_again_whole_before_anything_new(void **state)
{
    (void)state;
    keep_begin();
    stage_want(&sinks[0].stage, 100);
    assert_int_equal(wanted, 100);
    give("ab");
    give("cd");
    stage_unlink(&sinks[0].stage);
    give("ef"); /* nobody hears it, but it is kept */
    stage_link(&keep.stage, &sinks[1].stage);
    keep_replay(&keep);
    stage_want(&sinks[1].stage, 4); /* less than there is */
    assert_string_equal(got[1], "abcdef");
    give("gh");
    stage_give_end(&source.stage);
    assert_string_equal(got[0], "abcd");
    assert_string_equal(got[1], "abcdefgh.");
    assert_true(keep_can_replay(&keep));
    keep_drop(&keep);
    assert_int_equal(block_live(), 0);
}

static void a_body_that_was_whole_is_given_again_with_its_end_and_asks_for_no_more(void **state)
{
    (void)state;
    keep_begin();
    give("ab");
    stage_give_end(&source.stage);
    stage_unlink(&sinks[0].stage);
    stage_link(&keep.stage, &sinks[1].stage);
    keep_replay(&keep);
    stage_want(&sinks[1].stage, 100);
    assert_string_equal(got[1], "ab.");
    assert_int_equal(wanted, 0);
    keep_drop(&keep);
}

static void beyond_its_bounds_nothing_is_kept(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        unsigned count;
        bool kept;
        size_t max;
    } rows[] = {{1, KEEP_PARTS_MAX, true, PUMP_KEEP_MAX},
                {1, KEEP_PARTS_MAX + 1, false, PUMP_KEEP_MAX},
                {PUMP_KEEP_MAX / 2, 2, true, PUMP_KEEP_MAX},
                {PUMP_KEEP_MAX / 2 + 1, 2, false, PUMP_KEEP_MAX},
                {5, 2, true, 10},
                {6, 2, false, 10},
                {1, 1, false, 0}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        begin(NULL);
        keep_begin();
        keep.max = rows[i].max;
        for (unsigned k = 0; k < rows[i].count; k++)
            give_many(rows[i].len);
        assert_int_equal(keep_can_replay(&keep), rows[i].kept);
        keep_drop(&keep);
        assert_false(keep_can_replay(&keep));
        assert_int_equal(block_live(), 0);
    }
}

/* ---- tee --------------------------------------------------------------------------- */

static struct tee tee;

static void tee_begin(void)
{
    tee_init(&tee);
    stage_link(&source.stage, &tee.stage);
    stage_link(&tee.stage, &sinks[0].stage);
}

static void a_copy_that_is_linked_late_misses_nothing(void **state)
{
    (void)state;
    tee_begin();
    give("ab");
    stage_give_end(&source.stage);
    assert_string_equal(got[0], "ab.");
    stage_link(&tee.copy, &sinks[1].stage);
    stage_want(&sinks[1].stage, 10);
    assert_string_equal(got[1], "ab.");
    tee_done(&tee);
    assert_int_equal(block_live(), 0);
}

static void a_copy_that_falls_behind_is_aborted_and_the_original_goes_on(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) { /* linked only afterwards: it is told all the same */
        begin(NULL);
        tee_begin();
        if (!late)
            stage_link(&tee.copy, &sinks[1].stage);
        for (int i = 0; i < 3; i++)
            give_many(30000);
        stage_give_end(&source.stage);
        if (late) {
            stage_link(&tee.copy, &sinks[1].stage);
            stage_want(&sinks[1].stage, 10);
        }
        assert_string_equal(got[0], "<30000><30000><30000>.");
        assert_string_equal(got[1], "!");
        tee_done(&tee);
        assert_int_equal(block_live(), 0);
    }
}

static void a_copy_asks_and_stops_for_itself_only(void **state)
{
    (void)state;
    tee_begin();
    stage_link(&tee.copy, &sinks[1].stage);
    stage_want(&sinks[1].stage, 10);
    assert_int_equal(wanted, 0);
    stage_want(&sinks[0].stage, 7);
    assert_int_equal(wanted, 7);
    give("ab");
    stage_stop(&sinks[1].stage, PUMP_CANCELLED);
    assert_int_equal(stops, 0);
    give("cd");
    stage_give_end(&source.stage);
    assert_string_equal(got[0], "abcd.");
    assert_string_equal(got[1], "ab");
    tee_done(&tee);
    assert_int_equal(block_live(), 0);
}

static void a_tee_that_is_taken_out_leaves_the_rest_joined(void **state)
{
    (void)state;
    struct tee second;
    tee_begin();
    tee_init(&second);
    stage_insert(&tee.stage, &second.stage);
    assert_ptr_equal(stage_last(&source.stage), &sinks[0].stage);
    stage_take_out(&tee.stage);
    stage_take_out(&tee.stage);
    give("ab");
    stage_take_out(&second.stage);
    give("cd");
    assert_string_equal(got[0], "abcd");
    assert_int_equal(second.bytes, 2);
    tee_done(&tee);
    tee_done(&second);
    assert_int_equal(block_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_kept_is_given_again_whole_before_anything_new, begin),
        cmocka_unit_test_setup(a_body_that_was_whole_is_given_again_with_its_end_and_asks_for_no_more, begin),
        cmocka_unit_test_setup(beyond_its_bounds_nothing_is_kept, begin),
        cmocka_unit_test_setup(a_copy_that_is_linked_late_misses_nothing, begin),
        cmocka_unit_test_setup(a_copy_that_falls_behind_is_aborted_and_the_original_goes_on, begin),
        cmocka_unit_test_setup(a_copy_asks_and_stops_for_itself_only, begin),
        cmocka_unit_test_setup(a_tee_that_is_taken_out_leaves_the_rest_joined, begin),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    block_stock_drop();
    return failed;
}
