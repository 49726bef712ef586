#include "base/test.h"

#include "cli/trace.h"

static const char edge[] =
    "{\"start_time\":\"2026-11-21T03:59:52.545Z\",\"duration\":6.51,\"response_code\":403,\"role\":\"edge\","
    "\"direction\":\"gateway\",\"node\":\"e\",\"request_id\":\"r-1\",\"trace_id\":\"abc\",\"method\":\"GET\","
    "\"path\":\"/a\",\"decision\":\"allow\",\"policy\":\"none\",\"groups\":\"agents<rule\","
    "\"response_code_details\":\"via_upstream\",\"upstream_host\":\"127.0.0.1:1\"}";
static const char sidecar[] =
    "{\"start_time\":\"2026-11-21T03:59:52.549Z\",\"duration\":1.94,\"response_code\":403,\"role\":"
    "\"sidecar\","
    "\"direction\":\"inbound\",\"node\":\"s\",\"request_id\":\"r-1\",\"trace_id\":\"abc\",\"method\":\"GET\","
    "\"path\":\"/a\\u0007\",\"decision\":\"deny\",\"policy\":\"ns[d]-policy[p]-rule[0]\","
    "\"response_code_details\":\"rbac_access_denied\",\"source_principal\":\"spiffe://t/ns/d/sa/e\"}";

static void lines_are_kept_by_id(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *id;
        size_t kept;
    } rows[] = {
        {edge, "r-1", 1},
        {edge, "abc", 1},
        {edge, "ABC", 0},
        {edge, "r-", 0},
        {edge, "e", 0}, /* a node is no request */
        {"{\"request_id\":\"r-1\"", "r-1", 0},
        {"[\"r-1\"]", "r-1", 0},
        {"r-1", "r-1", 0},
        {"{\"other\":\"r-1\"}", "r-1", 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        static struct trace_hops hops;
        trace_take(&hops, bytes_of(rows[i].id), bytes_of(rows[i].line));
        if (hops.count != rows[i].kept)
            print_message("row %zu\n", i);
        assert_int_equal(hops.count, rows[i].kept);
        trace_hops_done(&hops);
    }
}

static void hops_are_shown_in_order(void **state)
{
    (void)state;
    static struct trace_hops hops;
    char shown[2000];
    struct text out;
    trace_take(&hops, BYTES("r-1"), bytes_of(sidecar));
    trace_take(&hops, BYTES("r-1"), bytes_of(edge));
    trace_sort(&hops);
    text_init_fixed(&out, shown, sizeof shown);
    trace_write(&hops, false, &out);
    assert_string_equal(shown, "03:59:52.545  e (edge)  GET /a  403  6.5 ms\n"
                               "      groups    agents<rule\n"
                               "      decision  allow, no policy says otherwise\n"
                               "      upstream  127.0.0.1:1\n"
                               "03:59:52.549  s (sidecar, inbound)  GET /a\\x07  403  1.9 ms\n"
                               "      client    spiffe://t/ns/d/sa/e\n"
                               "      decision  deny by ns[d]-policy[p]-rule[0]\n"
                               "      why       rbac_access_denied\n");
    trace_hops_done(&hops);
}

static void hops_are_bounded(void **state)
{
    (void)state;
    static struct trace_hops hops;
    for (size_t i = 0; i < TRACE_HOPS_MAX + 3; i++)
        trace_take(&hops, BYTES("r-1"), bytes_of(edge));
    assert_int_equal(hops.count, TRACE_HOPS_MAX);
    assert_int_equal(hops.dropped, 3);
    trace_hops_done(&hops);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_kept_by_id),
        cmocka_unit_test(hops_are_shown_in_order),
        cmocka_unit_test(hops_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
