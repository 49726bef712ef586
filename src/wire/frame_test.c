#include "base/test.h"

#include "wire/frame.h"

static void frames_are_judged_by_size_type_index_and_text(void **state)
{
    (void)state;
    static const struct {
        struct frame frame;
        size_t size;
        const char *sentence; /* NULL: it is one */
    } rows[] = {
        {{.type = FRAME_HELLO}, sizeof(struct frame), NULL},
        {{.type = FRAME_TYPE_COUNT - 1, .index = FRAME_WORKERS_MAX - 1, .text_len = FRAME_TEXT_MAX},
         sizeof(struct frame),
         NULL},
        {{.type = FRAME_HELLO}, sizeof(struct frame) - 1, "frame: 287 bytes where 288 are one"},
        {{.type = 0}, sizeof(struct frame), "frame: type 0 is unknown"},
        {{.type = UINT32_MAX}, sizeof(struct frame), "frame: type 4294967295 is unknown"},
        {{.type = FRAME_HELLO, .index = FRAME_WORKERS_MAX},
         sizeof(struct frame),
         "frame: worker 64 is beyond 64"},
        {{.type = FRAME_HELLO, .text_len = FRAME_TEXT_MAX + 1},
         sizeof(struct frame),
         "frame: a text of 257 bytes is beyond 256"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct fail why = {0};
        assert_int_equal(frame_check(&rows[i].frame, rows[i].size, &why), !rows[i].sentence);
        assert_string_equal(why.text, rows[i].sentence ? rows[i].sentence : "");
    }
}

static void the_first_type_beyond_is_unknown(void **state)
{
    (void)state;
    struct frame frame = {.type = FRAME_TYPE_COUNT};
    struct fail why;
    assert_false(frame_check(&frame, sizeof frame, &why));
}

static void texts_are_cut_to_their_room(void **state)
{
    (void)state;
    struct frame frame = {0};
    char longer[FRAME_TEXT_MAX + 10];
    memset(longer, 'x', sizeof longer);
    frame_text_set(&frame, bytes_make(longer, sizeof longer));
    assert_int_equal(frame_text(&frame).len, FRAME_TEXT_MAX);
    frame_text_set(&frame, BYTES("10.0.0.1"));
    assert_true(bytes_equal(frame_text(&frame), BYTES("10.0.0.1")));
    frame_text_set(&frame, (struct bytes){0});
    assert_int_equal(frame_text(&frame).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_judged_by_size_type_index_and_text),
        cmocka_unit_test(the_first_type_beyond_is_unknown),
        cmocka_unit_test(texts_are_cut_to_their_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
