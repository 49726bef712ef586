/* Unit tests of HTTP/1: heads, chunks and writers. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "wire/http1.h"

struct reading {
    struct arena arena;
    struct http_request request;
    struct http_response response;
    struct http1_framing framing;
    struct http1_error error;
    size_t used;
    char *copy; /* exactly as long as the input, so that ASan sees a step beyond */
};

static enum http1_turn read_request(struct reading *r, const char *text, const struct http1_limits *limits)
{
    size_t len = strlen(text), seen = 0;
    memset(r, 0, sizeof *r);
    arena_init(&r->arena);
    r->copy = malloc(len + !len);
    memcpy(r->copy, text, len);
    return http1_read_request(r->copy, len, &seen, limits, &r->arena, &r->request, &r->framing, &r->used,
                              &r->error);
}

static enum http1_turn read_response(struct reading *r, const char *method, const char *text)
{
    size_t len = strlen(text), seen = 0;
    memset(r, 0, sizeof *r);
    arena_init(&r->arena);
    r->copy = malloc(len + !len);
    memcpy(r->copy, text, len);
    return http1_read_response(r->copy, len, &seen, &http1_limits_default, bytes_of(method), &r->arena,
                               &r->response, &r->framing, &r->used, &r->error);
}

static void reading_done(struct reading *r)
{
    free(r->copy);
    arena_done(&r->arena);
}

#define GET "GET / HTTP/1.1\r\nHost: a.test\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a.test\r\n"
#define LONG_NAME                                                                                            \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    "aaaaaaa"                                                                                                \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    "aaaaaaa"                                                                                                \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void bad_requests_are_refused_with_a_status_and_a_sentence(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned status;
        const char *sentence;
    } rows[] = {
        {" / HTTP/1.1\r\n", 400, "the request line does not begin with a method and one space"},
        {"GET\r\n", 400, "the request line does not begin with a method and one space"},
        {"GE\x01T / HTTP/1.1\r\n", 400, "the request line does not begin with a method and one space"},
        {"GET  / HTTP/1.1\r\n", 400, "the request target holds a character that no target may hold"},
        {"GET /\x80 HTTP/1.1\r\n", 400, "the request target holds a character that no target may hold"},
        {"GET /\"a\" HTTP/1.1\r\n", 400, "the request target holds a character that no target may hold"},
        {"GET /\n", 400, "the request line is not METHOD TARGET HTTP/1.1"},
        {"GET /\r\n", 505, "HTTP/0.9 is not spoken here"},
        {"GET /a#b HTTP/1.1\r\n", 400, "the request target has a fragment"},
        {"GET / HTTP/1.1 \r\n", 400, "the request line does not end with the HTTP version and CRLF"},
        {"GET / HTTP/1.11\r\n", 400, "the request line does not end with the HTTP version and CRLF"},
        {"GET / HTTP/1.1\n", 400, "the request line does not end with the HTTP version and CRLF"},
        {"GET / http/1.1\r\n", 400, "the HTTP version is not written as HTTP/1.1"},
        {"GET / HTTP/2.0\r\n", 505, "the HTTP version is neither 1.0 nor 1.1"},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "the HTTP version is neither 1.0 nor 1.1"},
        {"GET * HTTP/1.1\r\n", 400, "only OPTIONS may ask for *"},
        {"GET a.test:80 HTTP/1.1\r\n", 400, "the request target is neither a path nor an http URL"},
        {"GET ftp://a.test/ HTTP/1.1\r\n", 400, "the request target is neither a path nor an http URL"},
        {"GET http://u@a.test/ HTTP/1.1\r\n", 400, "the request target has a user name in it"},
        {"GET http:///x HTTP/1.1\r\n", 400, "the host in the request target is not HOST or HOST:PORT"},
        {"GET http://[::1/ HTTP/1.1\r\n", 400, "the host in the request target is not HOST or HOST:PORT"},
        {"CONNECT a.test HTTP/1.1\r\n", 400, "the target of CONNECT is not HOST:PORT"},
        {"CONNECT / HTTP/1.1\r\n", 400, "the target of CONNECT is not HOST:PORT"},
        {"TRACE / HTTP/1.1\r\n", 405, "TRACE is not allowed"},
        {"GET / HTTP/1.1\r\n\r\n", 400, "there is no Host field"},
        {GET "Host: a.test\r\n\r\n", 400, "there is more than one Host field"},
        {"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400, "the Host field is not HOST or HOST:PORT"},
        {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, "the Host field is not HOST or HOST:PORT"},
        {"GET / HTTP/1.1\r\nHost: a%2\r\n\r\n", 400, "the Host field is not HOST or HOST:PORT"},
        {"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400, "the Host field is not HOST or HOST:PORT"},
        {"GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", 400, "the Host field is not HOST or HOST:PORT"},
        {"GET http://b.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n", 400,
         "the Host field and the request target name different hosts"},
        {"GET http://a.test:81/ HTTP/1.1\r\nHost: a.test\r\n\r\n", 400,
         "the Host field and the request target name different hosts"},
        {GET " X: 1\r\n", 400, "a header line begins with white space"},
        {GET ": 1\r\n", 400, "a header field has no name"},
        {GET "X : 1\r\n", 400, "white space stands between a header's name and its colon"},
        {GET "X\r\n", 400, "a header line has no colon"},
        {GET "X(: 1\r\n", 400, "a header's name holds a character that no name may hold"},
        {GET "X: 1\n", 400, "a line ends with LF alone"},
        {GET "\n", 400, "a line ends with LF alone"},
        {GET "X: 1\rY", 400, "a CR is not followed by LF"},
        {GET "X: a\x07z\r\n", 400, "a header's value holds a control character"},
        {GET LONG_NAME ": 1\r\n", 431, "a header's name is too long"},
        {POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400,
         "there is more than one Content-Length field"},
        {POST "Content-Length: 1, 1\r\n\r\n", 400, "Content-Length is not one decimal number"},
        {POST "Content-Length: +1\r\n\r\n", 400, "Content-Length is not one decimal number"},
        {POST "Content-Length:\r\n\r\n", 400, "Content-Length is not one decimal number"},
        {POST "Content-Length: 9223372036854775808\r\n\r\n", 400, "Content-Length is not one decimal number"},
        {POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
         "Content-Length and Transfer-Encoding stand together"},
        {POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
         "there is more than one Transfer-Encoding field"},
        {POST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501,
         "Transfer-Encoding is not chunked and nothing else"},
        {POST "Transfer-Encoding: xchunked\r\n\r\n", 501,
         "Transfer-Encoding is not chunked and nothing else"},
        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
         "Transfer-Encoding has no meaning in HTTP/1.0"},
        {GET "Expect: 200-ok\r\n\r\n", 417, "the Expect header wants something other than 100-continue"},
        {GET "Connection: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q\r\n\r\n", 400,
         "the Connection header names too many fields"},
        {"\n" GET "\r\n", 400, "the request line does not begin with a method and one space"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct reading r;
        enum http1_turn turn = read_request(&r, rows[i].text, &http1_limits_default);
        if (turn != HTTP1_BAD)
            print_message("not refused: %s\n", rows[i].text);
        assert_int_equal(turn, HTTP1_BAD);
        assert_string_equal(r.error.sentence, rows[i].sentence);
        assert_int_equal(r.error.status, rows[i].status);
        assert_int_equal(r.used, 0);
        reading_done(&r);
    }
}

static void good_requests_give_their_parts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *scheme, *authority, *path;
        enum http1_body body;
        uint64_t length;
        bool keep_alive;
    } rows[] = {
        {GET "\r\n", "", "a.test", "/", HTTP1_BODY_NONE, 0, true},
        {"\r\n\r\n" GET "\r\n", "", "a.test", "/", HTTP1_BODY_NONE, 0, true},
        {"GET /a?b=`{|}^\\ HTTP/1.1\r\nHost: A.test:81\r\n\r\n", "", "A.test:81", "/a?b=`{|}^\\",
         HTTP1_BODY_NONE, 0, true},
        {"GET / HTTP/1.7\r\nHost: [::1]:\r\n\r\n", "", "[::1]", "/", HTTP1_BODY_NONE, 0, true},
        {"GET HTTPS://a.test HTTP/1.1\r\nHost: A.test:443\r\n\r\n", "https", "a.test", "/", HTTP1_BODY_NONE,
         0, true},
        {"GET http://a.test?x HTTP/1.1\r\nHost: a.test\r\n\r\n", "http", "a.test", "/?x", HTTP1_BODY_NONE, 0,
         true},
        {"OPTIONS http://a.test HTTP/1.1\r\nHost: a.test\r\n\r\n", "http", "a.test", "*", HTTP1_BODY_NONE, 0,
         true},
        {"OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n", "", "a.test", "*", HTTP1_BODY_NONE, 0, true},
        {"CONNECT a.test:22 HTTP/1.1\r\nHost: a.test\r\n\r\n", "", "a.test:22", "", HTTP1_BODY_NONE, 0, true},
        {"GET / HTTP/1.0\r\n\r\n", "", "", "/", HTTP1_BODY_NONE, 0, false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "", "", "/", HTTP1_BODY_NONE, 0, true},
        {GET "Connection: keep-alive, CLOSE\r\n\r\n", "", "a.test", "/", HTTP1_BODY_NONE, 0, false},
        {POST "Content-Length: 0007\r\n\r\n", "", "a.test", "/", HTTP1_BODY_LENGTH, 7, true},
        {POST "Transfer-Encoding: CHUNKED\r\n\r\n", "", "a.test", "/", HTTP1_BODY_CHUNKED, 0, true},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct reading r;
        assert_int_equal(read_request(&r, rows[i].text, &http1_limits_default), HTTP1_DONE);
        assert_true(bytes_equal(r.request.scheme, bytes_of(rows[i].scheme)));
        assert_true(bytes_equal(r.request.authority, bytes_of(rows[i].authority)));
        assert_true(bytes_equal(r.request.path, bytes_of(rows[i].path)));
        assert_int_equal(r.framing.body, rows[i].body);
        assert_int_equal(r.framing.length, rows[i].length);
        assert_int_equal(r.framing.keep_alive, rows[i].keep_alive);
        assert_int_equal(r.used, strlen(rows[i].text));
        reading_done(&r);
    }
}

static void fields_for_one_hop_are_taken_out(void **state)
{
    (void)state;
    struct reading r;
    assert_int_equal(
        read_request(&r,
                     GET
                     "Connection: X-Drop, Upgrade, Content-Length, Host, TE\r\nX-DROP: 1\r\nx-Keep:\t 2 \r\n"
                     "Upgrade: a\r\nUpgrade: b\r\nKeep-Alive: 3\r\nProxy-Connection: x\r\n"
                     "TE: gzip, trailers\r\nExpect: 100-Continue\r\nContent-Length: 4\r\n\r\n",
                     &http1_limits_default),
        HTTP1_DONE);
    assert_int_equal(r.request.fields.count, 3);
    assert_true(bytes_equal(r.request.fields.at[0].name, BYTES("x-keep")));
    assert_true(bytes_equal(r.request.fields.at[0].value, BYTES("2")));
    assert_int_equal(r.request.fields.at[1].known, HTTP_EXPECT);
    assert_true(bytes_equal(r.request.fields.at[2].value, BYTES("trailers")));
    assert_true(bytes_equal(r.framing.upgrade, BYTES("a, b")));
    assert_true(r.framing.expect_continue);
    assert_int_equal(r.framing.length, 4);
    assert_true(bytes_equal(r.request.authority, BYTES("a.test")));
    reading_done(&r);
}

static void upgrade_without_connection_is_dropped(void **state)
{
    (void)state;
    struct reading r;
    assert_int_equal(read_request(&r, GET "Upgrade: websocket\r\n\r\n", &http1_limits_default), HTTP1_DONE);
    assert_int_equal(r.framing.upgrade.len, 0);
    assert_int_equal(r.request.fields.count, 0);
    reading_done(&r);
}

static void limits_are_held(void **state)
{
    (void)state;
    static const struct http1_limits limits = {
        .line_max = 20, .head_max = 60, .name_max = 5, .fields_max = 2};
    static const struct {
        const char *text;
        enum http1_turn turn;
        unsigned status;
    } rows[] = {
        {"GET /67890 HTTP/1.1\r\nHost: a\r\n\r\n", HTTP1_DONE, 0},
        {"GET /678901 HTTP/1.1\r\nHost: a\r\n\r\n", HTTP1_DONE, 0},
        {"GET /6789012 HTTP/1.1\r\nHost: a\r\n\r\n", HTTP1_BAD, 414},
        {"GET /6789012345678901234", HTTP1_BAD, 414},
        {"GET / HTTP/1.1\r\nHost: a\r\nabcde: 1\r\n\r\n", HTTP1_DONE, 0},
        {"GET / HTTP/1.1\r\nHost: a\r\nabcdef: 1\r\n\r\n", HTTP1_BAD, 431},
        {"GET / HTTP/1.1\r\nHost: a\r\na: 1\r\nb: 2\r\n\r\n", HTTP1_BAD, 431},
        {"GET / HTTP/1.1\r\nHost: a\r\na: 12345678901234567890123456789\r\n\r\n", HTTP1_BAD, 431},
        {"GET / HTTP/1.1\r\nHost: a\r\na: 123456789012345678901234567890", HTTP1_MORE, 0},
        {"GET / HTTP/1.1\r\nHost: a\r\na: 12345678901234567890123456789012", HTTP1_BAD, 431},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct reading r;
        assert_int_equal(read_request(&r, rows[i].text, &limits), rows[i].turn);
        assert_int_equal(r.error.status, rows[i].status);
        reading_done(&r);
    }
}

/* Byte by byte: MORE until the verdict, which is the one of the whole text or comes earlier. */
static void dribble(const char *text, enum http1_turn wanted, size_t at_the_latest)
{
    struct arena arena;
    struct http_request request;
    struct http1_framing framing;
    struct http1_error error = {0};
    size_t seen = 0, used = 0, len = 0;
    enum http1_turn turn = HTTP1_MORE;
    char copy[4096];
    arena_init(&arena);
    while (turn == HTTP1_MORE && len < strlen(text)) {
        copy[len] = text[len];
        len++;
        turn = http1_read_request(copy, len, &seen, &http1_limits_default, &arena, &request, &framing, &used,
                                  &error);
    }
    if (turn != wanted)
        print_message("after %zu bytes of %s: %s\n", len, text, error.sentence ? error.sentence : "no error");
    assert_int_equal(turn, wanted);
    assert_true(len <= at_the_latest);
    if (turn == HTTP1_DONE)
        assert_int_equal(used, strlen(text));
    arena_done(&arena);
}

static void dribbled_heads_are_judged_as_early_as_their_lines(void **state)
{
    (void)state;
    dribble("\r\n" GET "X: 1\r\n\r\n", HTTP1_DONE, 4096);
    dribble("GET / HTTP/1.1\nHost: a\n\n", HTTP1_BAD, 15);
    dribble(GET "X : 1\r\nY: 1", HTTP1_BAD, strlen(GET "X : 1\r\n"));
    dribble(GET "X: 1\nY: 1", HTTP1_BAD, strlen(GET "X: 1\n"));
    dribble("GET foo HTTP/1.1\r\n", HTTP1_BAD, 18);
    dribble(GET, HTTP1_MORE, 4096);
}

static void responses_say_how_they_end(void **state)
{
    (void)state;
    static const struct {
        const char *method, *text;
        enum http1_body body;
        uint64_t length;
        bool keep_alive;
        uint32_t fields;
    } rows[] = {
        {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", HTTP1_BODY_LENGTH, 3, true, 0},
        {"GET", "HTTP/1.1 200\r\nContent-Length: 3\r\n\r\n", HTTP1_BODY_LENGTH, 3, true, 0},
        {"GET", "HTTP/1.1 200 \r\n\r\n", HTTP1_BODY_CLOSE, 0, false, 0},
        {"GET", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", HTTP1_BODY_CLOSE, 0, false, 0},
        {"GET", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", HTTP1_BODY_LENGTH,
         0, true, 0},
        {"GET", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", HTTP1_BODY_LENGTH, 0, false, 0},
        {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nHost: x\r\n\r\n", HTTP1_BODY_CHUNKED, 0,
         true, 1},
        {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", HTTP1_BODY_NONE, 0, true, 1},
        {"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP1_BODY_NONE, 0, true, 0},
        {"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", HTTP1_BODY_NONE, 0, true, 0},
        {"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
         HTTP1_BODY_NONE, 0, false, 0},
        {"GET", "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
         HTTP1_BODY_NONE, 0, false, 0},
        {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", HTTP1_BODY_NONE, 0, true, 1},
        {"GET", "HTTP/1.1 204 No Content\r\n\r\n", HTTP1_BODY_NONE, 0, true, 0},
        {"GET", "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", HTTP1_BODY_NONE, 0, false, 0},
        {"GET", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", HTTP1_BODY_NONE, 0, true, 1},
        {"CONNECT", "HTTP/1.1 200 OK\r\n\r\n", HTTP1_BODY_NONE, 0, true, 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct reading r;
        assert_int_equal(read_response(&r, rows[i].method, rows[i].text), HTTP1_DONE);
        assert_int_equal(r.framing.body, rows[i].body);
        assert_int_equal(r.framing.length, rows[i].length);
        assert_int_equal(r.framing.keep_alive, rows[i].keep_alive);
        assert_int_equal(r.response.fields.count, rows[i].fields);
        reading_done(&r);
    }
}

static void responses_may_say_how_long_a_connection_rests(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        uint32_t rest_s;
    } rows[] = {
        {"Keep-Alive: timeout=5\r\n", 5},  {"Keep-Alive: max=100 , timeout=75\r\n", 75},
        {"Keep-Alive: max=100\r\n", 0},    {"Keep-Alive: timeout=\r\n", 0},
        {"Keep-Alive: timeout=-1\r\n", 0}, {"Keep-Alive: timeout=4294967296\r\n", 0},
        {"Keep-Alive: xtimeout=5\r\n", 0}, {"", 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct reading r;
        char text[128];
        snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n%s\r\n", rows[i].fields);
        assert_int_equal(read_response(&r, "GET", text), HTTP1_DONE);
        assert_int_equal(r.framing.rest_s, rows[i].rest_s);
        assert_int_equal(r.response.fields.count, 0);
        reading_done(&r);
    }
}

static void bad_responses_are_502(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *sentence;
    } rows[] = {
        {"\r\nHTTP/1.1 200 OK\r\n\r\n", "there is an empty line before the status line"},
        {"HTTP/2.0 200 OK\r\n\r\n", "the HTTP version is neither 1.0 nor 1.1"},
        {"ICY 200 OK\r\n\r\n", "the HTTP version is not written as HTTP/1.1"},
        {"HTTP/1.1\r\n\r\n", "the status line is not HTTP/1.1 STATUS REASON"},
        {"HTTP/1.1 \r\n", "the status line is not HTTP/1.1 STATUS REASON"},
        {"HTTP/1.1 20\r\n", "the status line is not HTTP/1.1 STATUS REASON"},
        {"HTTP/1.1 2000 OK\r\n\r\n", "the status line is not HTTP/1.1 STATUS REASON"},
        {"HTTP/1.1  200 OK\r\n\r\n", "the status line is not HTTP/1.1 STATUS REASON"},
        {"HTTP/1.1 099 OK\r\n\r\n", "the status is not between 100 and 599"},
        {"HTTP/1.1 600 OK\r\n\r\n", "the status is not between 100 and 599"},
        {"HTTP/1.1 200 OK\n\n", "the reason in the status line is not a line of text"},
        {"HTTP/1.1 200 O\x01K\r\n", "the reason in the status line is not a line of text"},
        {"HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n",
         "Transfer-Encoding stands in an answer that has no body"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
         "Transfer-Encoding is not chunked and nothing else"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\n", "Content-Length is not one decimal number"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct reading r;
        assert_int_equal(read_response(&r, "GET", rows[i].text), HTTP1_BAD);
        assert_string_equal(r.error.sentence, rows[i].sentence);
        assert_int_equal(r.error.status, 502);
        reading_done(&r);
    }
}

/* Plays a chunked body in pieces of `step` bytes into `body`. */
static enum http1_piece play_chunks(struct http1_chunks *chunks, struct bytes in, size_t step,
                                    struct text *body, struct http1_error *error)
{
    enum http1_piece piece = HTTP1_PIECE_MORE;
    size_t at = 0, used;
    struct bytes data;
    while (at < in.len && (piece == HTTP1_PIECE_MORE || piece == HTTP1_PIECE_DATA)) {
        piece = http1_chunks_read(chunks, bytes_part(in, at, at + step), &used, &data, error);
        if (piece == HTTP1_PIECE_DATA)
            text_add(body, data);
        assert_true(used <= step && (used > 0 || piece == HTTP1_PIECE_BAD));
        at += used;
    }
    return piece;
}

static void chunks_are_the_same_in_any_pieces(void **state)
{
    (void)state;
    struct bytes in = BYTES("5;a;b = \"x\\\";y\" ; c=d\r\nhello\r\n00a\r\n0123456789\r\n0\r\n"
                            "X-Sum: 1\r\nContent-Length: 3\r\ngrpc-status:0\r\n\r\n");
    for (size_t step = 1; step <= in.len; step++) {
        struct arena arena;
        struct text body;
        struct http1_chunks chunks;
        struct http1_error error;
        arena_init(&arena);
        text_init_arena(&body, &arena);
        http1_chunks_init(&chunks, &arena);
        assert_int_equal(play_chunks(&chunks, in, step, &body, &error), HTTP1_PIECE_END);
        assert_true(bytes_equal(text_bytes(&body), BYTES("hello0123456789")));
        assert_int_equal(chunks.trailers.count, 2);
        assert_true(bytes_equal(chunks.trailers.at[0].name, BYTES("x-sum")));
        assert_true(bytes_equal(chunks.trailers.at[1].value, BYTES("0")));
        arena_done(&arena);
    }
}

static void bad_chunks_are_refused_at_the_byte(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *sentence;
    } rows[] = {
        {"x", "a chunk's size is not a hexadecimal number"},
        {"\r", "a chunk's size is not a hexadecimal number"},
        {"-", "a chunk's size is not a hexadecimal number"},
        {" 5", "a chunk's size is not a hexadecimal number"},
        {"0x5", "a chunk's size is not a hexadecimal number"},
        {"5\n", "a chunk's size line ends with LF alone"},
        {"5;a\n", "a chunk's size line ends with LF alone"},
        {"5 \r", "a chunk extension is malformed"},
        {"5;\r", "a chunk extension is malformed"},
        {"5;a=\r", "a chunk extension is malformed"},
        {"5;a=\"\r", "a chunk extension is malformed"},
        {"5;a\rb", "a CR in a chunk's size line is not followed by LF"},
        {"8000000000000000", "a chunk's size is too large"},
        {"10000000000000005", "a chunk's size is too large"},
        {"1\r\naX", "a chunk's data is not followed by CRLF"},
        {"1\r\na\n", "a chunk's data is not followed by CRLF"},
        {"1\r\na\rX", "a chunk's data is not followed by CRLF"},
        {"0\r\nA : 1\r\n", "white space stands between a header's name and its colon"},
        {"0\r\nA: 1\n", "a line ends with LF alone"},
        {"0\r\n a: 1\r\n", "a header line begins with white space"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena arena;
        struct text body;
        struct http1_chunks chunks;
        struct http1_error error = {0};
        struct bytes in = bytes_of(rows[i].text);
        arena_init(&arena);
        text_init_arena(&body, &arena);
        http1_chunks_init(&chunks, &arena);
        assert_int_equal(play_chunks(&chunks, in, in.len, &body, &error), HTTP1_PIECE_BAD);
        assert_string_equal(error.sentence, rows[i].sentence);
        assert_int_equal(error.status, 400);
        assert_int_equal(play_chunks(&chunks, BYTES("0\r\n\r\n"), 5, &body, &error), HTTP1_PIECE_BAD);
        arena_done(&arena);
    }
}

static void chunk_lines_and_trailers_are_bounded(void **state)
{
    (void)state;
    static const struct {
        const char *start, *again;
        const char *sentence;
    } rows[] = {
        {"5", ";a", "a chunk's size line is too long"},
        {"0", "0", "a chunk's size line is too long"},
        {"0\r\n", "a: 1\r\n", "there are too many trailer fields"},
        {"0\r\na: ", "1", "the trailer section is too long"},
        {"0\r\n", "te: 1\r\n", "the trailer section is too long"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena arena;
        struct text body;
        struct http1_chunks chunks;
        struct http1_error error = {0};
        arena_init(&arena);
        text_init_arena(&body, &arena);
        http1_chunks_init(&chunks, &arena);
        assert_int_equal(play_chunks(&chunks, bytes_of(rows[i].start), 99, &body, &error), HTTP1_PIECE_MORE);
        for (int n = 0; n < 10000 && !error.sentence; n++)
            play_chunks(&chunks, bytes_of(rows[i].again), 99, &body, &error);
        assert_non_null(error.sentence);
        assert_string_equal(error.sentence, rows[i].sentence);
        arena_done(&arena);
    }
}

static void written_requests_are_read_again(void **state)
{
    (void)state;
    struct reading r;
    struct text out;
    assert_int_equal(
        read_request(&r,
                     "PUT http://a.test/x?y HTTP/1.1\r\nHost: a.test\r\nA: \r\nB: 2\r\nTE: trailers\r\n\r\n",
                     &http1_limits_default),
        HTTP1_DONE);
    text_init_arena(&out, &r.arena);
    struct http1_write how = {
        .body = HTTP1_BODY_LENGTH, .length = 12, .close = true, .upgrade = BYTES("websocket")};
    http1_write_request(&out, &r.request, &how);
    assert_string_equal(out.at,
                        "PUT /x?y HTTP/1.1\r\nhost: a.test\r\na: \r\nb: 2\r\nte: trailers\r\n"
                        "connection: close, upgrade, te\r\nupgrade: websocket\r\ncontent-length: 12\r\n\r\n");
    reading_done(&r);
}

static void written_responses_have_a_reason_and_one_framing(void **state)
{
    (void)state;
    struct arena arena;
    struct text out;
    struct http_response response = {.status = 404};
    arena_init(&arena);
    http_fields_init(&response.fields, &arena);
    http_fields_add(&response.fields, BYTES("x"), BYTES("1"));
    text_init_arena(&out, &arena);
    http1_write_response(&out, &response,
                         &(struct http1_write){.body = HTTP1_BODY_CHUNKED, .keep_alive = true});
    http1_write_chunk_size(&out, 0x1F0);
    http1_write_chunk_size(&out, 0);
    http1_write_chunk_size(&out, SIZE_MAX);
    http1_write_last_chunk(&out, &response.fields);
    http1_write_last_chunk(&out, NULL);
    assert_string_equal(out.at, "HTTP/1.1 404 Not Found\r\nx: 1\r\nconnection: keep-alive\r\n"
                                "transfer-encoding: chunked\r\n\r\n1f0\r\n0\r\nffffffffffffffff\r\n"
                                "0\r\nx: 1\r\n\r\n0\r\n\r\n");
    arena_done(&arena);
}

static void writing_into_a_small_buffer_is_cut_not_overrun(void **state)
{
    (void)state;
    struct arena arena;
    struct text out;
    char buffer[30];
    struct http_response response = {.status = 200};
    arena_init(&arena);
    http_fields_init(&response.fields, &arena);
    http_fields_add(&response.fields, BYTES("abcdef"), BYTES("0123456789"));
    text_init_fixed(&out, buffer, sizeof buffer);
    http1_write_response(&out, &response, &(struct http1_write){0});
    assert_true(out.cut);
    assert_string_equal(buffer, "HTTP/1.1 200 OK\r\nabcdef: 0123");
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_requests_are_refused_with_a_status_and_a_sentence),
        cmocka_unit_test(good_requests_give_their_parts),
        cmocka_unit_test(fields_for_one_hop_are_taken_out),
        cmocka_unit_test(upgrade_without_connection_is_dropped),
        cmocka_unit_test(limits_are_held),
        cmocka_unit_test(dribbled_heads_are_judged_as_early_as_their_lines),
        cmocka_unit_test(responses_say_how_they_end),
        cmocka_unit_test(responses_may_say_how_long_a_connection_rests),
        cmocka_unit_test(bad_responses_are_502),
        cmocka_unit_test(chunks_are_the_same_in_any_pieces),
        cmocka_unit_test(bad_chunks_are_refused_at_the_byte),
        cmocka_unit_test(chunk_lines_and_trailers_are_bounded),
        cmocka_unit_test(written_requests_are_read_again),
        cmocka_unit_test(written_responses_have_a_reason_and_one_framing),
        cmocka_unit_test(writing_into_a_small_buffer_is_cut_not_overrun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
