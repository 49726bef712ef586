/* What an HTTP/1.1 client is told: interim heads, the head, and the end of what follows it. */
#include "proxy/client_http1_inside.h"
#include "proxy/response_framing.h"

void client_http1_info(struct exchange *x, const struct http_response *info)
{
    struct client_http1 *c = x->client;
    struct text head;
    const struct http1_write how = {.body = HTTP1_BODY_NONE};
    if (x->request.minor == 0)
        return; /* HTTP/1.0 knows none */
    text_init_arena(&head, &x->arena);
    http1_write_response(&head, info, &how);
    connection_put(&c->client->connection, text_bytes(&head));
}

/* A body that nobody will read: is it short enough to read away? */
static bool discardable(const struct client_http1 *c)
{
    return !c->continue_owed &&
           (c->framing.body == HTTP1_BODY_CHUNKED || c->inlet.left <= CLIENT_HTTP1_DISCARD_MAX);
}

void client_http1_sent(struct outlet *outlet, enum pump_reason reason)
{
    struct client_http1 *c = outlet->owner;
    struct exchange *x = c->x;
    if (!x)
        return;
    x->record.bytes_sent = outlet->bytes;
    if (reason != PUMP_FINE) {
        outlet->done = false; /* it is not complete: the connection must not go on */
        exchange_fail(x, 0, reason == PUMP_LATE ? RECORD_UT : RECORD_UC,
                      BYTES("upstream_reset_after_response_started"));
    } else if (c->raw && !c->inlet.done) {
        connection_end_write(&c->client->connection); /* the other half of the tunnel goes on */
    } else {
        exchange_finish(x);
    }
}

static void send_whole(struct client_http1 *c, enum http1_body framing, struct bytes body)
{
    if (framing == HTTP1_BODY_LENGTH) {
        connection_put(&c->client->connection, body);
        c->x->record.bytes_sent = body.len;
    }
    c->outlet.done = true;
    exchange_finish(c->x);
}

void client_http1_head(struct exchange *x, bool whole, struct bytes body)
{
    struct client_http1 *c = x->client;
    struct text head;
    struct http1_write how = response_framing(x, whole, body.len);
    if (how.body == HTTP1_BODY_CLOSE)
        c->keep_alive = false;
    if (c->client->worker->draining || x->retry_after_s || (whole && !c->inlet.done && !discardable(c)))
        c->keep_alive = false;
    how.close = !c->keep_alive && !x->response_tunnel;
    how.keep_alive = c->keep_alive && x->request.minor == 0;
    c->raw = x->response_tunnel;
    if (!c->raw)
        answer_complete(x);
    text_init_arena(&head, &x->arena);
    http1_write_response(&head, &x->response, &how);
    connection_put(&c->client->connection, text_bytes(&head));
    if (whole) {
        send_whole(c, how.body, body);
        return;
    }
    if (c->raw)
        inlet_begin_raw(&c->inlet);
    outlet_begin(&c->outlet, how.body, c->raw, &x->arena);
    client_http1_patience(c);
    outlet_pull(&c->outlet);
}
