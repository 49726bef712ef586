#include "wire/http1_head.h"

#include <string.h>

#include "wire/http_char.h"

/* RFC 9112 2.2 asks to overlook at least one empty line before a request; old clients send one after a body.
 */
#define EMPTY_LINES_MAX 4

const struct http1_limits http1_limits_default = {
    .line_max = 8 * 1024,
    .head_max = 32 * 1024,
    .name_max = 256,
    .fields_max = 100,
};

enum http1_turn http1_refuse(struct http1_error *error, unsigned status, const char *sentence)
{
    *error = (struct http1_error){status, sentence, LIMIT_NONE};
    return HTTP1_BAD;
}

enum http1_turn http1_over(struct http1_error *error, enum limit limit, const char *sentence)
{
    *error = (struct http1_error){limit == LIMIT_LINE_BYTES ? 414 : 431, sentence, limit};
    return HTTP1_BAD;
}

enum http1_turn http1_version(struct http1_reader *reader, int *minor)
{
    static const char pattern[] = "HTTP/1.1";
    size_t len = (size_t)(reader->end - reader->at);
    for (size_t i = 0; i < sizeof pattern - 1; i++) {
        if (i == len)
            return HTTP1_MORE;
        bool digit = pattern[i] == '1';
        if (digit ? !ascii_is_digit(reader->at[i]) : reader->at[i] != pattern[i])
            return http1_refuse(reader->error, 400, "the HTTP version is not written as HTTP/1.1");
    }
    if (reader->at[5] != '1')
        return http1_refuse(reader->error, 505, "the HTTP version is neither 1.0 nor 1.1");
    *minor = reader->at[7] != '0';
    reader->at += sizeof pattern - 1;
    return HTTP1_DONE;
}

static enum http1_turn refuse_name(struct http1_reader *reader, const char *name, const char *at)
{
    if (at == name && (*at == ' ' || *at == '\t'))
        return http1_refuse(reader->error, 400, "a header line begins with white space");
    if (at == name && *at == ':')
        return http1_refuse(reader->error, 400, "a header field has no name");
    if (*at == ' ' || *at == '\t')
        return http1_refuse(reader->error, 400, "white space stands between a header's name and its colon");
    if (*at == '\r' || *at == '\n')
        return http1_refuse(reader->error, 400, "a header line has no colon");
    return http1_refuse(reader->error, 400, "a header's name holds a character that no name may hold");
}

/* The CRLF at `at`. */
static enum http1_turn line_end(struct http1_reader *reader, const char *at)
{
    if (at == reader->end)
        return HTTP1_MORE;
    if (*at == '\n')
        return http1_refuse(reader->error, 400, "a line ends with LF alone");
    if (*at != '\r')
        return http1_refuse(reader->error, 400, "a header's value holds a control character");
    if (at + 1 == reader->end)
        return HTTP1_MORE;
    if (at[1] != '\n')
        return http1_refuse(reader->error, 400, "a CR is not followed by LF");
    reader->at += (at - reader->at) + 2;
    return HTTP1_DONE;
}

enum http1_turn http1_field_line(struct http1_reader *reader, struct bytes *name, struct bytes *value)
{
    char *start = reader->at, *at = start;
    char lower;
    while (at < reader->end && (lower = http_char_lower[(unsigned char)*at]) != 0)
        *at++ = lower;
    if ((size_t)(at - start) > reader->limits->name_max)
        return http1_over(reader->error, LIMIT_NAME_BYTES, "a header's name is too long");
    if (at == reader->end)
        return HTTP1_MORE;
    *name = bytes_make(start, (size_t)(at - start));
    if (at == start && (*at == '\r' || *at == '\n'))
        return line_end(reader, at);
    if (at == start || *at != ':')
        return refuse_name(reader, start, at);
    const char *from = at + 1;
    while (from < reader->end && (*from == ' ' || *from == '\t'))
        from++;
    const char *to = http_value_end(from, reader->end);
    enum http1_turn turn = line_end(reader, to);
    while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
        to--;
    *value = bytes_make(from, (size_t)(to - from));
    return turn;
}

/* Connection: our own words are noted, any other option names a field that must not travel on. */
static enum http1_turn connection_options(struct http1_head *head, struct bytes value,
                                          struct http1_error *error)
{
    struct bytes option;
    bool more;
    do {
        more = bytes_cut(&value, ',', &option);
        option = bytes_trim(option);
        if (bytes_equal_nocase(option, BYTES("close")))
            head->close = true;
        else if (bytes_equal_nocase(option, BYTES("keep-alive")))
            head->keep_alive = true;
        else if (bytes_equal_nocase(option, BYTES("upgrade")))
            head->upgrade_named = true;
        else if (option.len && !bytes_equal_nocase(option, BYTES("te"))) {
            if (head->named_count == HTTP1_NAMED_MAX)
                return http1_refuse(error, 400, "the Connection header names too many fields");
            head->named[head->named_count++] = option;
        }
    } while (more);
    return HTTP1_DONE;
}

/* Keep-Alive: timeout=N (RFC 2068 19.7.1.1; Node and Apache say it). A hint: what is none is passed over. */
static void keep_alive_hint(struct http1_head *head, struct bytes value)
{
    const struct bytes name = BYTES("timeout=");
    struct bytes part;
    uint64_t seconds;
    bool more;
    do {
        more = bytes_cut(&value, ',', &part);
        part = bytes_trim(part);
        if (bytes_starts(part, name) &&
            bytes_to_u64(bytes_part(part, name.len, part.len), UINT32_MAX, &seconds))
            head->rest_s = (uint32_t)seconds;
    } while (more);
}

static enum http1_turn expectation(struct http1_head *head, struct bytes value, struct http1_error *error)
{
    if (!bytes_equal_nocase(value, BYTES("100-continue")))
        return http1_refuse(error, 417, "the Expect header wants something other than 100-continue");
    head->expect_continue = true;
    http_fields_add_known(head->fields, HTTP_EXPECT, value);
    return HTTP1_DONE;
}

static struct bytes join(struct arena *arena, struct bytes old, struct bytes more)
{
    if (old.len == 0)
        return more;
    return arena_join(arena, (const struct bytes[]){old, BYTES(", "), more}, 3);
}

static enum http1_turn head_field(struct http1_head *head, struct bytes name, struct bytes value,
                                  struct http1_error *error)
{
    enum http_known known = http_known_find(name);
    switch (known) {
    case HTTP_CONTENT_LENGTH:
        head->lengths++;
        head->length = value;
        return HTTP1_DONE;
    case HTTP_TRANSFER_ENCODING:
        head->codings++;
        head->coding = value;
        return HTTP1_DONE;
    case HTTP_CONNECTION:
        return connection_options(head, value, error);
    case HTTP_UPGRADE:
        head->upgrade = join(head->fields->arena, head->upgrade, value);
        return HTTP1_DONE;
    case HTTP_TE:
        head->trailers_wanted |= http_list_has(value, BYTES("trailers"));
        return HTTP1_DONE;
    case HTTP_KEEP_ALIVE:
        keep_alive_hint(head, value);
        return HTTP1_DONE;
    case HTTP_PROXY_CONNECTION:
        return HTTP1_DONE;
    case HTTP_HOST:
        if (!head->request)
            break;
        head->hosts++;
        head->host = value;
        return HTTP1_DONE;
    case HTTP_EXPECT:
        if (!head->request)
            break;
        return expectation(head, value, error);
    default:
        break;
    }
    http_fields_add(head->fields, name, value);
    return HTTP1_DONE;
}

static void skip_empty_lines(struct http1_reader *reader)
{
    for (int i = 0; i < EMPTY_LINES_MAX; i++)
        if (reader->end - reader->at >= 2 && reader->at[0] == '\r' && reader->at[1] == '\n')
            reader->at += 2;
}

/*
 * Judges the line that ends at `end`, for a head of which the end has not come
 * yet: rubbish is refused at once and not after a time-out. DONE at the empty
 * line, MORE otherwise.
 */
static enum http1_turn line_check(const struct http1_reader *whole, char *line, char *end,
                                  http1_start_line *start, void *message)
{
    struct http1_reader first = *whole;
    skip_empty_lines(&first);
    struct http1_reader reader = *whole;
    reader.at = line;
    reader.end = end;
    if (line < first.at)
        return HTTP1_MORE;
    struct bytes name = {0}, value = {0};
    enum http1_turn turn =
        line == first.at ? start(&reader, message) : http1_field_line(&reader, &name, &value);
    if (turn == HTTP1_DONE && (line == first.at || name.len))
        return HTTP1_MORE;
    return turn;
}

/* Goes over the lines that have come since the last call; every byte is looked at once. */
static enum http1_turn head_grown(const struct http1_reader *whole, size_t *seen, http1_start_line *start,
                                  void *message)
{
    char *in = whole->at;
    while (in + *seen < whole->end) {
        char *lf = memchr(in + *seen, '\n', (size_t)(whole->end - in) - *seen);
        if (!lf)
            break;
        char *before = lf > in ? memrchr(in, '\n', (size_t)(lf - in)) : NULL;
        enum http1_turn turn = line_check(whole, before ? before + 1 : in, lf + 1, start, message);
        if (turn != HTTP1_MORE)
            return turn;
        *seen = (size_t)(lf + 1 - in);
    }
    return HTTP1_MORE;
}

static enum http1_turn refuse_underscore(struct http1_error *error)
{
    *error = (struct http1_error){400, "a header's name holds '_'", LIMIT_UNDERSCORES};
    return HTTP1_BAD;
}

/* The start line and all field lines in one pass. */
static enum http1_turn head_pass(struct http1_reader *reader, http1_start_line *start, void *message,
                                 struct http1_head *head)
{
    struct bytes name = {0}, value = {0};
    skip_empty_lines(reader);
    enum http1_turn turn = start(reader, message);
    while (turn == HTTP1_DONE) {
        turn = http1_field_line(reader, &name, &value);
        if (turn != HTTP1_DONE || name.len == 0)
            break;
        if (++head->lines > reader->limits->fields_max)
            return http1_over(reader->error, LIMIT_FIELDS, "there are too many header fields");
        if (reader->limits->no_underscores && bytes_find(name, '_') < name.len)
            return refuse_underscore(reader->error);
        turn = head_field(head, name, value, reader->error);
    }
    return turn;
}

enum http1_turn http1_head_read(struct http1_reader *reader, size_t *seen, http1_start_line *start,
                                void *message, struct http1_head *head)
{
    const char *in = reader->at;
    size_t len = (size_t)(reader->end - in);
    enum http1_turn turn = *seen ? head_grown(reader, seen, start, message) : HTTP1_DONE;
    if (turn == HTTP1_DONE)
        turn = head_pass(reader, start, message, head);
    if (turn == HTTP1_MORE)
        *seen = len;
    size_t taken = turn == HTTP1_DONE ? (size_t)(reader->at - in) : len;
    if (turn != HTTP1_BAD &&
        (taken > reader->limits->head_max || (turn == HTTP1_MORE && len == reader->limits->head_max)))
        return http1_over(reader->error, LIMIT_HEAD_BYTES, "the header section is too long");
    return turn;
}

static void drop_named(struct http1_head *head)
{
    for (unsigned i = 0; i < head->named_count; i++)
        for (uint32_t k = 0; k < head->fields->count; k++)
            if (bytes_equal_nocase(head->fields->at[k].name, head->named[i])) {
                http_fields_remove_name(head->fields, head->fields->at[k].name);
                break;
            }
}

static enum http1_turn chunked_framing(const struct http1_head *head, int minor,
                                       struct http1_framing *framing, struct http1_error *error)
{
    if (minor == 0)
        return http1_refuse(error, 400, "Transfer-Encoding has no meaning in HTTP/1.0");
    if (head->lengths)
        return http1_refuse(error, 400, "Content-Length and Transfer-Encoding stand together");
    if (head->codings > 1)
        return http1_refuse(error, 400, "there is more than one Transfer-Encoding field");
    if (!bytes_equal_nocase(head->coding, BYTES("chunked")))
        return http1_refuse(error, 501, "Transfer-Encoding is not chunked and nothing else");
    framing->body = HTTP1_BODY_CHUNKED;
    return HTTP1_DONE;
}

static enum http1_turn length_framing(const struct http1_head *head, struct http1_framing *framing,
                                      struct http1_error *error)
{
    if (head->lengths > 1)
        return http1_refuse(error, 400, "there is more than one Content-Length field");
    if (!bytes_to_u64(head->length, INT64_MAX, &framing->length))
        return http1_refuse(error, 400, "Content-Length is not one decimal number");
    framing->body = HTTP1_BODY_LENGTH;
    return HTTP1_DONE;
}

enum http1_turn http1_head_framing(struct http1_head *head, int minor, struct http1_framing *framing,
                                   struct http1_error *error)
{
    *framing = (struct http1_framing){
        .keep_alive = !head->close && (minor == 1 || head->keep_alive),
        .rest_s = head->rest_s,
        .expect_continue = head->expect_continue && minor == 1,
    };
    if (head->upgrade_named && minor == 1)
        framing->upgrade = head->upgrade;
    drop_named(head);
    if (head->trailers_wanted)
        http_fields_add_known(head->fields, HTTP_TE, BYTES("trailers"));
    if (head->codings)
        return chunked_framing(head, minor, framing, error);
    return head->lengths ? length_framing(head, framing, error) : HTTP1_DONE;
}
