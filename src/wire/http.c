#include "wire/http.h"

#include <string.h>
#include <time.h>

#include "base/text.h"
#include "wire/http_char.h"

/* Length and first letter tell the known names apart; two names in one slot would not compile
 * (override-init). */
#define SLOTS 64
#define SLOT(len, first) (((unsigned)(len) + 5U * (unsigned char)(first)) % SLOTS)

#define KNOWN(X)                                                                                             \
    X(HTTP_ACCEPT, 'a', "accept")                                                                            \
    X(HTTP_AUTHORIZATION, 'a', "authorization")                                                              \
    X(HTTP_CONNECTION, 'c', "connection")                                                                    \
    X(HTTP_CONTENT_LENGTH, 'c', "content-length")                                                            \
    X(HTTP_CONTENT_TYPE, 'c', "content-type")                                                                \
    X(HTTP_COOKIE, 'c', "cookie")                                                                            \
    X(HTTP_DATE, 'd', "date")                                                                                \
    X(HTTP_EXPECT, 'e', "expect")                                                                            \
    X(HTTP_HOST, 'h', "host")                                                                                \
    X(HTTP_KEEP_ALIVE, 'k', "keep-alive")                                                                    \
    X(HTTP_ORIGIN, 'o', "origin")                                                                            \
    X(HTTP_PROXY_AUTHENTICATE, 'p', "proxy-authenticate")                                                    \
    X(HTTP_PROXY_AUTHORIZATION, 'p', "proxy-authorization")                                                  \
    X(HTTP_PROXY_CONNECTION, 'p', "proxy-connection")                                                        \
    X(HTTP_SERVER, 's', "server")                                                                            \
    X(HTTP_TE, 't', "te")                                                                                    \
    X(HTTP_TRACEPARENT, 't', "traceparent")                                                                  \
    X(HTTP_TRACESTATE, 't', "tracestate")                                                                    \
    X(HTTP_TRAILER, 't', "trailer")                                                                          \
    X(HTTP_TRANSFER_ENCODING, 't', "transfer-encoding")                                                      \
    X(HTTP_UPGRADE, 'u', "upgrade")                                                                          \
    X(HTTP_USER_AGENT, 'u', "user-agent")                                                                    \
    X(HTTP_X_FORWARDED_CLIENT_CERT, 'x', "x-forwarded-client-cert")                                          \
    X(HTTP_X_FORWARDED_FOR, 'x', "x-forwarded-for")                                                          \
    X(HTTP_X_FORWARDED_PROTO, 'x', "x-forwarded-proto")                                                      \
    X(HTTP_X_REQUEST_ID, 'x', "x-request-id")

#define NAME(known, first, text) [known] = BYTES_INIT(text),
#define PLACE(known, first, text) [SLOT(sizeof(text) - 1, first)] = known,

const struct bytes http_known_names[HTTP_KNOWN_COUNT] = {[HTTP_OTHER] = BYTES_INIT(""), KNOWN(NAME)};
static const uint8_t known_slots[SLOTS] = {KNOWN(PLACE)};

enum http_known http_known_find(struct bytes lower_name)
{
    if (lower_name.len == 0)
        return HTTP_OTHER;
    enum http_known known = known_slots[SLOT(lower_name.len, lower_name.at[0])];
    return bytes_equal(http_known_names[known], lower_name) ? known : HTTP_OTHER;
}

void http_fields_init(struct http_fields *fields, struct arena *arena)
{
    *fields = (struct http_fields){.arena = arena};
}

static void fields_push(struct http_fields *fields, struct http_field field)
{
    if (fields->count == fields->room) {
        uint32_t room = fields->room ? fields->room * 2 : 24;
        struct http_field *at = arena_room(fields->arena, room * sizeof *at);
        for (uint32_t i = 0; i < fields->count; i++)
            at[i] = fields->at[i];
        fields->at = at;
        fields->room = room;
    }
    fields->at[fields->count++] = field;
}

void http_fields_add(struct http_fields *fields, struct bytes name, struct bytes value)
{
    fields_push(fields, (struct http_field){name, value, http_known_find(name)});
}

void http_fields_add_known(struct http_fields *fields, enum http_known known, struct bytes value)
{
    fields_push(fields, (struct http_field){http_known_names[known], value, known});
}

static bool field_is(const struct http_field *field, enum http_known known, struct bytes lower_name)
{
    if (known != HTTP_OTHER)
        return field->known == known;
    return field->known == HTTP_OTHER && bytes_equal(field->name, lower_name);
}

struct http_field *http_fields_find(const struct http_fields *fields, enum http_known known)
{
    for (uint32_t i = 0; i < fields->count; i++)
        if (fields->at[i].known == known)
            return &fields->at[i];
    return NULL;
}

struct http_field *http_fields_find_name(const struct http_fields *fields, struct bytes lower_name)
{
    enum http_known known = http_known_find(lower_name);
    for (uint32_t i = 0; i < fields->count; i++)
        if (field_is(&fields->at[i], known, lower_name))
            return &fields->at[i];
    return NULL;
}

static struct bytes join_values(const struct http_fields *fields, struct bytes lower_name, size_t len,
                                struct arena *arena)
{
    enum http_known known = http_known_find(lower_name);
    char *at = arena_raw(arena, len);
    size_t filled = 0;
    const char *comma = "";
    for (uint32_t i = 0; i < fields->count; i++) {
        struct bytes value = fields->at[i].value;
        if (!field_is(&fields->at[i], known, lower_name))
            continue;
        if (*comma)
            at[filled++] = *comma;
        if (value.len)
            memcpy(at + filled, value.at, value.len);
        filled += value.len;
        comma = ",";
    }
    return bytes_make(at, filled);
}

bool http_fields_join(const struct http_fields *fields, struct bytes lower_name, struct arena *arena,
                      struct bytes *out)
{
    enum http_known known = http_known_find(lower_name);
    const struct http_field *one = NULL;
    size_t count = 0, len = 0;
    for (uint32_t i = 0; i < fields->count; i++) {
        if (!field_is(&fields->at[i], known, lower_name))
            continue;
        one = &fields->at[i];
        count++;
        len += one->value.len + 1;
    }
    if (!one)
        return false;
    *out = count == 1 ? one->value : join_values(fields, lower_name, len, arena);
    return true;
}

static unsigned fields_drop(struct http_fields *fields, enum http_known known, struct bytes lower_name)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < fields->count; i++)
        if (!field_is(&fields->at[i], known, lower_name))
            fields->at[kept++] = fields->at[i];
    unsigned gone = fields->count - kept;
    fields->count = kept;
    return gone;
}

unsigned http_fields_remove(struct http_fields *fields, enum http_known known)
{
    return known == HTTP_OTHER ? 0 : fields_drop(fields, known, http_known_names[known]);
}

unsigned http_fields_remove_name(struct http_fields *fields, struct bytes lower_name)
{
    return fields_drop(fields, http_known_find(lower_name), lower_name);
}

void http_fields_set(struct http_fields *fields, struct bytes lower_name, struct bytes value)
{
    http_fields_remove_name(fields, lower_name);
    http_fields_add(fields, lower_name, value);
}

bool http_is_token(struct bytes b)
{
    for (size_t i = 0; i < b.len; i++)
        if (!http_char_is(b.at[i], HTTP_CHAR_TOKEN))
            return false;
    return b.len > 0;
}

bool http_is_value(struct bytes b)
{
    return b.len == 0 || http_value_end(b.at, b.at + b.len) == b.at + b.len;
}

bool http_list_has(struct bytes value, struct bytes token)
{
    struct bytes element;
    bool more;
    do {
        more = bytes_cut(&value, ',', &element);
        if (bytes_equal_nocase(bytes_trim(element), token))
            return true;
    } while (more);
    return false;
}

/* RFC 9110 15 and the IANA registry. */
static const struct {
    unsigned status;
    const char *text;
} reasons[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {102, "Processing"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {207, "Multi-Status"},
    {208, "Already Reported"},
    {226, "IM Used"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {506, "Variant Also Negotiates"},
    {507, "Insufficient Storage"},
    {508, "Loop Detected"},
    {511, "Network Authentication Required"},
};

const char *http_reason(unsigned status)
{
    size_t low = 0, high = sizeof reasons / sizeof reasons[0];
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (reasons[middle].status == status)
            return reasons[middle].text;
        if (reasons[middle].status < status)
            low = middle + 1;
        else
            high = middle;
    }
    return "Unknown";
}

/* Not strftime: a locale must not change it. */
void http_date(int64_t wall_s, char out[HTTP_DATE_SIZE])
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t when = (time_t)wall_s;
    struct tm tm;
    struct text text;
    text_init_fixed(&text, out, HTTP_DATE_SIZE);
    gmtime_r(&when, &tm);
    text_format(&text, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
                tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* RFC 9110 6.5.1: what frames, routes, identifies or describes the message must be known before its body. */
static const struct bytes refused_trailers[] = {
    BYTES_INIT("age"),          BYTES_INIT("authorization"), BYTES_INIT("cache-control"),
    BYTES_INIT("connection"),   BYTES_INIT("cookie"),        BYTES_INIT("date"),
    BYTES_INIT("expect"),       BYTES_INIT("expires"),       BYTES_INIT("forwarded"),
    BYTES_INIT("host"),         BYTES_INIT("keep-alive"),    BYTES_INIT("location"),
    BYTES_INIT("max-forwards"), BYTES_INIT("origin"),        BYTES_INIT("pragma"),
    BYTES_INIT("range"),        BYTES_INIT("retry-after"),   BYTES_INIT("set-cookie"),
    BYTES_INIT("te"),           BYTES_INIT("traceparent"),   BYTES_INIT("tracestate"),
    BYTES_INIT("trailer"),      BYTES_INIT("upgrade"),       BYTES_INIT("transfer-encoding"),
    BYTES_INIT("vary"),         BYTES_INIT("via"),           BYTES_INIT("www-authenticate"),
    BYTES_INIT("x-request-id"),
};
static const struct bytes refused_prefixes[] = {
    BYTES_INIT("content-"),     BYTES_INIT("if-"),      BYTES_INIT("proxy-"),
    BYTES_INIT("x-forwarded-"), BYTES_INIT("x-envoy-"),
};

bool http_is_trailer(struct bytes lower_name)
{
    for (size_t i = 0; i < sizeof refused_trailers / sizeof refused_trailers[0]; i++)
        if (bytes_equal(lower_name, refused_trailers[i]))
            return false;
    for (size_t i = 0; i < sizeof refused_prefixes / sizeof refused_prefixes[0]; i++)
        if (bytes_starts(lower_name, refused_prefixes[i]))
            return false;
    return true;
}
