/* What routes answer by themselves, and what they change, in a simulated world. */
#include "base/test.h"

#include <stdio.h>

#include "proxy/proxy_fixture.h"

static struct play play;

#define HTTP(routes)                                                                                         \
    PLAY_GATEWAY PLAY_SERVICE("b", "8080")                                                                   \
        PLAY_NET("VirtualService", "v") "  hosts: ['*']\n  gateways: [g]\n  http:\n" routes
#define TO "route: [{destination: {host: b.test, port: {number: 80}}}]"
#define ALWAYS "percentage: {value: 100}"
#define CORS                                                                                                 \
    "corsPolicy: {allowOrigins: [{exact: 'https://a.b'}], allowMethods: [PUT], exposeHeaders: [x-e], "       \
    "allowCredentials: true, unmatchedPreflights: IGNORE}"

/* ---- answers without an upstream ------------------------------------------------------- */

struct row {
    const char *name;
    const char *route;
    const char *request;
    const char *first; /* of the answer */
    const char *has;   /* a line of it */
    const char *last;
    unsigned status;
    uint32_t flags;
    const char *details;
};

static const struct row rows[] = {
    {"redirect", "  - {redirect: {uri: /b, authority: c.d, redirectCode: 307}}\n",
     "GET /a?q HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 307 ", "location: http://c.d/b?q\r\n", "", 307, 0,
     "direct_response"},
    {"redirect of a prefix",
     "  - {match: [{uri: {prefix: /a}}], redirect: {prefixRewrite: /b, scheme: https}}\n",
     "GET /a/c HTTP/1.1\r\nHost: h:80\r\n\r\n", "HTTP/1.1 301 ", "location: https://h/b/c\r\n", "", 301, 0,
     "direct_response"},
    {"fixed", "  - {directResponse: {status: 418, body: {string: 'a \"b\"'}}}\n",
     "GET / HTTP/1.1\r\nHost: h\r\nAccept: application/json\r\n\r\n", "HTTP/1.1 418 ",
     "content-type: text/plain\r\n", "\r\n\r\na \"b\"", 418, 0, "direct_response"},
    {"fixed, in base64", "  - {directResponse: {status: 200, body: {bytes: aGk=}}}\n",
     "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 200 ", "content-length: 2\r\n", "\r\n\r\nhi", 200, 0,
     "direct_response"},
    {"fixed, nothing", "  - {directResponse: {status: 503}}\n", "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
     "HTTP/1.1 503 ", "content-length: 0\r\n", "\r\n\r\n", 503, 0, "direct_response"},
    {"fixed, to HEAD", "  - {directResponse: {status: 200, body: {string: hi}}}\n",
     "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 200 ", "content-type: text/plain\r\n", "\r\n\r\n", 200,
     0, "direct_response"},
    {"fixed, with fields",
     "  - {directResponse: {status: 200, body: {string: '{}'}}, headers: {response: {set: {content-type: "
     "application/json}}}}\n",
     "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 200 ", "content-type: application/json\r\n", "\r\n\r\n{}",
     200, 0, "direct_response"},
    {"failure", "  - {" TO ", fault: {abort: {httpStatus: 555, " ALWAYS "}}}\n",
     "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 555 ", "content-type: text/plain\r\n",
     "\r\n\r\nfault filter abort", 555, RECORD_FI, "fault_filter_abort"},
    {"failure of gRPC, seen in HTTP", "  - {" TO ", fault: {abort: {grpcStatus: UNAVAILABLE, " ALWAYS "}}}\n",
     "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 503 ", "content-type: text/plain\r\n",
     "\r\n\r\nfault filter abort", 503, RECORD_FI, "fault_filter_abort"},
    {"failure of gRPC", "  - {" TO ", fault: {abort: {grpcStatus: ABORTED, " ALWAYS "}}}\n",
     "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\r\n",
     "HTTP/1.1 200 ", "grpc-status: 10\r\n", "\r\n\r\n", 200, RECORD_FI, "fault_filter_abort"},
    {"failure of HTTP, seen in gRPC", "  - {" TO ", fault: {abort: {httpStatus: 403, " ALWAYS "}}}\n",
     "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\r\n",
     "HTTP/1.1 200 ", "grpc-status: 7\r\n", "\r\n\r\n", 200, RECORD_FI, "fault_filter_abort"},
    {"preflight", "  - {" TO ", " CORS "}\n",
     "OPTIONS / HTTP/1.1\r\nHost: h\r\nOrigin: https://a.b\r\nAccess-Control-Request-Method: PUT\r\n\r\n",
     "HTTP/1.1 200 ",
     "access-control-allow-origin: https://a.b\r\naccess-control-allow-credentials: true\r\n"
     "access-control-expose-headers: x-e\r\naccess-control-allow-methods: PUT\r\n",
     "\r\n\r\n", 200, 0, "cors_response"},
    {"preflight of a stranger", "  - {" TO ", " CORS "}\n",
     "OPTIONS / HTTP/1.1\r\nHost: h\r\nOrigin: https://c.d\r\nAccess-Control-Request-Method: PUT\r\n\r\n",
     "HTTP/1.1 200 ", "content-length: 0\r\n", "\r\n\r\n", 200, 0, "cors_response"},
    {"a page is told also what is fixed", "  - {directResponse: {status: 200}, " CORS "}\n",
     "GET / HTTP/1.1\r\nHost: h\r\nOrigin: https://a.b\r\n\r\n", "HTTP/1.1 200 ",
     "access-control-allow-origin: https://a.b\r\n", "\r\n\r\n", 200, 0, "direct_response"},
    {"a page is told also failures", "  - {" TO ", " CORS "}\n",
     "GET / HTTP/1.1\r\nHost: h\r\nOrigin: https://a.b\r\n\r\n", "HTTP/1.1 503 ",
     "access-control-allow-origin: https://a.b\r\n", "", 503, RECORD_UF | RECORD_URX, NULL},
    {"an expression that makes no path",
     "  - {" TO ", rewrite: {uriRegexRewrite: {match: '^/', rewrite: x}}}\n",
     "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 500 ", "", "", 500, 0, "path_rewrite_failed"},
};

static void row_check(const struct row *row)
{
    char yaml[3000];
    snprintf(yaml, sizeof yaml, "%s%s", HTTP(""), row->route);
    play_open(&play, ROLE_GATEWAY, yaml);
    int client = play_dial(&play);
    play_say(&play, client, row->request);
    play_pass(&play, 1000); /* retries, where there is no upstream */
    const char *answer = play_hear(&play, client);
    said_begins(answer, row->first);
    said_has(answer, row->has);
    said_ends(answer, row->last);
    if (row->details)
        play_expect(&play, 1, row->status, row->flags, row->details);
    if (row->flags == RECORD_FI)
        said_lacks(answer, "x-a: b");
    play_close(&play);
}

static void routes_answer_by_themselves(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("  %s\n", rows[i].name);
        row_check(&rows[i]);
    }
}

static void what_is_denied_is_neither_answered_nor_failed(void **state)
{
    (void)state;
    play_open(
        &play, ROLE_GATEWAY,
        HTTP("  - {match: [{uri: {prefix: /a}}], directResponse: {status: 200}}\n  - {" TO
             ", fault: {abort: {httpStatus: 555, " ALWAYS
             "}}}\n") "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p, "
                      "namespace: foo}\nspec: {}\n");
    int client = play_dial(&play);
    play_say(&play, client, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    said_begins(play_hear(&play, client), "HTTP/1.1 403 ");
    play_say(&play, client, "GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
    said_begins(play_hear(&play, client), "HTTP/1.1 403 ");
    play_close(&play);
}

/* ---- on the way to an upstream --------------------------------------------------------- */

static void open_route(const char *yaml)
{
    play_open(&play, ROLE_GATEWAY, yaml);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
}

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static void an_expression_rewrites_the_path(void **state)
{
    (void)state;
    open_route(
        HTTP("  - {" TO ", rewrite: {uriRegexRewrite: {match: '^/v([0-9]+)/(.*)', rewrite: '/\\2/\\1'}}}\n"));
    int client = play_dial(&play);
    play_say(&play, client, "GET /v12/x/y?z=/v3/ HTTP/1.1\r\nHost: h\r\n\r\n");
    int upstream = play_took(&play, PLAY_PORT);
    said_begins(play_hear(&play, upstream), "GET /x/y/12?z=/v3/ HTTP/1.1\r\n");
    play_say(&play, upstream, OK);
    said_ends(play_hear(&play, client), "ok");
    play_close(&play);
}

static void a_page_of_another_origin_is_told_what_the_route_says(void **state)
{
    (void)state;
    open_route(HTTP("  - {" TO ", " CORS "}\n"));
    int client = play_dial(&play);
    play_say(&play, client, "GET / HTTP/1.1\r\nHost: h\r\nOrigin: https://a.b\r\n\r\n");
    int upstream = play_took(&play, PLAY_PORT);
    play_hear(&play, upstream);
    play_say(&play, upstream,
             "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 2\r\n\r\nok");
    const char *answer = play_hear(&play, client);
    said_has(answer, "access-control-allow-origin: https://a.b\r\n");
    said_lacks(answer, "rigin: *");
    play_say(&play, client, "GET / HTTP/1.1\r\nHost: h\r\nOrigin: https://c.d\r\n\r\n");
    play_hear(&play, upstream);
    play_say(&play, upstream, OK);
    said_lacks(play_hear(&play, client), "access-control");
    play_close(&play);
}

static void what_a_page_is_told_outlives_the_rules(void **state)
{
    (void)state;
    open_route(HTTP("  - {" TO ", " CORS "}\n"));
    int client = play_dial(&play);
    play_say(&play, client, "GET / HTTP/1.1\r\nHost: h\r\nOrigin: https://a.b\r\n\r\n");
    int upstream = play_took(&play, PLAY_PORT);
    play_hear(&play, upstream);
    for (int i = 0; i < 6; i++)
        play_rules(&play, PLAY_SIMPLE);
    play_say(&play, upstream, OK);
    said_has(play_hear(&play, client), "access-control-expose-headers: x-e\r\n");
    play_close(&play);
}

/* ---- delays ------------------------------------------------------------------------------ */

#define LATE(more) HTTP("  - {" TO ", fault: {delay: {fixedDelay: 2s, " ALWAYS "}" more "}}\n")

static void a_delay_is_waited_for_and_told(void **state)
{
    (void)state;
    open_route(LATE(""));
    int client = play_dial(&play);
    play_say(&play, client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    play_pass(&play, 1990);
    assert_int_equal(sim_take(play.sim, PLAY_PORT), -1);
    play_pass(&play, 20);
    int upstream = play_took(&play, PLAY_PORT);
    play_hear(&play, upstream);
    play_say(&play, upstream, OK);
    said_ends(play_hear(&play, client), "ok");
    play_expect(&play, 1, 200, RECORD_DI, "via_upstream");
    play_close(&play);
}

static void a_delay_may_end_in_a_failure(void **state)
{
    (void)state;
    open_route(LATE(", abort: {httpStatus: 500, " ALWAYS "}"));
    int client = play_dial(&play);
    play_say(&play, client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_string_equal(play_hear(&play, client), "");
    play_pass(&play, 2010);
    said_begins(play_hear(&play, client), "HTTP/1.1 500 ");
    play_expect(&play, 1, 500, RECORD_DI | RECORD_FI, "fault_filter_abort");
    play_close(&play);
}

static void a_client_that_leaves_ends_the_delay(void **state)
{
    (void)state;
    open_route(LATE(""));
    int client = play_dial(&play);
    play_say(&play, client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    sim_reset(play.sim, client);
    play_go(&play);
    play_expect(&play, 1, 0, RECORD_DI | RECORD_DC, "downstream_remote_disconnect");
    play_pass(&play, 3000);
    assert_int_equal(sim_take(play.sim, PLAY_PORT), -1);
    play_close(&play);
}

static void a_share_of_none_is_none(void **state)
{
    (void)state;
    open_route(HTTP("  - {" TO
                    ", fault: {delay: {fixedDelay: 2s, percentage: {value: 0}}, abort: {httpStatus: "
                    "500, percentage: {value: 0}}}}\n"));
    int client = play_dial(&play);
    for (unsigned i = 1; i <= 50; i++) {
        play_say(&play, client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        static int upstream;
        upstream = i == 1 ? play_took(&play, PLAY_PORT) : upstream;
        play_hear(&play, upstream);
        play_say(&play, upstream, OK);
        said_ends(play_hear(&play, client), "ok");
        play_expect(&play, i, 200, 0, "via_upstream");
    }
    play_close(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes_answer_by_themselves),
        cmocka_unit_test(what_is_denied_is_neither_answered_nor_failed),
        cmocka_unit_test(an_expression_rewrites_the_path),
        cmocka_unit_test(a_page_of_another_origin_is_told_what_the_route_says),
        cmocka_unit_test(what_a_page_is_told_outlives_the_rules),
        cmocka_unit_test(a_delay_is_waited_for_and_told),
        cmocka_unit_test(a_delay_may_end_in_a_failure),
        cmocka_unit_test(a_client_that_leaves_ends_the_delay),
        cmocka_unit_test(a_share_of_none_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
