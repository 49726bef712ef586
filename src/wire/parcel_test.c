/* Unit tests of parcel: whole or not at all. */
#include "base/test.h"

#include "wire/parcel.h"

static void any_length_comes_whole(void **state)
{
    (void)state;
    static char all[PARCEL_MAX];
    static const size_t lengths[] = {1, 255, 256, 257, 512, 10000, PARCEL_MAX};
    struct parcel parcel = {0};
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (char)(i * 7);
    for (size_t i = 0; i < ROWS(lengths); i++) {
        struct bytes in = bytes_make(all, lengths[i]), out;
        struct frame frame = {.type = FRAME_HELLO, .id = i};
        size_t at = 0, frames = 0;
        bool whole = false;
        while (parcel_next(in, &at, &frame)) {
            assert_false(whole);
            whole = parcel_take(&parcel, &frame, &out);
            frames++;
        }
        assert_true(whole && bytes_equal(in, out));
        assert_int_equal(frames, (lengths[i] + FRAME_TEXT_MAX - 1) / FRAME_TEXT_MAX);
    }
    parcel_done(&parcel);
}

static void what_does_not_fit_is_dropped(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t id, number;
        uint32_t len;
    } rows[] = {
        {"a later part first", 1, (uint64_t)20 << 32 | 10, 10},
        {"longer than may be", 1, ((uint64_t)PARCEL_MAX + 1) << 32, 10},
        {"more than the whole", 1, (uint64_t)5 << 32, 10},
        {"from behind the end", 1, (uint64_t)5 << 32 | 6, 10},
        {"nothing in it", 1, (uint64_t)5 << 32, 0},
    };
    struct parcel parcel = {0};
    struct bytes out;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct frame frame = {.id = rows[i].id, .number = rows[i].number, .text_len = rows[i].len};
        assert_false(parcel_take(&parcel, &frame, &out));
    }
    /* another's part, another length, a part twice: the parcel is not completed by them */
    struct frame first = {.id = 7, .number = (uint64_t)20 << 32, .text_len = 10};
    const struct frame wrong[] = {
        {.id = 8, .number = (uint64_t)20 << 32 | 10, .text_len = 10},
        {.id = 7, .number = (uint64_t)21 << 32 | 10, .text_len = 11},
        {.id = 7, .number = (uint64_t)20 << 32 | 9, .text_len = 11},
    };
    assert_false(parcel_take(&parcel, &first, &out));
    for (size_t i = 0; i < ROWS(wrong); i++)
        assert_false(parcel_take(&parcel, &wrong[i], &out));
    struct frame last = {.id = 7, .number = (uint64_t)20 << 32 | 10, .text_len = 10};
    assert_true(parcel_take(&parcel, &last, &out) && out.len == 20);
    parcel_done(&parcel);
}

static void too_much_is_not_sent(void **state)
{
    (void)state;
    static char all[PARCEL_MAX + 1];
    struct frame frame = {0};
    size_t at = 0;
    assert_false(parcel_next(bytes_make(all, sizeof all), &at, &frame));
    assert_false(parcel_next((struct bytes){0}, &at, &frame));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_length_comes_whole),
        cmocka_unit_test(what_does_not_fit_is_dropped),
        cmocka_unit_test(too_much_is_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
