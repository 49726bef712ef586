/* Tests of metrics: golden text under Istio's names, bounds, escapes. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/heap.h"
#include "control/metrics.h"
#include "control/metrics_cluster.h"
#include "control/metrics_labels.h"
#include "rules/snapshot.h"
#include "wire/limit.h"

static const struct metrics_node node = {.workload = BYTES_INIT("cart"),
                                         .name_space = BYTES_INIT("shop"),
                                         .app = BYTES_INIT("cart"),
                                         .version = BYTES_INIT("v2"),
                                         .principal = BYTES_INIT("spiffe://cluster.local/ns/shop/sa/cart"),
                                         .cluster = BYTES_INIT("Kubernetes")};

#define INBOUND                                                                                              \
    "reporter=\"destination\",source_workload=\"unknown\",source_workload_namespace=\"web\","                \
    "source_principal=\"spiffe://cluster.local/ns/web/sa/front\",source_app=\"unknown\","                    \
    "source_version=\"unknown\",source_cluster=\"unknown\",source_canonical_service=\"unknown\","            \
    "source_canonical_revision=\"unknown\",destination_workload=\"cart\","                                   \
    "destination_workload_namespace=\"shop\","                                                               \
    "destination_principal=\"spiffe://cluster.local/ns/shop/sa/cart\",destination_app=\"cart\","             \
    "destination_version=\"v2\",destination_cluster=\"Kubernetes\","                                         \
    "destination_canonical_service=\"cart\",destination_canonical_revision=\"v2\","                          \
    "destination_service=\"cart.shop.svc.cluster.local\",destination_service_name=\"cart\","                 \
    "destination_service_namespace=\"shop\",request_protocol=\"http\",response_code=\"200\","                \
    "response_flags=\"-\",connection_security_policy=\"mutual_tls\""

static struct record inbound(void)
{
    return (struct record){.duration_us = 700,
                           .bytes_received = 10,
                           .bytes_sent = 5000,
                           .status = 200,
                           .direction = DIRECTION_INBOUND,
                           .mutual_tls = 1,
                           .source_principal = BYTES("spiffe://cluster.local/ns/web/sa/front"),
                           .destination_service = BYTES("cart.shop.svc.cluster.local"),
                           .destination_service_name = BYTES("cart"),
                           .destination_service_namespace = BYTES("shop")};
}

static bool has(struct metrics *metrics, const char *line)
{
    struct arena arena;
    struct text text;
    arena_init(&arena);
    text_init_arena(&text, &arena);
    metrics_write(metrics, &text);
    bool found = bytes_find_text(text_bytes(&text), bytes_of(line)) < text.len;
    if (!found)
        print_message("missing: %s\n%s\n", line, text.len < 20000 ? text.at : "");
    arena_done(&arena);
    return found;
}

static void requests_are_counted_under_istios_names(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new(&node);
    struct record record = inbound();
    metrics_count(metrics, &record);
    record.duration_us = 2500000;
    metrics_count(metrics, &record);
    assert_true(has(metrics, "# TYPE istio_requests_total counter\nistio_requests_total{" INBOUND "} 2\n"));
    static const struct {
        const char *bound;
        int count;
    } rows[] = {{"0.5", 0}, {"1", 1}, {"1000", 1}, {"2500", 2}, {"3600000", 2}, {"+Inf", 2}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        char line[4096];
        snprintf(line, sizeof line, "istio_request_duration_milliseconds_bucket{" INBOUND ",le=\"%s\"} %d\n",
                 rows[i].bound, rows[i].count);
        assert_true(has(metrics, line));
    }
    assert_true(has(metrics, "istio_request_duration_milliseconds_sum{" INBOUND "} 2500.700\n"));
    assert_true(has(metrics, "istio_request_duration_milliseconds_count{" INBOUND "} 2\n"));
    assert_true(has(metrics, "istio_request_bytes_sum{" INBOUND "} 20\n"));
    assert_true(has(metrics, "istio_response_bytes_bucket{" INBOUND ",le=\"5000\"} 2\n"));
    metrics_free(metrics);
}

static void clusters_count_what_happened_to_their_requests(void **state)
{
    (void)state;
    struct commons *commons = heap_new(struct commons);
    struct metrics *metrics = metrics_new(&node);
    struct record record = {.upstream_cluster = BYTES("outbound|80||b"), .status = 200, .attempts = 1};
    metrics_count(metrics, &record);
    assert_false(has(metrics, "cluster_name=\"outbound|80||b\""));
    record.attempts = 3;
    record.retry_end = RECORD_RETRY_LIMIT;
    record.flags = RECORD_UT | RECORD_URX;
    metrics_count(metrics, &record);
    record = (struct record){.upstream_cluster = BYTES("outbound|80||b"), .flags = RECORD_UO, .ejected = 1};
    metrics_count(metrics, &record);
    record.retry_end = RECORD_RETRY_OVERFLOW;
    record.attempts = 2;
    metrics_count(metrics, &record);
    record = (struct record){.upstream_cluster = BYTES("outbound|80||a"), .retry_end = RECORD_RETRY_BODY};
    metrics_count(metrics, &record);
#define LINE(name, cluster, count)                                                                           \
    "envoy_cluster_" name "{cluster_name=\"outbound|80||" cluster "\"} " count "\n"
    static const char *const lines[] = {
        LINE("upstream_rq_retry", "a", "0") LINE("upstream_rq_retry", "b", "3"),
        LINE("upstream_rq_retry_limit_exceeded", "b", "1"),
        LINE("upstream_rq_retry_overflow", "b", "1"),
        LINE("retry_or_shadow_abandoned", "a", "1"),
        LINE("upstream_rq_pending_overflow", "b", "1"),
        LINE("upstream_rq_timeout", "b", "1"),
        LINE("outlier_detection_ejections_enforced_total", "b", "2"),
        "selvage_endpoints_ejected 0\n",
    };
    for (size_t i = 0; i < ROWS(lines); i++)
        assert_true(has(metrics, lines[i]));
    metrics_share(metrics, commons);
    health_eject(&commons->health, health_take(&commons->health, 5, 0), clock_ms(), 100000, 1000);
    assert_true(has(metrics, "selvage_endpoints_ejected 1\n"));
    metrics_free(metrics);
    free(commons);
}

static void clusters_without_end_are_not_all_counted(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new(&node);
    char name[32];
    for (int i = 0; i < METRICS_CLUSTERS_MAX + 1; i++) {
        snprintf(name, sizeof name, "c%d", i);
        struct record record = {.upstream_cluster = bytes_of(name), .attempts = 2};
        metrics_count(metrics, &record);
    }
    assert_true(has(metrics, "envoy_cluster_upstream_rq_retry{cluster_name=\"c999\"} 1\n"));
    assert_false(has(metrics, "envoy_cluster_upstream_rq_retry{cluster_name=\"c1000\"} 1\n"));
    metrics_free(metrics);
}

static void the_source_reports_what_it_called(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new(&node);
    struct record record = inbound();
    record.direction = DIRECTION_OUTBOUND;
    record.upstream_principal = BYTES("spiffe://cluster.local/ns/pay/sa/pay");
    record.destination_workload = BYTES("pay-v1");
    record.flags = RECORD_UF | RECORD_URX;
    record.status = 503;
    metrics_count(metrics, &record);
    assert_true(
        has(metrics, "{reporter=\"source\",source_workload=\"cart\",source_workload_namespace=\"shop\","));
    assert_true(has(metrics, "destination_workload=\"pay-v1\",destination_workload_namespace=\"pay\","
                             "destination_principal=\"spiffe://cluster.local/ns/pay/sa/pay\","));
    assert_true(has(metrics, "response_code=\"503\",response_flags=\"UF,URX\","
                             "connection_security_policy=\"unknown\"} 1\n"));
    metrics_free(metrics);
}

static void connections_have_metrics_of_their_own(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new(&node);
    struct record record = inbound();
    record.protocol = 1;
    record.mutual_tls = 0;
    metrics_count(metrics, &record);
    assert_true(has(metrics,
                    "request_protocol=\"tcp\",response_flags=\"-\",connection_security_policy=\"none\"} "
                    "5000\n"));
    assert_true(has(metrics, "istio_tcp_sent_bytes_total{reporter=\"destination\","));
    assert_true(has(metrics, "# TYPE istio_requests_total counter\n# HELP")); /* and no request */
    metrics_free(metrics);
}

static void values_are_escaped(void **state)
{
    (void)state;
    static const struct {
        struct bytes in;
        const char *out;
    } rows[] = {{BYTES_INIT("plain"), "\"plain\""},
                {BYTES_INIT("a\"b\\c\nd"), "\"a\\\"b\\\\c\\nd\""},
                {BYTES_INIT("\xff"), "\"invalid\""},
                {BYTES_INIT(""), "\"\""}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        char room[64];
        struct text text;
        text_init_fixed(&text, room, sizeof room);
        metrics_label_value(&text, rows[i].in);
        assert_string_equal(room, rows[i].out);
    }
}

static void one_series_too_many_is_only_counted(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new(&node);
    struct record record = inbound();
    for (uint32_t i = 0; i < METRICS_SERIES_MAX + 5; i++) {
        record.status = i;
        metrics_count(metrics, &record);
    }
    record.status = 1; /* known: still counted */
    metrics_count(metrics, &record);
    assert_true(has(metrics, "selvage_metrics_overflow_total 5\n"));
    metrics_free(metrics);
}

/* Labels are looked up by their facts: a field that only the labels know would be counted elsewhere. */
static void whatever_changes_the_labels_changes_the_series(void **state)
{
    (void)state;
    struct record records[11];
    for (size_t i = 0; i < ROWS(records); i++) {
        records[i] = inbound();
        records[i].direction = i > 7 ? DIRECTION_OUTBOUND : DIRECTION_INBOUND;
    }
    records[1].protocol = 2;
    records[2].status = 404;
    records[3].flags = RECORD_UF;
    records[4].mutual_tls = 0;
    records[5].source_principal = BYTES("spiffe://cluster.local/ns/other/sa/front");
    records[6].destination_service = BYTES("other");
    records[7].destination_service_name = BYTES("other");
    records[9].destination_workload = BYTES("other");
    records[10].upstream_principal = BYTES("spiffe://cluster.local/ns/other/sa/pay");
    struct metrics *metrics = metrics_new(&node);
    for (size_t i = 0; i < ROWS(records); i++)
        metrics_count(metrics, &records[i]);
    for (size_t i = 0; i < ROWS(records); i++) {
        char labels[4096], line[4200];
        struct text text;
        text_init_fixed(&text, labels, sizeof labels);
        metrics_labels_write(&text, &node, &records[i]);
        snprintf(line, sizeof line, "istio_requests_total{%s} 1\n", labels);
        assert_true(has(metrics, line));
    }
    metrics_free(metrics);
}

static void limits_are_counted_by_name(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new(&node);
    metrics_limit(metrics, LIMIT_HEAD_BYTES, 3);
    metrics_limit(metrics, LIMIT_HEAD_BYTES, 4);
    metrics_limit(metrics, LIMIT_NONE, 1);
    metrics_limit(metrics, LIMIT_COUNT, 1); /* a worker that was taken over may say anything */
    metrics_limit(metrics, UINT64_MAX, 1);
    assert_true(has(metrics, "# TYPE selvage_limit_hits_total counter\n"));
    assert_true(has(metrics, "selvage_limit_hits_total{limit=\"head_bytes\"} 7\n"));
    assert_true(has(metrics, "selvage_limit_hits_total{limit=\"http2_resets\"} 0\n"));
    assert_false(has(metrics, "none"));
    metrics_free(metrics);
}

static void every_limit_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < LIMIT_COUNT; i++)
        for (uint32_t k = 0; k < i; k++)
            assert_string_not_equal(limit_name((enum limit)i), limit_name((enum limit)k));
    assert_string_equal(limit_name(LIMIT_COUNT), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_counted_under_istios_names),
        cmocka_unit_test(clusters_count_what_happened_to_their_requests),
        cmocka_unit_test(clusters_without_end_are_not_all_counted),
        cmocka_unit_test(the_source_reports_what_it_called),
        cmocka_unit_test(connections_have_metrics_of_their_own),
        cmocka_unit_test(values_are_escaped),
        cmocka_unit_test(one_series_too_many_is_only_counted),
        cmocka_unit_test(limits_are_counted_by_name),
        cmocka_unit_test(every_limit_has_a_name_of_its_own),
        cmocka_unit_test(whatever_changes_the_labels_changes_the_series),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
