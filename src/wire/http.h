/*
 * http: a request's or response's head, whatever version carried it.
 *
 * Field names are lower case here; HTTP/1 readers fold them as they read, so
 * that stripping, matching and HTTP/2 see one form. Order is kept, repeats are
 * separate fields. Bytes are borrowed from the connection's buffer or lie in
 * the exchange's arena. RFC 9110, 5 and 6.
 */
#ifndef WIRE_HTTP_H
#define WIRE_HTTP_H

#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"

/* Fields the data path asks for by number. http_known_names has the texts. */
enum http_known {
    HTTP_OTHER,
    HTTP_ACCEPT,
    HTTP_AUTHORIZATION,
    HTTP_CONNECTION,
    HTTP_CONTENT_LENGTH,
    HTTP_CONTENT_TYPE,
    HTTP_COOKIE,
    HTTP_DATE,
    HTTP_EXPECT,
    HTTP_HOST,
    HTTP_KEEP_ALIVE,
    HTTP_ORIGIN,
    HTTP_PROXY_AUTHENTICATE,
    HTTP_PROXY_AUTHORIZATION,
    HTTP_PROXY_CONNECTION,
    HTTP_SERVER,
    HTTP_TE,
    HTTP_TRACEPARENT,
    HTTP_TRACESTATE,
    HTTP_TRAILER,
    HTTP_TRANSFER_ENCODING,
    HTTP_UPGRADE,
    HTTP_USER_AGENT,
    HTTP_X_FORWARDED_CLIENT_CERT,
    HTTP_X_FORWARDED_FOR,
    HTTP_X_FORWARDED_PROTO,
    HTTP_X_REQUEST_ID,
    HTTP_KNOWN_COUNT,
};

extern const struct bytes http_known_names[HTTP_KNOWN_COUNT];

struct http_field {
    struct bytes name; /* lower case */
    struct bytes value;
    enum http_known known;
};

struct http_fields {
    struct http_field *at;
    uint32_t count;
    uint32_t room;
    struct arena *arena;
};

struct http_request {
    struct bytes method;
    struct bytes target;    /* as it came, before anything was done to it */
    struct bytes scheme;    /* "http", "https" */
    struct bytes authority; /* host[:port]; from the target's authority if it has one, else the Host field */
    struct bytes path;      /* origin-form with its query, or "*"; empty for CONNECT */
    struct http_fields fields; /* the Host field is not among them: see authority */
    int minor;                 /* HTTP/1.minor; 2 for HTTP/2 */
};

struct http_response {
    unsigned status; /* 100..599 */
    struct bytes reason;
    struct http_fields fields;
    int minor;
};

enum http_known http_known_find(struct bytes lower_name);

void http_fields_init(struct http_fields *fields, struct arena *arena);
/* `name` must be lower case already. */
void http_fields_add(struct http_fields *fields, struct bytes name, struct bytes value);
void http_fields_add_known(struct http_fields *fields, enum http_known known, struct bytes value);
/* The first of that name, or NULL. */
struct http_field *http_fields_find(const struct http_fields *fields, enum http_known known);
struct http_field *http_fields_find_name(const struct http_fields *fields, struct bytes lower_name);
/* All values of the name joined by ","; false when the field is absent. One value is not copied. */
bool http_fields_join(const struct http_fields *fields, struct bytes lower_name, struct arena *arena,
                      struct bytes *out);
/* Removes all of that name, keeps the order of the rest, answers how many went. */
unsigned http_fields_remove(struct http_fields *fields, enum http_known known);
unsigned http_fields_remove_name(struct http_fields *fields, struct bytes lower_name);
/* Replaces all of that name by one. */
void http_fields_set(struct http_fields *fields, struct bytes lower_name, struct bytes value);

/* It asks for a tunnel of raw bytes to its authority (RFC 9110 9.3.6). RFC 8441's, which names a protocol, is
 * a GET by now. */
static inline bool http_connects(const struct http_request *request)
{
    return bytes_equal(request->method, BYTES("CONNECT"));
}

/* token of RFC 9110 5.6.2; field value of 5.5 (no CR, LF, NUL, other controls but tab; bytes above 0x7F
 * pass). */
bool http_is_token(struct bytes b);
bool http_is_value(struct bytes b);
/* True when a comma list (RFC 9110 5.6.1) in the value holds the token, letter case ignored. */
bool http_list_has(struct bytes value, struct bytes token);
/* Whether a trailer of that name may travel on: not what frames, routes or authenticates a message (RFC 9110
 * 6.5.1). */
bool http_is_trailer(struct bytes lower_name);
/* The registered reason phrase, or "Unknown". */
const char *http_reason(unsigned status);
/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7), 29 characters and NUL. Years 1 to 9999. */
#define HTTP_DATE_SIZE 30
void http_date(int64_t wall_s, char out[HTTP_DATE_SIZE]);

#endif
