/* What a route says about retries and faults, as numbers. */
#include "base/test.h"

#include <stdio.h>

#include "rules/compile/world_fixture.h"

#define NET(kind, name)                                                                                      \
    "apiVersion: networking.istio.io/v1\nkind: " kind "\nmetadata: {name: " name ", namespace: "             \
    "foo}\nspec:\n"
#define GATEWAY                                                                                              \
    NET("Gateway", "g")                                                                                      \
    "  selector: {app: web}\n  servers:\n"                                                                   \
    "  - {port: {number: 80, protocol: HTTP, name: http}, hosts: ['*']}\n---\n"
#define WORLD                                                                                                \
    GATEWAY NET("VirtualService", "v") "  hosts: ['*']\n  gateways: [g]\n  http:\n  - {route: "              \
                                       "[{destination: {host: x}}]%s}\n"

static struct world world;

static const struct rules_route *route_of(const char *more)
{
    char yaml[2000];
    snprintf(yaml, sizeof yaml, WORLD, more);
    world_open(&world, ROLE_GATEWAY, yaml);
    return image_row(&world.rules, RULES_ROUTE, image_all(&world.rules, RULES_ROUTE), 0);
}

static struct bytes retry_shown(const struct rules_route *route)
{
    struct text text;
    text_init_arena(&text, &world.arena);
    IMAGE_FOR(&world.rules, RULES_RETRY, struct rules_retry, retry, route->retry)
    {
        text_format(&text, "%u on %u %x, %u ms each, pause %u,%s%s", retry->attempts, retry->on, retry->grpc,
                    retry->per_try_timeout_ms, retry->back_off_ms, retry->other_hosts ? " others" : "",
                    retry->preset ? " preset" : "");
        IMAGE_FOR(&world.rules, RULES_NUMBER, struct rules_number, status, retry->statuses)
        text_format(&text, " %llu", (unsigned long long)status->number);
    }
    return text_bytes(&text);
}

static void retries_are_those_written_else_istios(void **state)
{
    (void)state;
    static const struct {
        const char *written;
        const char *shown;
    } rows[] = {
        {"", "2 on 131 4002, 0 ms each, pause 25, others preset"},
        {", retries: {attempts: 0}", ""},
        {", retries: {}", ""},
        {", retries: {attempts: 3}", "3 on 131 4002, 0 ms each, pause 25, others"},
        {", retries: {attempts: 1, perTryTimeout: 1.5s, backoff: 1s, retryIgnorePreviousHosts: false}",
         "1 on 131 4002, 1500 ms each, pause 1000,"},
        {", retries: {attempts: 1, retryIgnorePreviousHosts: true, retryOn: 'connect-failure'}",
         "1 on 1 0, 0 ms each, pause 25, others"},
        {", retries: {attempts: 1, retryOn: '5xx,gateway-error,503,429'}",
         "1 on 176 0, 0 ms each, pause 25, others 503 429"},
        {", retries: {attempts: 1, retryOn: "
         "'refused-stream,reset,reset-before-request,retriable-4xx,envoy-ratelimited,retriable-headers'}",
         "1 on 334 0, 0 ms each, pause 25, others"},
        {", retries: {attempts: 1, retryOn: "
         "'cancelled,deadline-exceeded,resource-exhausted,internal,unavailable'}",
         "1 on 0 6112, 0 ms each, pause 25, others"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct bytes shown = retry_shown(route_of(rows[i].written));
        if (!bytes_equal(shown, bytes_of(rows[i].shown)))
            world_wrong("%s: %.*s", rows[i].written, BYTES_FMT(shown));
        world_done(&world);
    }
}

static void a_workload_is_asked_again_only_when_it_heard_nothing(void **state)
{
    (void)state;
    world_open(&world, ROLE_SIDECAR,
               NET("Sidecar", "s") "  ingress:\n  - {port: {number: 80, name: http, protocol: HTTP}, "
                                   "defaultEndpoint: '127.0.0.1:81'}\n");
    struct bytes shown =
        retry_shown(image_row(&world.rules, RULES_ROUTE, image_all(&world.rules, RULES_ROUTE), 0));
    if (!bytes_equal(shown, BYTES("2 on 8 0, 0 ms each, pause 25, preset")))
        world_wrong("%.*s", BYTES_FMT(shown));
    world_done(&world);
}

static void faults_are_parts_of_a_million(void **state)
{
    (void)state;
    static const struct {
        const char *written;
        const char *shown;
    } rows[] = {
        {"delay: {fixedDelay: 1s, percentage: {value: 0.1}}", "1000 1000; 0 0 0"},
        {"delay: {fixedDelay: 1ms, percent: 100}", "1000000 1; 0 0 0"},
        {"abort: {httpStatus: 500, percentage: {value: 50}}", "0 0; 500000 500 0"},
        {"abort: {grpcStatus: INTERNAL, percentage: {value: 100}}", "0 0; 1000000 0 13"},
        {"abort: {httpStatus: 500}", "none"},
        {"delay: {fixedDelay: 1s}", "none"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char more[300], shown[100] = "none";
        snprintf(more, sizeof more, ", fault: {%s}", rows[i].written);
        const struct rules_route *route = route_of(more);
        IMAGE_FOR(&world.rules, RULES_FAULT, struct rules_fault, fault, route->fault)
        snprintf(shown, sizeof shown, "%u %u; %u %u %u", fault->delay_parts, fault->delay_ms,
                 fault->abort_parts, fault->abort_status, fault->abort_grpc);
        if (strcmp(shown, rows[i].shown) != 0)
            world_wrong("%s: %s", rows[i].written, shown);
        world_done(&world);
    }
}

#define MATCHED(match) "  - {match: [{uri: {prefix: /}, " match "}], route: [{destination: {host: x}}]}\n"

/* A match of another place is left out, and a route of nothing else with it. */
static void matches_hold_where_they_are_written_for(void **state)
{
    (void)state;
    static const struct {
        const char *match;
        uint32_t routes;
    } rows[] = {
        {MATCHED("sourceLabels: {app: web}"), 1},
        {MATCHED("sourceLabels: {app: db}"), 0},
        {MATCHED("sourceNamespace: foo"), 1},
        {MATCHED("sourceNamespace: bar"), 0},
        {MATCHED("sourceLabels: {app: web}, sourceNamespace: bar"), 0},
        {MATCHED("sourceLabels: {app: db}, gateways: [g]"), 1}, /* as Istio has it */
        {MATCHED("gateways: [foo/g]"), 1},
        {MATCHED("gateways: [h]"), 0},
        {MATCHED("port: 81"), 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char yaml[2000];
        snprintf(yaml, sizeof yaml, "%s%s",
                 GATEWAY NET("VirtualService", "v") "  hosts: ['*']\n  gateways: [foo/g, h]\n  http:\n",
                 rows[i].match);
        world_open(&world, ROLE_GATEWAY, yaml);
        if (image_all(&world.rules, RULES_ROUTE).count != rows[i].routes)
            world_wrong("%s: %u", rows[i].match, image_all(&world.rules, RULES_ROUTE).count);
        world_done(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retries_are_those_written_else_istios),
        cmocka_unit_test(a_workload_is_asked_again_only_when_it_heard_nothing),
        cmocka_unit_test(faults_are_parts_of_a_million),
        cmocka_unit_test(matches_hold_where_they_are_written_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
