#include "wire/http2_head.h"

#include "base/text.h"
#include "wire/authority.h"
#include "wire/http_char.h"

enum { FIELD_OVERHEAD = 32 };

enum pseudo {
    PSEUDO_METHOD = 1,
    PSEUDO_SCHEME = 2,
    PSEUDO_AUTHORITY = 4,
    PSEUDO_PATH = 8,
    PSEUDO_PROTOCOL = 16,
    PSEUDO_STATUS = 32,
};

void http2_head_init(struct http2_head *head, struct arena *arena, const struct http1_limits *limits)
{
    *head = (struct http2_head){.arena = arena, .limits = limits};
    http_fields_init(&head->fields, arena);
}

static void refuse(struct http2_head *head, unsigned status, const char *sentence)
{
    if (!head->error.sentence)
        head->error = (struct http1_error){.status = status, .sentence = sentence};
}

/* A limit has bitten. */
static void over(struct http2_head *head, unsigned status, enum limit limit, const char *sentence)
{
    if (!head->error.sentence)
        head->error = (struct http1_error){status, sentence, limit};
}

/* ---- fields ------------------------------------------------------------------------ */

/* Where a pseudo-field's value goes, and its bit. */
static unsigned pseudo_find(struct http2_head *head, struct bytes name, struct bytes **value)
{
    static const struct bytes names[] = {BYTES_INIT(":method"),    BYTES_INIT(":scheme"),
                                         BYTES_INIT(":authority"), BYTES_INIT(":path"),
                                         BYTES_INIT(":protocol"),  BYTES_INIT(":status")};
    struct bytes *values[] = {&head->method, &head->scheme, &head->authority, &head->path, &head->protocol};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (bytes_equal(names[i], name)) {
            *value = i < sizeof values / sizeof values[0] ? values[i] : NULL;
            return 1u << i;
        }
    return 0;
}

static void pseudo_field(struct http2_head *head, struct bytes name, struct bytes value)
{
    struct bytes *at = NULL;
    unsigned bit = pseudo_find(head, name, &at);
    uint64_t status = 0;
    if (!bit)
        refuse(head, 400, "a pseudo-header field is none that is known");
    else if (head->regular)
        refuse(head, 400, "a pseudo-header field comes after other fields");
    else if (head->pseudo & bit)
        refuse(head, 400, "a pseudo-header field comes twice");
    else if (bit == PSEUDO_STATUS && (value.len != 3 || !bytes_to_u64(value, 599, &status) || status < 100))
        refuse(head, 400, "the status is no number from 100 to 599");
    head->pseudo |= bit;
    head->status = (unsigned)status;
    if (at)
        *at = arena_bytes(head->arena, value);
}

static bool name_ok(struct bytes name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!name.at[i] || http_char_lower[(unsigned char)name.at[i]] != name.at[i])
            return false; /* no token, or upper case */
    return name.len > 0;
}

static bool value_ok(struct bytes value)
{
    return http_value_end(value.at, value.at + value.len) == value.at + value.len &&
           bytes_trim(value).len == value.len;
}

static void cookie_add(struct http2_head *head, struct bytes crumb)
{
    struct text joined;
    if (!head->cookie.len) {
        head->cookie = arena_bytes(head->arena, crumb);
        return;
    }
    text_init_arena(&joined, head->arena);
    text_add(&joined, head->cookie);
    text_add_s(&joined, "; ");
    text_add(&joined, crumb);
    head->cookie = text_bytes(&joined);
}

static void length_field(struct http2_head *head, struct bytes value)
{
    uint64_t length = 0;
    if (!bytes_to_u64(value, INT64_MAX, &length))
        refuse(head, 400, "Content-Length is not one decimal number");
    else if (head->sized)
        refuse(head, 400, "there is more than one Content-Length field");
    head->sized = true;
    head->length = length;
}

static void host_field(struct http2_head *head, struct bytes value)
{
    if (head->host.len)
        refuse(head, 400, "there is more than one Host field");
    head->host = value;
}

static void regular_field(struct http2_head *head, struct bytes name, struct bytes value)
{
    enum http_known known = http_known_find(name);
    struct bytes kept = arena_bytes(head->arena, value);
    switch (known) {
    case HTTP_CONNECTION:
    case HTTP_KEEP_ALIVE:
    case HTTP_PROXY_CONNECTION:
    case HTTP_TRANSFER_ENCODING:
    case HTTP_UPGRADE: /* RFC 9113 8.2.2 */
        refuse(head, 400, "a header field belongs to connections, which HTTP/2 has no words for");
        return;
    case HTTP_TE:
        if (!bytes_equal_nocase(value, BYTES("trailers")))
            refuse(head, 400, "TE says something other than trailers");
        break;
    case HTTP_CONTENT_LENGTH:
        length_field(head, value);
        return;
    case HTTP_HOST:
        host_field(head, kept);
        return;
    case HTTP_COOKIE: /* RFC 9113 8.2.3 */
        cookie_add(head, value);
        return;
    case HTTP_EXPECT:
        if (!bytes_equal_nocase(value, BYTES("100-continue")))
            refuse(head, 417, "the Expect header wants something other than 100-continue");
        head->expect_continue = true;
        break;
    default:
        break;
    }
    if (known != HTTP_OTHER)
        http_fields_add_known(&head->fields, known, kept);
    else
        http_fields_add(&head->fields, arena_bytes(head->arena, name), kept);
}

void http2_head_field(struct http2_head *head, struct bytes name, struct bytes value)
{
    const struct http1_limits *limits = head->limits;
    bool is_pseudo = name.len && name.at[0] == ':';
    head->size += name.len + value.len + FIELD_OVERHEAD;
    if (head->size > limits->head_max)
        over(head, 431, LIMIT_HEAD_BYTES, "the header section is too long");
    else if (++head->count > limits->fields_max)
        over(head, 431, LIMIT_FIELDS, "there are too many header fields");
    else if (name.len > limits->name_max)
        over(head, 431, LIMIT_NAME_BYTES, "a header's name is too long");
    else if (limits->no_underscores && bytes_find(name, '_') < name.len)
        over(head, 400, LIMIT_UNDERSCORES, "a header's name holds '_'");
    else if (!name_ok(is_pseudo ? bytes_part(name, 1, name.len) : name))
        refuse(head, 400, "a header's name holds a character that no name may hold");
    else if (!value_ok(value))
        refuse(head, 400, "a header's value holds a control character, or white space around it");
    if (head->error.sentence)
        return; /* read on only for the sake of the compression's state */
    if (is_pseudo) {
        pseudo_field(head, name, value);
        return;
    }
    head->regular = true;
    regular_field(head, name, value);
}

/* ---- requests ------------------------------------------------------------------------ */

static bool path_ok(struct bytes path)
{
    for (size_t i = 0; i < path.len; i++)
        if (!http_char_is(path.at[i], HTTP_CHAR_TARGET))
            return false;
    return path.len && path.at[0] == '/';
}

static void authority_check(struct http2_head *head)
{
    struct authority named, host;
    if (head->authority.len && !authority_split(head->authority, &named))
        refuse(head, 400, "the authority is not HOST or HOST:PORT");
    if (head->host.len && !authority_split(head->host, &host))
        refuse(head, 400, "the Host field is not HOST or HOST:PORT");
    if (head->error.sentence)
        return;
    if (!head->authority.len && !head->host.len)
        refuse(head, 400, "there is neither an authority nor a Host field");
    else if (head->authority.len && head->host.len && !authority_agree(head->scheme, &named, &host))
        refuse(head, 400, "the Host field and the authority name different hosts");
}

static void connect_check(struct http2_head *head)
{
    struct authority to;
    if (head->pseudo & (PSEUDO_SCHEME | PSEUDO_PATH))
        refuse(head, 400, "CONNECT has a scheme or a path");
    else if (!authority_split(head->authority, &to) || !to.port.len)
        refuse(head, 400, "the target of CONNECT is not HOST:PORT");
    else if (head->sized && head->length) /* what follows is the tunnel's (RFC 9113 8.5) */
        refuse(head, 400, "CONNECT has a body");
}

static void target_check(struct http2_head *head)
{
    bool all = bytes_equal(head->method, BYTES("OPTIONS")) && bytes_equal(head->path, BYTES("*"));
    if (!head->scheme.len)
        refuse(head, 400, "there is no scheme");
    else if (!(head->pseudo & PSEUDO_PATH))
        refuse(head, 400, "there is no path");
    else if (head->path.len > head->limits->line_max)
        over(head, 414, LIMIT_LINE_BYTES, "the path is too long");
    else if (bytes_find(head->path, '#') < head->path.len)
        refuse(head, 400, "the path has a fragment");
    else if (!all && !path_ok(head->path))
        refuse(head, 400, "the path does not begin with / or holds a character that no path may hold");
}

static void request_check(struct http2_head *head)
{
    bool connect = bytes_equal(head->method, BYTES("CONNECT"));
    bool extended = (head->pseudo & PSEUDO_PROTOCOL) != 0;
    if (head->pseudo & PSEUDO_STATUS)
        refuse(head, 400, "a request has a status");
    else if (!http_is_token(head->method))
        refuse(head, 400, "the method is none");
    else if (bytes_equal(head->method, BYTES("TRACE"))) /* would echo what we and others added */
        refuse(head, 405, "TRACE is not allowed");
    else if (extended && (!connect || !http_is_token(head->protocol)))
        refuse(head, 400, "a protocol is named by something other than CONNECT");
    else if (extended &&
             (bytes_equal_nocase(head->protocol, BYTES("h2c")) ||
              bytes_equal_nocase(head->protocol, BYTES("h2")))) /* requests that nobody would judge */
        refuse(head, 501, "a tunnel for HTTP/2 is not made");
    else if (connect && !extended)
        connect_check(head);
    else
        target_check(head);
    authority_check(head);
}

static bool wellformed(const struct http2_head *head)
{
    return !head->error.sentence;
}

bool http2_head_request(struct http2_head *head, struct http_request *out, struct bytes *protocol)
{
    bool extended = (head->pseudo & PSEUDO_PROTOCOL) != 0;
    if (wellformed(head))
        request_check(head);
    if (!wellformed(head))
        return false;
    if (head->cookie.len)
        http_fields_add_known(&head->fields, HTTP_COOKIE, head->cookie);
    *protocol = extended ? head->protocol : (struct bytes){0};
    *out = (struct http_request){
        .method = extended ? BYTES("GET") : head->method,
        .target = head->path,
        .authority = authority_text(head->authority.len ? head->authority : head->host),
        .path = head->path,
        .fields = head->fields,
        .minor = 2,
    };
    if (bytes_equal_nocase(head->scheme, BYTES("http")))
        out->scheme = BYTES("http");
    else if (bytes_equal_nocase(head->scheme, BYTES("https")))
        out->scheme = BYTES("https");
    return true;
}

/* ---- responses, trailers --------------------------------------------------------------- */

/* The answer to HEAD and a 304 keep their Content-Length as a field: it frames nothing there. */
static void length_keep(struct http2_head *head, struct bytes request_method)
{
    bool bare = head->status == 304 || bytes_equal(request_method, BYTES("HEAD"));
    if (bare && head->sized)
        http_fields_add_known(&head->fields, HTTP_CONTENT_LENGTH,
                              arena_format(head->arena, "%llu", (unsigned long long)head->length));
}

bool http2_head_response(struct http2_head *head, struct bytes request_method, struct http_response *out)
{
    if (head->pseudo != PSEUDO_STATUS)
        refuse(head, 502, "a response has pseudo-header fields other than its status");
    else if (head->status == 101)
        refuse(head, 502, "a response is 101, which HTTP/2 does not have");
    if (!wellformed(head))
        return false;
    length_keep(head, request_method);
    if (head->cookie.len)
        http_fields_add_known(&head->fields, HTTP_COOKIE, head->cookie);
    *out = (struct http_response){
        .status = head->status,
        .reason = bytes_of(http_reason(head->status)),
        .fields = head->fields,
        .minor = 2,
    };
    return true;
}

bool http2_head_trailers(struct http2_head *head)
{
    if (head->pseudo)
        refuse(head, 400, "trailers have a pseudo-header field");
    else if (head->sized || head->host.len || head->cookie.len)
        refuse(head, 400, "trailers have a field that belongs into the head");
    for (uint32_t i = 0; i < head->fields.count;)
        if (http_is_trailer(head->fields.at[i].name))
            i++;
        else
            http_fields_remove_name(&head->fields, head->fields.at[i].name);
    return wellformed(head);
}
