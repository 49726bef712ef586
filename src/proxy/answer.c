/* Answers that the proxy makes itself. */
#include <string.h>

#include "proxy/exchange.h"
#include "proxy/worker.h"
#include "wire/grpc.h"

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

enum turn exchange_answer_exactly(struct exchange *x, unsigned status, struct bytes type, struct bytes body)
{
    x->response =
        (struct http_response){.status = status, .reason = bytes_of(http_reason(status)), .minor = 1};
    http_fields_init(&x->response.fields, &x->arena);
    http_fields_add_known(&x->response.fields, HTTP_SERVER, BYTES("selvage"));
    if (type.len)
        http_fields_add_known(&x->response.fields, HTTP_CONTENT_TYPE, type);
    x->response_whole = true;
    x->response_body = body;
    return REPLY;
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

enum turn exchange_answer_grpc(struct exchange *x, uint32_t status, struct bytes message)
{
    enum turn turn = exchange_answer_exactly(x, 200, BYTES("application/grpc"), (struct bytes){0});
    http_fields_add(&x->response.fields, BYTES("grpc-status"), arena_format(&x->arena, "%u", status));
    http_fields_add(&x->response.fields, BYTES("grpc-message"), grpc_message(x, message));
    return turn;
}

bool exchange_is_grpc(const struct exchange *x)
{
    const struct http_field *type = http_fields_find(&x->request.fields, HTTP_CONTENT_TYPE);
    return type && grpc_is_type(type->value) && !exchange_wants_tunnel(x);
}

enum turn exchange_answer(struct exchange *x, unsigned status, struct bytes body)
{
    bool json = wants_json(x);
    if (exchange_is_grpc(x))
        return exchange_answer_grpc(x, grpc_status_from_http(status),
                                    body.len ? body : bytes_of(http_reason(status)));
    if (json)
        body = body_json(x, status, body.len ? body : bytes_of(http_reason(status)));
    else if (!body.len)
        body = body_plain(x, status);
    enum turn turn =
        exchange_answer_exactly(x, status, json ? BYTES("application/json") : BYTES("text/plain"), body);
    if (x->retry_after_s)
        http_fields_add(&x->response.fields, BYTES("retry-after"),
                        arena_format(&x->arena, "%u", x->retry_after_s));
    return turn;
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
}
