/* Answers that the proxy makes itself. */
#include <string.h>

#include "proxy/exchange.h"
#include "proxy/worker.h"

void exchange_note(struct exchange *x, enum record_flag flag, const char *details)
{
    x->record.flags |= (uint32_t)flag;
    if (details && !x->record.details.len)
        x->record.details = bytes_of(details);
}

/* Whether the media type is named in Accept, whatever its parameters. */
static bool wants_json(const struct exchange *x)
{
    const struct http_field *accept = http_fields_find(&x->request.fields, HTTP_ACCEPT);
    struct bytes rest = accept ? accept->value : (struct bytes){0}, member, type;
    while (rest.len) {
        bytes_cut(&rest, ',', &member);
        bytes_cut(&member, ';', &type);
        if (bytes_equal_nocase(bytes_trim(type), BYTES("application/json")))
            return true;
    }
    return false;
}

static struct bytes body_json(struct exchange *x, unsigned status, struct bytes message)
{
    struct text text;
    text_init_arena(&text, &x->arena);
    text_format(&text, "{\"status\":%u,\"message\":", status);
    text_add_json(&text, message);
    text_add_s(&text, ",\"request_id\":");
    text_add_json(&text, x->request_id);
    text_add_s(&text, ",\"traceparent\":");
    text_add_json(&text, x->trace_parent);
    text_add_s(&text, "}\n");
    return text_bytes(&text);
}

static struct bytes body_plain(struct exchange *x, unsigned status)
{
    return arena_format(&x->arena, "%u %s\nrequest id: %.*s\n", status, http_reason(status),
                        BYTES_FMT(x->request_id));
}

/* ---- gRPC ----------------------------------------------------------------------------- */

static bool is_grpc(const struct exchange *x)
{
    const struct http_field *type = http_fields_find(&x->request.fields, HTTP_CONTENT_TYPE);
    struct bytes value = type ? type->value : (struct bytes){0}, rest;
    if (!bytes_starts_nocase(value, BYTES("application/grpc")))
        return false;
    rest = bytes_part(value, sizeof "application/grpc" - 1, value.len);
    return !rest.len || rest.at[0] == '+' || rest.at[0] == ';';
}

/* gRPC's http-grpc-status-mapping: what a status means to a client that looks at grpc-status alone. */
static const char *grpc_status(unsigned status)
{
    switch (status) {
    case 400:
        return "13"; /* INTERNAL */
    case 401:
        return "16"; /* UNAUTHENTICATED */
    case 403:
        return "7"; /* PERMISSION_DENIED */
    case 404:
        return "12"; /* UNIMPLEMENTED */
    case 429:
    case 502:
    case 503:
    case 504:
        return "14"; /* UNAVAILABLE */
    default:
        return status == 200 ? "0" : "2"; /* UNKNOWN */
    }
}

/* grpc-message: percent-encoded, the percent sign too. */
static struct bytes grpc_message(struct exchange *x, struct bytes message)
{
    struct text text;
    text_init_arena(&text, &x->arena);
    for (size_t i = 0; i < message.len; i++) {
        unsigned char c = (unsigned char)message.at[i];
        if (c >= 0x20 && c < 0x7F && c != '%')
            text_add_c(&text, message.at[i]);
        else
            text_format(&text, "%%%02X", c);
    }
    return text_bytes(&text);
}

/* Headers are all there is of it ("Trailers-Only"): such clients take any other status for a broken proxy. */
static void answer_grpc(struct exchange *x, unsigned status, struct bytes body)
{
    struct http_fields *fields = &x->response.fields;
    struct bytes message = body.len ? body : x->response.reason;
    x->response.status = 200;
    x->response.reason = BYTES("OK");
    http_fields_add_known(fields, HTTP_CONTENT_TYPE, BYTES("application/grpc"));
    http_fields_add(fields, BYTES("grpc-status"), bytes_of(grpc_status(status)));
    http_fields_add(fields, BYTES("grpc-message"), grpc_message(x, message));
}

enum turn exchange_answer(struct exchange *x, unsigned status, struct bytes body)
{
    bool json = wants_json(x);
    x->response =
        (struct http_response){.status = status, .reason = bytes_of(http_reason(status)), .minor = 1};
    http_fields_init(&x->response.fields, &x->arena);
    x->response_whole = true;
    x->response_body = (struct bytes){0};
    if (is_grpc(x)) {
        answer_grpc(x, status, body);
        return REPLY;
    }
    if (json)
        body = body_json(x, status, body.len ? body : x->response.reason);
    else if (!body.len)
        body = body_plain(x, status);
    http_fields_add_known(&x->response.fields, HTTP_CONTENT_TYPE,
                          json ? BYTES("application/json") : BYTES("text/plain"));
    if (x->retry_after_s)
        http_fields_add(&x->response.fields, BYTES("retry-after"),
                        arena_format(&x->arena, "%u", x->retry_after_s));
    x->response_body = body;
    return REPLY;
}

/* The date's text lies in the worker and changes with the second. */
static struct bytes date_now(struct worker *worker)
{
    int64_t now_s = worker->loop.io->wall_us(worker->loop.io) / 1000000;
    if (now_s != worker->date_s || !worker->date[0]) {
        worker->date_s = now_s;
        http_date(now_s, worker->date);
    }
    return bytes_of(worker->date);
}

void answer_complete(struct exchange *x)
{
    struct http_fields *fields = &x->response.fields;
    if (!http_fields_find(fields, HTTP_DATE))
        http_fields_add_known(fields, HTTP_DATE, arena_bytes(&x->arena, date_now(x->worker)));
    if (x->response_whole && !http_fields_find(fields, HTTP_SERVER))
        http_fields_add_known(fields, HTTP_SERVER, BYTES("selvage"));
}
