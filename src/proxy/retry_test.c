/* Which ends of a try are worth another one. */
#include "base/test.h"

#include "proxy/retry.h"
#include "rules/compile/world_fixture.h"

static const struct image no_rules;
static struct arena arena;

struct row {
    const char *name;
    uint32_t on;
    uint32_t grpc;
    struct try_facts facts;
    bool fits;
};

static void check(const struct row *row)
{
    const struct rules_retry retry = {.on = row->on, .grpc = row->grpc};
    if (retry_fits(&no_rules, &retry, &row->facts) != row->fits)
        world_wrong("%s", row->name);
}

static void failures_fit_what_envoy_says(void **state)
{
    static const struct row rows[] = {
        {"no rule fits an end", 0, 0, {.end = TRY_BROKEN, .sent = true}, false},
        {"connect-failure", RETRY_CONNECT_FAILURE, 0, {.end = TRY_UNCONNECTED}, true},
        {"connect-failure, late", RETRY_CONNECT_FAILURE, 0, {.end = TRY_CONNECT_LATE}, true},
        {"connect-failure is no reset", RETRY_CONNECT_FAILURE, 0, {.end = TRY_BROKEN, .sent = true}, false},
        {"connect-failure, a dead pooled connection",
         RETRY_CONNECT_FAILURE,
         0,
         {.end = TRY_BROKEN, .sent = true, .stale = true},
         true},
        {"reset", RETRY_RESET, 0, {.end = TRY_BROKEN, .sent = true}, true},
        {"reset, the try's time", RETRY_RESET, 0, {.end = TRY_LATE, .sent = true}, true},
        {"reset, not connected", RETRY_RESET, 0, {.end = TRY_UNCONNECTED}, true},
        {"reset-before-request", RETRY_RESET_BEFORE_REQUEST, 0, {.end = TRY_BROKEN}, true},
        {"reset-before-request, too late",
         RETRY_RESET_BEFORE_REQUEST,
         0,
         {.end = TRY_BROKEN, .sent = true},
         false},
        {"reset-before-request, a dead pooled connection",
         RETRY_RESET_BEFORE_REQUEST,
         0,
         {.end = TRY_BROKEN, .sent = true, .stale = true},
         true},
        {"refused-stream", RETRY_REFUSED_STREAM, 0, {.end = TRY_REFUSED, .sent = true}, true},
        {"refused-stream is no reset", RETRY_REFUSED_STREAM, 0, {.end = TRY_BROKEN, .sent = true}, false},
        {"refused-stream, a dead pooled connection",
         RETRY_REFUSED_STREAM,
         0,
         {.end = TRY_BROKEN, .sent = true, .stale = true},
         false},
        {"5xx, no answer at all", RETRY_5XX, 0, {.end = TRY_BROKEN, .sent = true}, true},
        {"gateway-error, no answer at all", RETRY_GATEWAY_ERROR, 0, {.end = TRY_BAD, .sent = true}, true},
        {"retriable-4xx, no answer at all", RETRY_4XX, 0, {.end = TRY_BROKEN, .sent = true}, false},
        {"grpc, no answer at all", 0, 1u << 14, {.end = TRY_BROKEN, .sent = true}, false},
        {"overflow never", UINT32_MAX, UINT32_MAX, {.end = TRY_OVERFLOW}, false},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        check(&rows[i]);
}

static struct http_response answer(unsigned status, const char *name, const char *value)
{
    struct http_response response = {.status = status};
    http_fields_init(&response.fields, &arena);
    if (name)
        http_fields_add(&response.fields, bytes_of(name), bytes_of(value));
    return response;
}

static void answers_fit_what_envoy_says(void **state)
{
    static const struct {
        const char *name;
        uint32_t on;
        uint32_t grpc;
        unsigned status;
        const char *field, *value;
        bool fits;
    } rows[] = {
        {"5xx 500", RETRY_5XX, 0, 500, NULL, NULL, true},
        {"5xx 599", RETRY_5XX, 0, 599, NULL, NULL, true},
        {"5xx 499", RETRY_5XX, 0, 499, NULL, NULL, false},
        {"gateway-error 502", RETRY_GATEWAY_ERROR, 0, 502, NULL, NULL, true},
        {"gateway-error 504", RETRY_GATEWAY_ERROR, 0, 504, NULL, NULL, true},
        {"gateway-error 500", RETRY_GATEWAY_ERROR, 0, 500, NULL, NULL, false},
        {"gateway-error 505", RETRY_GATEWAY_ERROR, 0, 505, NULL, NULL, false},
        {"retriable-4xx 409", RETRY_4XX, 0, 409, NULL, NULL, true},
        {"retriable-4xx 404", RETRY_4XX, 0, 404, NULL, NULL, false},
        {"reset is no 503", RETRY_RESET | RETRY_CONNECT_FAILURE, 0, 503, NULL, NULL, false},
        {"ratelimited", RETRY_RATE_LIMITED, 0, 429, "x-envoy-ratelimited", "true", true},
        {"not ratelimited", RETRY_RATE_LIMITED, 0, 429, NULL, NULL, false},
        {"5xx, but ratelimited", RETRY_5XX, 0, 503, "x-envoy-ratelimited", "true", false},
        {"unavailable", 0, 1u << 14, 200, "grpc-status", "14", true},
        {"unavailable, but it was another", 0, 1u << 14, 200, "grpc-status", "13", false},
        {"unavailable, in the trailers for all we know", 0, 1u << 14, 200, NULL, NULL, false},
        {"no grpc-status at all", 0, UINT32_MAX, 200, "grpc-status", "99", false},
        {"nor a number", 0, UINT32_MAX, 200, "grpc-status", "x", false},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct http_response response = answer(rows[i].status, rows[i].field, rows[i].value);
        const struct row row = {.name = rows[i].name,
                                .on = rows[i].on,
                                .grpc = rows[i].grpc,
                                .facts = {.end = TRY_ANSWERED, .sent = true, .response = &response},
                                .fits = rows[i].fits};
        check(&row);
    }
}

static void pauses_grow_up_to_ten_times_the_base(void **state)
{
    static const uint64_t below[] = {25, 75, 175, 250, 250, 250};
    const struct rules_retry retry = {.back_off_ms = 25}, none = {.back_off_ms = 0};
    (void)state;
    for (uint32_t i = 0; i < ROWS(below); i++) {
        assert_int_equal(retry_pause_ms(&retry, i + 1, below[i] - 1), below[i] - 1);
        assert_int_equal(retry_pause_ms(&retry, i + 1, below[i]), 0);
    }
    assert_int_equal(retry_pause_ms(&none, 1, 12345), 0);
}

static int begin(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_fit_what_envoy_says),
        cmocka_unit_test(answers_fit_what_envoy_says),
        cmocka_unit_test(pauses_grow_up_to_ten_times_the_base),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
