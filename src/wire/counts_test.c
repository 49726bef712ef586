/* Numbers that several workers add up. */
#include "base/test.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/heap.h"
#include "wire/counts.h"

static struct counts_memory *memory;
static struct counts a, b;

static int begin(void **state)
{
    (void)state;
    memory = heap_new(struct counts_memory);
    counts_init(&a, memory, 0, 2);
    counts_init(&b, memory, 1, 2);
    return 0;
}

static int end(void **state)
{
    (void)state;
    counts_done(&a);
    counts_done(&b);
    free(memory);
    return 0;
}

static void two_workers_share_a_limit(void **state)
{
    struct counts_place one, two, three;
    uint64_t key = counts_key(COUNTS_REQUESTS, 7);
    (void)state;
    assert_true(counts_enter(&a, key, 2, &one));
    assert_true(counts_enter(&b, key, 2, &two));
    assert_false(counts_enter(&a, key, 2, &three));
    assert_false(counts_enter(&b, key, 2, &three));
    assert_int_equal(three.slot, 0);
    assert_int_equal(counts_sum(&a, key), 2);
    counts_leave(&b, &two);
    counts_leave(&b, &two); /* nowhere by now */
    assert_int_equal(counts_sum(&b, key), 1);
    assert_true(counts_enter(&b, key, 2, &two));
    assert_true(counts_enter(&b, counts_key(COUNTS_RETRIES, 7), 1, &three)); /* something else */
}

static void a_limit_of_none_lets_nobody_in(void **state)
{
    struct counts_place place;
    (void)state;
    assert_false(counts_enter(&a, counts_key(COUNTS_PENDING, 1), 0, &place));
    assert_int_equal(counts_sum(&a, counts_key(COUNTS_PENDING, 1)), 0);
}

static void a_worker_that_died_has_nothing_under_way(void **state)
{
    struct counts_place place;
    uint64_t key = counts_key(COUNTS_CONNECTIONS, 9);
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_true(counts_enter(i < 3 ? &a : &b, key, 100, &place));
    counts_forget(memory, 0);
    assert_int_equal(counts_sum(&b, key), 2);
}

static void without_shared_memory_a_worker_counts_for_itself(void **state)
{
    struct counts alone;
    struct counts_place one, two;
    uint64_t key = counts_key(COUNTS_PENDING, 3);
    (void)state;
    counts_init(&alone, NULL, 5, 8);
    assert_int_equal(counts_sum(&alone, key), 0);
    assert_true(counts_enter(&alone, key, 1, &one));
    assert_false(counts_enter(&alone, key, 1, &two));
    assert_int_equal(counts_sum(&alone, key), 1);
    counts_leave(&alone, &one);
    assert_true(counts_enter(&alone, key, 1, &two));
    assert_int_equal(alone.apart, 0);
    counts_done(&alone);
}

/* As many keys as there are slots: some runs overflow; each key is limited all the same. */
static void what_finds_no_slot_is_counted_apart(void **state)
{
    static struct counts_place places[COUNTS_SLOTS];
    struct counts_place more;
    (void)state;
    for (uint32_t i = 0; i < COUNTS_SLOTS; i++)
        assert_true(counts_enter(&a, counts_key(COUNTS_ADDRESS_CLIENTS, i), 1, &places[i]));
    assert_true(a.apart > 0);
    assert_int_equal(a.lost, 0);
    for (uint32_t i = 0; i < COUNTS_SLOTS; i++)
        assert_false(counts_enter(&a, counts_key(COUNTS_ADDRESS_CLIENTS, i), 1, &more));
    for (uint32_t i = 0; i < COUNTS_SLOTS; i++)
        counts_leave(&a, &places[i]);
    /* All slots are taken, and idle: new keys find room. */
    uint64_t apart = a.apart;
    assert_true(counts_enter(&b, counts_key(COUNTS_ADDRESS_CLIENTS, COUNTS_SLOTS + 1), 1, &more));
    assert_int_equal(a.apart, apart);
    assert_int_equal(b.apart, 0);
}

static void a_writer_gone_mad_only_makes_us_refuse(void **state)
{
    struct counts_place place;
    (void)state;
    for (uint32_t i = 0; i < COUNTS_SLOTS; i++) {
        atomic_store(&memory->keys[i], UINT64_MAX - i);
        atomic_store(&memory->own[1][i], UINT32_MAX);
    }
    assert_true(counts_enter(&a, 42, 1, &place)); /* in its own memory */
    assert_true(place.own);
    assert_false(counts_enter(&a, 42, 1, &place));
}

enum { ROUNDS = 20000, MOST = 3 };
static _Atomic uint32_t inside, most;

static void *enter_and_leave(void *owner)
{
    struct counts_place place;
    for (int i = 0; i < ROUNDS; i++) {
        if (!counts_enter(owner, counts_key(COUNTS_REQUESTS, (uint64_t)(i % 2)), MOST, &place))
            continue;
        if (i % 2) {
            uint32_t now = atomic_fetch_add(&inside, 1) + 1;
            if (now > atomic_load(&most))
                atomic_store(&most, now);
            atomic_fetch_sub(&inside, 1);
        }
        counts_leave(owner, &place);
    }
    return NULL;
}

static void threads_never_pass_the_limit(void **state)
{
    enum { THREADS = 6 };
    static struct counts each[THREADS];
    pthread_t threads[THREADS];
    (void)state;
    for (uint32_t i = 0; i < THREADS; i++) {
        counts_init(&each[i], memory, i, THREADS);
        assert_int_equal(pthread_create(&threads[i], NULL, enter_and_leave, &each[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_true(atomic_load(&most) >= 1 && atomic_load(&most) <= MOST);
    assert_int_equal(counts_sum(&each[0], counts_key(COUNTS_REQUESTS, 1)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_workers_share_a_limit, begin, end),
        cmocka_unit_test_setup_teardown(a_limit_of_none_lets_nobody_in, begin, end),
        cmocka_unit_test_setup_teardown(a_worker_that_died_has_nothing_under_way, begin, end),
        cmocka_unit_test_setup_teardown(without_shared_memory_a_worker_counts_for_itself, begin, end),
        cmocka_unit_test_setup_teardown(what_finds_no_slot_is_counted_apart, begin, end),
        cmocka_unit_test_setup_teardown(a_writer_gone_mad_only_makes_us_refuse, begin, end),
        cmocka_unit_test_setup_teardown(threads_never_pass_the_limit, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
