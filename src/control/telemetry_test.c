/* Tests of telemetry: from records in a ring to lines in a file. */
#include "base/test.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "control/control_fixture.h"
#include "control/state_file.h"
#include "control/telemetry.h"
#include "rules/snapshot.h"
#include "wire/ring.h"

#define MEMORY ((size_t)64 * 1024 + RING_HEAD)

static int ring_make(struct ring *ring)
{
    int fd = memfd_create("ring", MFD_ALLOW_SEALING);
    assert_int_equal(ftruncate(fd, (off_t)MEMORY), 0);
    ring_open(ring, mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MEMORY);
    return fd;
}

static bool record_put(const struct ring *ring, const char *path)
{
    static char room[RECORD_BYTES_MAX];
    const struct record record = {.start_us = 1795000000000000,
                                  .duration_us = 1500,
                                  .status = 200,
                                  .direction = DIRECTION_INBOUND,
                                  .role = ROLE_SIDECAR,
                                  .method = BYTES("GET"),
                                  .path = bytes_of(path)};
    struct text text;
    text_init_fixed(&text, room, sizeof room);
    record_encode(&text, &record);
    return ring_write(ring, text_bytes(&text));
}

static bool holds(struct metrics *metrics, const char *line)
{
    struct arena arena;
    struct text text;
    arena_init(&arena);
    text_init_arena(&text, &arena);
    metrics_write(metrics, &text);
    bool found = bytes_find_text(text_bytes(&text), bytes_of(line)) < text.len;
    arena_done(&arena);
    return found;
}

static void records_become_lines_and_the_file_may_be_moved(void **state)
{
    (void)state;
    struct control_fixture fixture;
    struct bytes lines;
    struct ring ring;
    struct fail why;
    const struct metrics_node node = {.workload = BYTES("w")};
    control_make(&fixture);
    struct metrics *metrics = metrics_new(&node);
    const char *path = control_path(&fixture, "access.log"), *moved = control_path(&fixture, "moved.log");
    struct telemetry *telemetry = telemetry_start(bytes_of(path), metrics);
    telemetry_ring(telemetry, 3, ring_make(&ring));
    assert_true(record_put(&ring, "/one"));
    usleep(200 * 1000);
    assert_true(file_read(path, 1 << 16, &fixture.arena, &lines, &why));
    assert_string_equal(
        arena_text(&fixture.arena, lines),
        "{\"start_time\":\"2026-11-18T11:06:40.000Z\",\"duration\":1.500,\"bytes_received\":0,"
        "\"bytes_sent\":0,\"upstream_service_time\":0.000,\"response_code\":200,"
        "\"response_flags\":\"-\",\"role\":\"sidecar\",\"direction\":\"inbound\","
        "\"request_protocol\":\"http\",\"mutual_tls\":0,\"upstream_mutual_tls\":0,"
        "\"upstream_request_attempt_count\":0,\"retry_end\":\"-\",\"ejected\":0,\"worker\":0,"
        "\"method\":\"GET\",\"path\":\"/one\"}\n");
    assert_int_equal(rename(path, moved), 0);
    telemetry_reopen(telemetry);
    usleep(100 * 1000);
    assert_true(record_put(&ring, "/two"));
    assert_true(ring_write(&ring, BYTES("no record")));
    while (record_put(&ring, "/fill"))
        ;
    assert_true(ring_dropped(&ring) > 0);
    telemetry_stop(telemetry); /* empties the ring first */
    assert_true(file_read(path, 1 << 20, &fixture.arena, &lines, &why));
    assert_true(bytes_find_text(lines, BYTES("/two")) < lines.len);
    assert_true(holds(metrics, "selvage_records_malformed_total 1\n"));
    assert_false(holds(metrics, "selvage_records_dropped_total 0\n"));
    metrics_free(metrics);
    control_drop(&fixture);
}

static void a_log_that_cannot_be_written_costs_lines_only(void **state)
{
    (void)state;
    struct ring ring;
    const struct metrics_node node = {.workload = BYTES("w")};
    struct metrics *metrics = metrics_new(&node);
    struct telemetry *telemetry = telemetry_start(BYTES("/nowhere/access.log"), metrics);
    telemetry_ring(telemetry, 0, ring_make(&ring));
    assert_true(record_put(&ring, "/one"));
    int bad = memfd_create("ring", 0);
    assert_int_equal(ftruncate(bad, 1000), 0);
    telemetry_ring(telemetry, 1, bad); /* no ring has that size: passed over */
    usleep(200 * 1000);
    telemetry_stop(telemetry);
    assert_true(holds(metrics, "selvage_access_log_lines_lost_total 1\n"));
    metrics_free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_become_lines_and_the_file_may_be_moved),
        cmocka_unit_test(a_log_that_cannot_be_written_costs_lines_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
