#include "wire/authority.h"
#include "wire/http1_head.h"
#include "wire/http_char.h"

struct request_start {
    struct http_request *request;
    struct authority authority; /* of the target, when it has one */
};

static enum http1_turn refuse_target(struct http1_error *error, char c)
{
    if (c == '\r' || c == '\n')
        return http1_refuse(error, 400, "the request line is not METHOD TARGET HTTP/1.1");
    if (c == '#') /* never meant for a server, and what follows it would slip past path rules */
        return http1_refuse(error, 400, "the request target has a fragment");
    return http1_refuse(error, 400, "the request target holds a character that no target may hold");
}

/* Scans "METHOD TARGET " and leaves the reader before the version. */
static enum http1_turn method_and_target(struct http1_reader *reader, struct http_request *out)
{
    char *start = reader->at, *at = start;
    while (at < reader->end && http_char_is(*at, HTTP_CHAR_TOKEN))
        at++;
    bool half_line = at == start && at + 1 == reader->end && *at == '\r'; /* of an empty one */
    if (at == reader->end || half_line)
        return HTTP1_MORE;
    if (at == start || *at != ' ')
        return http1_refuse(reader->error, 400,
                            "the request line does not begin with a method and one space");
    out->method = bytes_make(start, (size_t)(at - start));
    start = ++at;
    while (at < reader->end && http_char_is(*at, HTTP_CHAR_TARGET))
        at++;
    if (at == reader->end)
        return HTTP1_MORE;
    if (at > start && *at == '\r') /* METHOD TARGET CRLF, as before 1.0 */
        return http1_refuse(reader->error, 505, "HTTP/0.9 is not spoken here");
    if (at == start || *at != ' ')
        return refuse_target(reader->error, *at);
    out->target = bytes_make(start, (size_t)(at - start));
    reader->at = at + 1;
    return HTTP1_DONE;
}

static enum http1_turn absolute_target(struct request_start *start, struct arena *arena,
                                       struct http1_error *error)
{
    struct http_request *out = start->request;
    struct bytes rest = out->target;
    bool secure = bytes_starts_nocase(rest, BYTES("https://"));
    if (!secure && !bytes_starts_nocase(rest, BYTES("http://")))
        return http1_refuse(error, 400, "the request target is neither a path nor an http URL");
    out->scheme = secure ? BYTES("https") : BYTES("http");
    rest = bytes_part(rest, out->scheme.len + 3, rest.len);
    size_t end = 0;
    while (end < rest.len && rest.at[end] != '/' && rest.at[end] != '?')
        end++;
    struct bytes authority = bytes_part(rest, 0, end);
    if (bytes_find(authority, '@') < authority.len)
        return http1_refuse(error, 400, "the request target has a user name in it");
    if (!authority_split(authority, &start->authority))
        return http1_refuse(error, 400, "the host in the request target is not HOST or HOST:PORT");
    out->authority = authority_text(authority);
    out->path = bytes_part(rest, end, rest.len);
    if (out->path.len == 0) /* RFC 9112 3.2.4: OPTIONS of a bare URL asks about the whole server */
        out->path = bytes_equal(out->method, BYTES("OPTIONS")) ? BYTES("*") : BYTES("/");
    else if (out->path.at[0] == '?')
        out->path = arena_format(arena, "/%.*s", BYTES_FMT(out->path));
    return HTTP1_DONE;
}

static enum http1_turn connect_target(struct request_start *start, struct http1_error *error)
{
    struct http_request *out = start->request;
    if (!authority_split(out->target, &start->authority) || start->authority.port.len == 0)
        return http1_refuse(error, 400, "the target of CONNECT is not HOST:PORT");
    out->authority = out->target;
    return HTTP1_DONE;
}

/* RFC 9112 3.2: which form goes with which method. */
static enum http1_turn target_form(struct request_start *start, struct arena *arena,
                                   struct http1_error *error)
{
    struct http_request *out = start->request;
    if (bytes_equal(out->method, BYTES("CONNECT")))
        return connect_target(start, error);
    if (bytes_equal(out->method, BYTES("TRACE"))) /* would echo what we and others added, secrets included */
        return http1_refuse(error, 405, "TRACE is not allowed");
    if (out->target.at[0] == '/') {
        out->path = out->target;
        return HTTP1_DONE;
    }
    if (!bytes_equal(out->target, BYTES("*")))
        return absolute_target(start, arena, error);
    if (!bytes_equal(out->method, BYTES("OPTIONS")))
        return http1_refuse(error, 400, "only OPTIONS may ask for *");
    out->path = out->target;
    return HTTP1_DONE;
}

static enum http1_turn request_line(struct http1_reader *reader, void *message)
{
    struct request_start *start = message;
    char *line = reader->at;
    size_t max = reader->limits->line_max;
    enum http1_turn turn = method_and_target(reader, start->request);
    if (turn == HTTP1_DONE)
        turn = http1_version(reader, &start->request->minor);
    size_t len = (size_t)((turn == HTTP1_MORE ? reader->end : reader->at) - line);
    if (turn != HTTP1_BAD && len > max)
        return http1_over(reader->error, LIMIT_LINE_BYTES, "the request line is too long");
    if (turn != HTTP1_DONE)
        return turn;
    size_t left = (size_t)(reader->end - reader->at);
    if (left == 0 || (left == 1 && reader->at[0] == '\r'))
        return HTTP1_MORE;
    if (reader->at[0] != '\r' || reader->at[1] != '\n')
        return http1_refuse(reader->error, 400,
                            "the request line does not end with the HTTP version and CRLF");
    reader->at += 2;
    return target_form(start, start->request->fields.arena, reader->error);
}

/*
 * RFC 9112 3.2.2: the target's authority wins over Host. Where the two differ,
 * somebody behind us might believe the other one: refused. CONNECT's Host may
 * lack the port that its target must have.
 */
static bool authorities_agree(const struct request_start *start, const struct authority *host)
{
    const struct authority *target = &start->authority;
    bool connect = start->request->path.len == 0;
    if (connect && host->port.len == 0)
        return bytes_equal_nocase(target->host, host->host);
    return authority_agree(start->request->scheme, target, host);
}

static enum http1_turn request_host(struct request_start *start, const struct http1_head *head,
                                    struct http1_error *error)
{
    struct http_request *out = start->request;
    struct authority host;
    if (head->hosts > 1)
        return http1_refuse(error, 400, "there is more than one Host field");
    if (head->hosts == 0)
        return out->minor ? http1_refuse(error, 400, "there is no Host field") : HTTP1_DONE;
    if (!authority_split(head->host, &host))
        return http1_refuse(error, 400, "the Host field is not HOST or HOST:PORT");
    if (out->authority.len == 0)
        out->authority = authority_text(head->host);
    else if (!authorities_agree(start, &host))
        return http1_refuse(error, 400, "the Host field and the request target name different hosts");
    return HTTP1_DONE;
}

/* RFC 9110 9.3.6: what follows CONNECT's head is the tunnel's. Whoever believed in a body would cut it off.
 */
static enum http1_turn connect_framing(const struct http_request *request,
                                       const struct http1_framing *framing, struct http1_error *error)
{
    if (http_connects(request) && (framing->body == HTTP1_BODY_CHUNKED || framing->length))
        return http1_refuse(error, 400, "CONNECT has a body");
    return HTTP1_DONE;
}

enum http1_turn http1_read_request(char *in, size_t in_len, size_t *seen, const struct http1_limits *limits,
                                   struct arena *arena, struct http_request *out,
                                   struct http1_framing *framing, size_t *used, struct http1_error *error)
{
    struct http_request request = {0};
    struct request_start start = {.request = &request};
    struct http1_head head = {.fields = &request.fields, .request = true};
    struct http1_reader reader = {in, in + in_len, limits, error};
    http_fields_init(&request.fields, arena);
    enum http1_turn turn = http1_head_read(&reader, seen, request_line, &start, &head);
    if (turn == HTTP1_DONE)
        turn = request_host(&start, &head, error);
    if (turn == HTTP1_DONE)
        turn = http1_head_framing(&head, request.minor, framing, error);
    if (turn == HTTP1_DONE)
        turn = connect_framing(&request, framing, error);
    if (turn != HTTP1_DONE)
        return turn;
    *out = request;
    *used = (size_t)(reader.at - in);
    return HTTP1_DONE;
}
