#include "base/test.h"

#include <pthread.h>
#include <stdlib.h>

#include "wire/ring.h"

#define DATA 65536
#define SIZE (DATA + RING_HEAD)

static void *memory;
static struct arena arena;

static int begin(void **state)
{
    (void)state;
    memory = aligned_alloc(64, SIZE);
    memset(memory, 0, SIZE);
    arena_init(&arena);
    return 0;
}

static int end(void **state)
{
    (void)state;
    free(memory);
    arena_done(&arena);
    arena_stock_drop();
    return 0;
}

static void records_come_out_in_order_past_the_end_of_the_memory(void **state)
{
    (void)state;
    struct ring ring;
    struct bytes record;
    char text[3000];
    ring_open(&ring, memory, SIZE);
    assert_false(ring_read(&ring, &arena, &record));
    for (unsigned i = 0; i < 200; i++) {
        size_t len = i * 13 % sizeof text;
        memset(text, 'a' + (int)(i % 26), len);
        assert_true(ring_write(&ring, bytes_make(text, len)));
        assert_true(ring_read(&ring, &arena, &record));
        assert_true(bytes_equal(record, bytes_make(text, len)));
        arena_reset(&arena);
    }
    assert_false(ring_read(&ring, &arena, &record));
    assert_int_equal(ring_dropped(&ring), 0);
}

static void a_full_ring_drops_and_counts(void **state)
{
    (void)state;
    static char text[8184];
    struct ring ring;
    struct bytes record;
    ring_open(&ring, memory, SIZE);
    for (int i = 0; i < 8; i++)
        assert_true(ring_write(&ring, bytes_make(text, sizeof text)));
    assert_false(ring_write(&ring, bytes_make(text, sizeof text)));
    assert_int_equal(ring_dropped(&ring), 1);
    assert_true(ring_read(&ring, &arena, &record));
    assert_true(ring_write(&ring, bytes_make(text, sizeof text)));
}

static void a_record_that_is_too_long_is_dropped(void **state)
{
    (void)state;
    static char text[RING_RECORD_MAX + 1];
    struct ring ring;
    ring_open(&ring, memory, SIZE);
    assert_true(ring_write(&ring, bytes_make(text, RING_RECORD_MAX)));
    assert_false(ring_write(&ring, bytes_make(text, sizeof text)));
}

/* The head is the first word, the tail the one at 64. */
static uint64_t *word(size_t at)
{
    return (uint64_t *)(void *)((char *)memory + at);
}

static void a_reader_survives_a_writer_gone_mad(void **state)
{
    (void)state;
    static const struct {
        uint64_t head, tail;
        uint32_t len;
    } rows[] = {
        {DATA + 1, 0, 4},
        {UINT64_MAX, 0, 4},
        {0, 8, 4},
        {4, 0, 4},
        {64, 0, RING_RECORD_MAX + 1},
        {64, 0, UINT32_MAX},
        {64, 0, 100},
        {UINT64_MAX, UINT64_MAX - 4, 4},
        {DATA + 3, 3, UINT32_MAX},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct ring ring;
        struct bytes record;
        memset(memory, 0, SIZE);
        ring_open(&ring, memory, SIZE);
        *word(0) = rows[i].head;
        *word(64) = rows[i].tail;
        memcpy((char *)memory + RING_HEAD + (rows[i].tail & (DATA - 1)), &rows[i].len, sizeof rows[i].len);
        assert_false(ring_read(&ring, &arena, &record));
        assert_false(ring_read(&ring, &arena, &record)); /* and it starts afresh */
        assert_int_equal(*word(0), *word(64));
    }
}

static void a_writer_survives_a_reader_gone_mad(void **state)
{
    (void)state;
    static const uint64_t tails[] = {1, DATA, UINT64_MAX, UINT64_MAX - DATA};
    static char text[RING_RECORD_MAX];
    for (size_t i = 0; i < ROWS(tails); i++) {
        struct ring ring;
        memset(memory, 0, SIZE);
        ring_open(&ring, memory, SIZE);
        *word(64) = tails[i];
        for (int n = 0; n < 20; n++)
            ring_write(&ring, bytes_make(text, sizeof text));
        assert_true(ring_dropped(&ring) > 0);
    }
}

static void *write_all(void *shared)
{
    struct ring ring;
    ring_open(&ring, shared, SIZE);
    for (uint64_t i = 0; i < 20000;)
        i += ring_write(&ring, bytes_make(&i, sizeof i));
    return NULL;
}

static void two_threads_agree(void **state)
{
    (void)state;
    struct ring ring;
    struct bytes record;
    pthread_t writer;
    uint64_t number;
    ring_open(&ring, memory, SIZE);
    assert_int_equal(pthread_create(&writer, NULL, write_all, memory), 0);
    for (uint64_t expected = 0; expected < 20000;) {
        if (!ring_read(&ring, &arena, &record))
            continue;
        memcpy(&number, record.at, sizeof number);
        assert_int_equal(number, expected);
        expected++;
        arena_reset(&arena);
    }
    pthread_join(writer, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_come_out_in_order_past_the_end_of_the_memory, begin, end),
        cmocka_unit_test_setup_teardown(a_full_ring_drops_and_counts, begin, end),
        cmocka_unit_test_setup_teardown(a_record_that_is_too_long_is_dropped, begin, end),
        cmocka_unit_test_setup_teardown(a_reader_survives_a_writer_gone_mad, begin, end),
        cmocka_unit_test_setup_teardown(a_writer_survives_a_reader_gone_mad, begin, end),
        cmocka_unit_test_setup_teardown(two_threads_agree, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
