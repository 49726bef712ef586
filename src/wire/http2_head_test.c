/* Heads as HPACK yields them: what is taken, and what is refused with which sentence. */
#include "base/test.h"

#include "wire/http2_head.h"

#include <string.h>

#define USUAL ":method: GET\n:scheme: http\n:authority: h\n:path: /\n"

static struct arena arena;
static struct http2_head head;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

/* "name: value\n" lines. */
static void head_feed(const char *lines, const struct http1_limits *limits)
{
    http2_head_init(&head, &arena, limits);
    while (*lines) {
        const char *colon = strchr(lines + 1, ':'), *end = strchr(lines, '\n');
        http2_head_field(&head, bytes_make(lines, (size_t)(colon - lines)),
                         bytes_make(colon + 2, (size_t)(end - colon - 2)));
        lines = end + 1;
    }
}

static void field_is(const struct http_fields *fields, const char *name, const char *value)
{
    const struct http_field *field = http_fields_find_name(fields, bytes_of(name));
    assert_non_null(field);
    assert_true(bytes_equal(field->value, bytes_of(value)));
}

/* ---- requests ------------------------------------------------------------------------- */

static void requests_are_read(void **state)
{
    static const struct {
        const char *lines, *method, *authority, *path, *scheme, *protocol;
    } rows[] = {
        {USUAL, "GET", "h", "/", "http", ""},
        {":method: GET\n:scheme: HTTPS\n:path: /a?b\nhost: h:1\n", "GET", "h:1", "/a?b", "https", ""},
        {":method: GET\n:scheme: ftp\n:authority: h\n:path: /\nhost: h\n", "GET", "h", "/", "", ""},
        {":method: OPTIONS\n:scheme: http\n:authority: h\n:path: *\n", "OPTIONS", "h", "*", "http", ""},
        {":method: CONNECT\n:protocol: websocket\n:scheme: https\n:authority: h\n:path: /c\n", "GET", "h",
         "/c", "https", "websocket"},
        {USUAL "te: trailers\n", "GET", "h", "/", "http", ""},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct http_request out;
        struct bytes protocol;
        head_feed(rows[i].lines, &http1_limits_default);
        assert_true(http2_head_request(&head, &out, &protocol));
        assert_true(bytes_equal(out.method, bytes_of(rows[i].method)));
        assert_true(bytes_equal(out.authority, bytes_of(rows[i].authority)));
        assert_true(bytes_equal(out.path, bytes_of(rows[i].path)));
        assert_true(bytes_equal(out.scheme, bytes_of(rows[i].scheme)));
        assert_true(bytes_equal(protocol, bytes_of(rows[i].protocol)));
        assert_int_equal(out.minor, 2);
        assert_null(http_fields_find_name(&out.fields, BYTES("host")));
    }
}

static void what_frames_a_request_is_taken_out_of_its_fields(void **state)
{
    struct http_request out;
    struct bytes protocol;
    (void)state;
    head_feed(USUAL "cookie: a=1\nx-a: 1\ncookie: b=2\ncontent-length: 7\nexpect: 100-Continue\n",
              &http1_limits_default);
    assert_true(http2_head_request(&head, &out, &protocol));
    field_is(&out.fields, "cookie", "a=1; b=2");
    field_is(&out.fields, "x-a", "1");
    assert_null(http_fields_find_name(&out.fields, BYTES("content-length")));
    assert_true(head.sized && head.length == 7 && head.expect_continue);
}

static void requests_are_refused(void **state)
{
    static const struct {
        const char *lines;
        unsigned status;
        const char *sentence;
    } rows[] = {
        {USUAL ":path: /\n", 400, "a pseudo-header field comes twice"},
        {USUAL ":x: 1\n", 400, "a pseudo-header field is none that is known"},
        {":method: GET\n:scheme: http\n:authority: h\na: 1\n:path: /\n", 400,
         "a pseudo-header field comes after other fields"},
        {USUAL ":status: 20x\n", 400, "the status is no number from 100 to 599"},
        {USUAL "X-A: 1\n", 400, "a header's name holds a character that no name may hold"},
        {USUAL "a b: 1\n", 400, "a header's name holds a character that no name may hold"},
        {USUAL "a: x\x01y\n", 400, "a header's value holds a control character, or white space around it"},
        {USUAL "a: x\ry\n", 400, "a header's value holds a control character, or white space around it"},
        {USUAL "a:  x\n", 400, "a header's value holds a control character, or white space around it"},
        {USUAL "a: x \n", 400, "a header's value holds a control character, or white space around it"},
        {USUAL "connection: x\n", 400,
         "a header field belongs to connections, which HTTP/2 has no words for"},
        {USUAL "keep-alive: x\n", 400,
         "a header field belongs to connections, which HTTP/2 has no words for"},
        {USUAL "proxy-connection: x\n", 400,
         "a header field belongs to connections, which HTTP/2 has no words for"},
        {USUAL "transfer-encoding: chunked\n", 400,
         "a header field belongs to connections, which HTTP/2 has no words for"},
        {USUAL "upgrade: x\n", 400, "a header field belongs to connections, which HTTP/2 has no words for"},
        {USUAL "te: gzip\n", 400, "TE says something other than trailers"},
        {USUAL "content-length: \n", 400, "Content-Length is not one decimal number"},
        {USUAL "content-length: 1,1\n", 400, "Content-Length is not one decimal number"},
        {USUAL "content-length: -1\n", 400, "Content-Length is not one decimal number"},
        {USUAL "content-length: 9223372036854775808\n", 400, "Content-Length is not one decimal number"},
        {USUAL "content-length: 1\ncontent-length: 1\n", 400, "there is more than one Content-Length field"},
        {USUAL "host: h\nhost: h\n", 400, "there is more than one Host field"},
        {USUAL "host: g\n", 400, "the Host field and the authority name different hosts"},
        {USUAL "host: a/b\n", 400, "the Host field is not HOST or HOST:PORT"},
        {USUAL "expect: 200-ok\n", 417, "the Expect header wants something other than 100-continue"},
        {":method: GET\n:scheme: http\n:authority: u@h\n:path: /\n", 400,
         "the authority is not HOST or HOST:PORT"},
        {":method: GET\n:scheme: http\n:authority: a, b\n:path: /\n", 400,
         "the authority is not HOST or HOST:PORT"},
        {":method: GET\n:scheme: http\n:path: /\n", 400, "there is neither an authority nor a Host field"},
        {":method: GET\n:scheme: http\n:authority: h\n", 400, "there is no path"},
        {":method: GET\n:scheme: http\n:authority: h\n:path: x\n", 400,
         "the path does not begin with / or holds a character that no path may hold"},
        {":method: GET\n:scheme: http\n:authority: h\n:path: /a#b\n", 400, "the path has a fragment"},
        {":method: GET\n:scheme: http\n:authority: h\n:path: /a b\n", 400,
         "the path does not begin with / or holds a character that no path may hold"},
        {USUAL ":status: 200\n", 400, "a request has a status"},
        {":method: GET\n:authority: h\n:path: /\n", 400, "there is no scheme"},
        {":method: CONNECT\n:authority: h:1\n:path: /\n", 400, "CONNECT has a scheme or a path"},
        {":method: CONNECT\n:authority: h\n", 400, "the target of CONNECT is not HOST:PORT"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct http_request out = {.minor = 77};
        struct bytes protocol;
        head_feed(rows[i].lines, &http1_limits_default);
        assert_false(http2_head_request(&head, &out, &protocol));
        assert_string_equal(head.error.sentence, rows[i].sentence);
        assert_int_equal(head.error.status, rows[i].status);
        assert_int_equal(head.error.limit, LIMIT_NONE);
        assert_int_equal(out.minor, 77);
    }
}

static void limits_bite_by_name(void **state)
{
    static const struct {
        const char *lines;
        unsigned status;
        enum limit limit;
        const char *sentence;
    } rows[] = {
        {":method: GET\n:scheme: http\n:authority: h\n:path: /0123456789\n", 414, LIMIT_LINE_BYTES,
         "the path is too long"},
        {USUAL "a: 0123456789012345678901234567890123456789012345678901234567890\n", 431, LIMIT_HEAD_BYTES,
         "the header section is too long"},
        {USUAL "cookie: a\ncookie: b\n", 431, LIMIT_FIELDS, "there are too many header fields"},
        {USUAL "x-012345678: a\n", 431, LIMIT_NAME_BYTES, "a header's name is too long"},
        {USUAL "x_a: 1\n", 400, LIMIT_UNDERSCORES, "a header's name holds '_'"},
    };
    static const struct http1_limits limits = {
        .line_max = 10, .head_max = 250, .name_max = 10, .fields_max = 5, .no_underscores = true};
    struct http_request out;
    struct bytes protocol;
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        head_feed(rows[i].lines, &limits);
        assert_false(http2_head_request(&head, &out, &protocol));
        assert_string_equal(head.error.sentence, rows[i].sentence);
        assert_int_equal(head.error.status, rows[i].status);
        assert_int_equal(head.error.limit, rows[i].limit);
    }
    head_feed(":method: GET\n:scheme: http\n:authority: h\n:path: /012345678\nx-0123456: a\n", &limits);
    assert_true(http2_head_request(&head, &out, &protocol));
}

/* ---- responses, trailers -------------------------------------------------------------- */

static void responses_are_read_or_refused(void **state)
{
    static const struct {
        const char *lines, *method;
        const char *sentence; /* NULL: it is read */
        bool length_stays;
    } rows[] = {
        {":status: 200\ncontent-length: 5\n", "GET", NULL, false},
        {":status: 200\ncontent-length: 5\n", "HEAD", NULL, true},
        {":status: 304\ncontent-length: 5\n", "GET", NULL, true},
        {":status: 599\n", "GET", NULL, false},
        {":status: 101\n", "GET", "a response is 101, which HTTP/2 does not have", false},
        {":status: 600\n", "GET", "the status is no number from 100 to 599", false},
        {":status: 99\n", "GET", "the status is no number from 100 to 599", false},
        {"a: 1\n", "GET", "a response has pseudo-header fields other than its status", false},
        {":status: 200\n:path: /\n", "GET", "a response has pseudo-header fields other than its status",
         false},
        {":status: 200\ntransfer-encoding: chunked\n", "GET",
         "a header field belongs to connections, which HTTP/2 has no words for", false},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct http_response out = {.minor = 77};
        head_feed(rows[i].lines, &http1_limits_default);
        bool fine = http2_head_response(&head, bytes_of(rows[i].method), &out);
        assert_int_equal(fine, rows[i].sentence == NULL);
        if (fine)
            assert_int_equal(http_fields_find_name(&out.fields, BYTES("content-length")) != NULL,
                             rows[i].length_stays);
        else
            assert_string_equal(head.error.sentence, rows[i].sentence);
        assert_int_equal(out.minor, fine ? 2 : 77);
    }
}

static void trailers_are_read_or_refused(void **state)
{
    static const struct {
        const char *lines, *sentence;
        unsigned count;
    } rows[] = {
        {"x-t: 1\ngrpc-status: 0\n", NULL, 2},
        {"x-t: 1\nauthorization: x\n", NULL, 1},
        {":path: /\n", "trailers have a pseudo-header field", 0},
        {"content-length: 1\n", "trailers have a field that belongs into the head", 0},
        {"host: h\n", "trailers have a field that belongs into the head", 0},
        {"cookie: a\n", "trailers have a field that belongs into the head", 0},
        {"connection: x\n", "a header field belongs to connections, which HTTP/2 has no words for", 0},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        head_feed(rows[i].lines, &http1_limits_default);
        assert_int_equal(http2_head_trailers(&head), rows[i].sentence == NULL);
        if (rows[i].sentence)
            assert_string_equal(head.error.sentence, rows[i].sentence);
        else
            assert_int_equal(head.fields.count, rows[i].count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(requests_are_read, setup, teardown),
        cmocka_unit_test_setup_teardown(what_frames_a_request_is_taken_out_of_its_fields, setup, teardown),
        cmocka_unit_test_setup_teardown(requests_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(limits_bite_by_name, setup, teardown),
        cmocka_unit_test_setup_teardown(responses_are_read_or_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(trailers_are_read_or_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
