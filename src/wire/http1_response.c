#include "wire/http1_head.h"
#include "wire/http_char.h"

/*
 * "HTTP/1.1 200 reason". The space before an absent reason is missing from
 * many servers' answers; nobody reads that in two ways, so it passes.
 */
static enum http1_turn status_line(struct http1_reader *reader, void *message)
{
    struct http_response *out = message;
    enum http1_turn turn = http1_version(reader, &out->minor);
    if (turn != HTTP1_DONE)
        return turn;
    char *at = reader->at;
    if (at < reader->end && *at != ' ')
        return http1_refuse(reader->error, 502, "the status line is not HTTP/1.1 STATUS REASON");
    for (int i = 1; i < 5 && at + i < reader->end; i++)
        if (i < 4 ? !ascii_is_digit(at[i]) : at[i] != ' ' && at[i] != '\r')
            return http1_refuse(reader->error, 502, "the status line is not HTTP/1.1 STATUS REASON");
    if (reader->end - at < 5)
        return HTTP1_MORE;
    out->status = (unsigned)((at[1] - '0') * 100 + (at[2] - '0') * 10 + (at[3] - '0'));
    if (out->status < 100 || out->status > 599)
        return http1_refuse(reader->error, 502, "the status is not between 100 and 599");
    const char *reason = at + 4 + (at[4] == ' ');
    const char *end = http_value_end(reason, reader->end);
    if (reader->end - end < 2)
        return HTTP1_MORE;
    if (end[0] != '\r' || end[1] != '\n' || *reason == ' ')
        return http1_refuse(reader->error, 502, "the reason in the status line is not a line of text");
    out->reason = bytes_make(reason, (size_t)(end - reason));
    reader->at += (end - reader->at) + 2;
    return HTTP1_DONE;
}

/* RFC 9112 6.3, rules 1 and 2: no body whatever the fields say. */
static bool bodyless(unsigned status, struct bytes method)
{
    bool tunnel = bytes_equal(method, BYTES("CONNECT")) && status / 100 == 2;
    return bytes_equal(method, BYTES("HEAD")) || status / 100 == 1 || status == 204 || status == 304 ||
           tunnel;
}

/* The fields describe the body that a GET, or a 200, would have had. */
static bool tells_of_another(unsigned status, struct bytes method)
{
    return bytes_equal(method, BYTES("HEAD")) || status == 304;
}

static enum http1_turn response_framing(const struct http_response *response, const struct http1_head *head,
                                        struct bytes method, struct http1_framing *framing,
                                        struct http1_error *error)
{
    struct http_fields *fields = head->fields;
    bool informs = tells_of_another(response->status, method);
    if (!bodyless(response->status, method)) {
        if (framing->body == HTTP1_BODY_NONE)
            framing->body = HTTP1_BODY_CLOSE;
        if (framing->body == HTTP1_BODY_CLOSE)
            framing->keep_alive = false;
        return HTTP1_DONE;
    }
    if (head->codings && !informs)
        return http1_refuse(error, 502, "Transfer-Encoding stands in an answer that has no body");
    if (head->lengths && framing->length && !informs)
        framing->keep_alive = false; /* a body may follow all the same: nothing after it is an answer */
    if (head->lengths && informs)    /* tells about another answer's body, frames nothing */
        http_fields_add_known(fields, HTTP_CONTENT_LENGTH, head->length);
    framing->body = HTTP1_BODY_NONE;
    framing->length = 0;
    return HTTP1_DONE;
}

/*
 * What frames nothing cannot be read in two ways: the codings that the body of
 * another answer would have had are hop-by-hop and go, and so does a length
 * beside them, which they would have overruled (RFC 9112 6.3). Whoever says both
 * is not trusted with another request.
 */
static void codings_forget(struct http1_head *head)
{
    if (!head->codings)
        return;
    head->close = head->close || head->lengths;
    head->codings = head->lengths = 0;
}

enum http1_turn http1_read_response(char *in, size_t in_len, size_t *seen, const struct http1_limits *limits,
                                    struct bytes request_method, struct arena *arena,
                                    struct http_response *out, struct http1_framing *framing, size_t *used,
                                    struct http1_error *error)
{
    struct http_response response = {0};
    struct http1_head head = {.fields = &response.fields};
    struct http1_reader reader = {in, in + in_len, limits, error};
    http_fields_init(&response.fields, arena);
    enum http1_turn turn = HTTP1_DONE;
    if (in_len && (in[0] == '\r' || in[0] == '\n')) /* overlooked in requests only */
        turn = http1_refuse(error, 502, "there is an empty line before the status line");
    if (turn == HTTP1_DONE)
        turn = http1_head_read(&reader, seen, status_line, &response, &head);
    if (turn == HTTP1_DONE && tells_of_another(response.status, request_method))
        codings_forget(&head);
    if (turn == HTTP1_DONE)
        turn = http1_head_framing(&head, response.minor, framing, error);
    if (turn == HTTP1_DONE)
        turn = response_framing(&response, &head, request_method, framing, error);
    if (turn == HTTP1_BAD)
        error->status = 502;
    if (turn != HTTP1_DONE)
        return turn;
    *out = response;
    *used = (size_t)(reader.at - in);
    return HTTP1_DONE;
}
