#include <assert.h>
#include <string.h>

#include "wire/http1.h"

static void put_field(struct text *out, struct bytes name, struct bytes value)
{
    assert(http_is_token(name) && http_is_value(value));
    size_t len = name.len + value.len + 4;
    if (out->room - out->len <= len) { /* grows, or cuts as the text was told to */
        text_add(out, name);
        text_add(out, BYTES(": "));
        text_add(out, value);
        text_add(out, BYTES("\r\n"));
        return;
    }
    char *at = out->at + out->len;
    memcpy(at, name.at, name.len);
    at += name.len;
    memcpy(at, ": ", 2);
    if (value.len)
        memcpy(at + 2, value.at, value.len);
    memcpy(at + 2 + value.len, "\r\n", 3);
    out->len += len;
}

static void put_number(struct text *out, struct bytes name, uint64_t number)
{
    char digits[24];
    struct text text;
    text_init_fixed(&text, digits, sizeof digits);
    text_add_u64(&text, number);
    put_field(out, name, text_bytes(&text));
}

/* RFC 9110 7.6.1: what is for the next hop only is named in Connection; TE among it (10.1.4). */
static void put_connection(struct text *out, const struct http_fields *fields, const struct http1_write *how)
{
    char buffer[64];
    struct text options;
    text_init_fixed(&options, buffer, sizeof buffer);
    if (how->close)
        text_add_s(&options, ", close");
    else if (how->keep_alive)
        text_add_s(&options, ", keep-alive");
    if (how->upgrade.len)
        text_add_s(&options, ", upgrade");
    if (http_fields_find(fields, HTTP_TE))
        text_add_s(&options, ", te");
    if (options.len)
        put_field(out, BYTES("connection"), bytes_part(text_bytes(&options), 2, options.len));
    if (how->upgrade.len)
        put_field(out, BYTES("upgrade"), how->upgrade);
}

static void put_fields(struct text *out, const struct http_fields *fields, const struct http1_write *how)
{
    for (uint32_t i = 0; i < fields->count; i++)
        put_field(out, fields->at[i].name, fields->at[i].value);
    put_connection(out, fields, how);
    if (how->body == HTTP1_BODY_LENGTH)
        put_number(out, BYTES("content-length"), how->length);
    if (how->body == HTTP1_BODY_CHUNKED)
        put_field(out, BYTES("transfer-encoding"), BYTES("chunked"));
    text_add(out, BYTES("\r\n"));
}

/* Neither white space nor controls: nothing that could end the request line early. */
static bool is_target(struct bytes b)
{
    return b.len && http_is_value(b) && bytes_find(b, ' ') == b.len && bytes_find(b, '\t') == b.len;
}

void http1_write_request(struct text *out, const struct http_request *request, const struct http1_write *how)
{
    struct bytes target = request->path.len ? request->path : request->authority; /* CONNECT has no path */
    assert(http_is_token(request->method) && is_target(target) && how->body != HTTP1_BODY_CLOSE);
    text_add(out, request->method);
    text_add(out, BYTES(" "));
    text_add(out, target);
    text_add(out, BYTES(" HTTP/1.1\r\n"));
    put_field(out, BYTES("host"), request->authority); /* RFC 9112 3.2: sent empty when there is none */
    put_fields(out, &request->fields, how);
}

void http1_write_response(struct text *out, const struct http_response *response,
                          const struct http1_write *how)
{
    assert(response->status >= 100 && response->status <= 999 && http_is_value(response->reason));
    text_add(out, BYTES("HTTP/1.1 "));
    text_add_u64(out, response->status);
    text_add(out, BYTES(" "));
    text_add(out, response->reason.len ? response->reason : bytes_of(http_reason(response->status)));
    text_add(out, BYTES("\r\n"));
    put_fields(out, &response->fields, how);
}

void http1_write_chunk_size(struct text *out, size_t size)
{
    char line[18];
    size_t at = sizeof line;
    line[--at] = '\n';
    line[--at] = '\r';
    do {
        line[--at] = "0123456789abcdef"[size % 16];
        size /= 16;
    } while (size);
    text_add(out, bytes_make(line + at, sizeof line - at));
}

void http1_write_last_chunk(struct text *out, const struct http_fields *trailers)
{
    text_add(out, BYTES("0\r\n"));
    for (uint32_t i = 0; trailers && i < trailers->count; i++)
        put_field(out, trailers->at[i].name, trailers->at[i].value);
    text_add(out, BYTES("\r\n"));
}
