/* A stream: the source of what its peer sends and the sink of what it is sent. */
#include <string.h>

#include "base/text.h"
#include "proxy/http2_inside.h"

enum { KEPT_MAX = 256 }; /* bytes of a value that may come again */

/* ---- what comes ------------------------------------------------------------------------- */

/* The peer may send as much again. */
static void consume(struct http2_stream *s, size_t len)
{
    if (!s->id)
        return; /* its connection's share was given back when it closed */
    nghttp2_session_consume(s->http2->session, s->id, len);
    connection_write_later(s->http2->connection);
}

static void give_data(struct http2_stream *s, struct block *block, struct bytes data)
{
    s->credit -= data.len;
    consume(s, data.len);
    stage_give_data(&s->source, block, data);
}

static void give_end(struct http2_stream *s)
{
    s->in_told = true;
    if (s->head.fields.count) {
        const struct part part = {.kind = PART_TRAILERS, .trailers = &s->head.fields};
        stage_give(&s->source, &part);
    }
    stage_give_end(&s->source);
}

static void give_some(struct http2_stream *s)
{
    while (s->in.bytes && s->credit && s->source.after) {
        const struct slice first = *slices_at(&s->in, 0);
        size_t len = first.len < s->credit ? first.len : s->credit;
        block_ref(first.block);
        slices_used(&s->in, len);
        give_data(s, first.block, bytes_make(first.at, len));
        block_unref(first.block);
    }
    if (s->in_end && !s->in.bytes && !s->in_told && s->source.after)
        give_end(s);
}

static void give_run(struct task *task)
{
    give_some(container_of(task, struct http2_stream, give));
}

static void source_want(struct stage *stage, size_t bytes)
{
    struct http2_stream *s = container_of(stage, struct http2_stream, source);
    s->credit += bytes;
    if (s->http2->ops->wanted && s->id)
        s->http2->ops->wanted(s);
    if (s->in.bytes || s->in_end)
        loop_soon(s->http2->connection->loop, &s->give);
}

static void source_stop(struct stage *stage, enum pump_reason reason)
{
    (void)stage; /* the stream ends with its exchange */
    (void)reason;
}

static const struct stage_ops source_ops = {"http2 source", stage_pass_give, source_want, source_stop};

static void too_much(struct http2_stream *s, size_t len)
{
    nghttp2_session_consume_connection(s->http2->session,
                                       len); /* others need their share; this one has none */
    if (s->in_over)
        return;
    s->in_over = true;
    s->http2->ops->over(s);
}

/* `data` lies in http2->in. */
void http2_stream_data(struct http2_stream *s, struct bytes data)
{
    if (s->in_over || data.len > s->in_max - s->received) {
        too_much(s, data.len);
        return;
    }
    size_t now = !s->in.bytes && s->source.after ? (data.len < s->credit ? data.len : s->credit) : 0;
    s->received += data.len;
    if (now < data.len)
        slices_put_block(&s->in, s->http2->in, bytes_part(data, now, data.len));
    if (now)
        give_data(s, s->http2->in, bytes_part(data, 0, now));
    if (s->id && s->http2->ops->moved)
        s->http2->ops->moved(s);
}

void http2_stream_end(struct http2_stream *s)
{
    if (s->in_end)
        return;
    s->in_end = true;
    http2_head_init(&s->head, s->head.arena, s->head.limits); /* no trailers */
    if (s->source.after && s->credit)
        give_some(s);
}

void http2_stream_trailers(struct http2_stream *s)
{
    if (!http2_head_trailers(&s->head)) {
        s->http2->fault = s->head.error.sentence;
        http2_stream_reset(s, NGHTTP2_PROTOCOL_ERROR);
        return;
    }
    if (s->http2->ops->trailers)
        s->http2->ops->trailers(s, &s->head.fields);
    s->in_end = true;
    if (s->source.after && s->credit)
        give_some(s);
}

/* ---- what goes ----------------------------------------------------------------------------- */

static void resume(struct http2_stream *s)
{
    if (!s->id)
        return;
    if (s->out_waits)
        nghttp2_session_resume_data(s->http2->session, s->id);
    s->out_waits = false;
    connection_write_later(s->http2->connection);
}

static void sink_give(struct stage *stage, const struct part *part)
{
    struct http2_stream *s = container_of(stage, struct http2_stream, sink);
    if (s->out_end)
        return;
    bool waited = s->out.bytes > 0;
    switch (part->kind) {
    case PART_DATA:
        s->granted -= part->data.len < s->granted ? part->data.len : s->granted;
        slices_put_block(&s->out, part->block, part->data);
        if (!waited && s->id && s->http2->ops->moved)
            s->http2->ops->moved(s);
        break;
    case PART_TRAILERS:
        s->out_trailers = part->trailers;
        return; /* END follows */
    case PART_END:
        s->out_end = true;
        break;
    case PART_ABORT:
        s->out_end = true;
        s->http2->ops->sent(s, part->reason);
        return;
    }
    resume(s);
}

static const struct stage_ops sink_ops = {"http2 sink", sink_give, stage_pass_want, stage_pass_stop};

void http2_pull(struct http2_stream *s)
{
    size_t under_way = s->out.bytes + s->granted;
    if (s->out_end || !s->out_open || under_way > PUMP_CREDIT / 2)
        return;
    size_t more = PUMP_CREDIT - under_way;
    s->granted += more;
    stage_want(&s->sink, more);
}

static nghttp2_nv nv_of(struct bytes name, struct bytes value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name.at, (uint8_t *)(uintptr_t)value.at, name.len, value.len,
                        NGHTTP2_NV_FLAG_NONE};
}

/*
 * What may stay in the compression's table. Secrets must not (RFC 7541 7.1.3);
 * what is long, or another one each time, would only push out what comes again.
 */
static bool is_worth_keeping(const struct http_field *field)
{
    switch (field->known) {
    case HTTP_AUTHORIZATION:
    case HTTP_COOKIE:
    case HTTP_PROXY_AUTHORIZATION:
    case HTTP_TRACEPARENT:
    case HTTP_TRACESTATE:
    case HTTP_X_REQUEST_ID:
        return false;
    default:
        return field->value.len <= KEPT_MAX;
    }
}

static size_t nv_fields(nghttp2_nv *nv, size_t count, const struct http_fields *fields)
{
    for (uint32_t i = 0; i < fields->count; i++, count++) {
        nv[count] = nv_of(fields->at[i].name, fields->at[i].value);
        if (!is_worth_keeping(&fields->at[i]))
            nv[count].flags = NGHTTP2_NV_FLAG_NO_INDEX;
    }
    return count;
}

static struct bytes number_text(struct arena *arena, uint64_t number)
{
    char digits[24];
    struct text text;
    text_init_fixed(&text, digits, sizeof digits);
    text_add_u64(&text, number);
    return arena_bytes(arena, text_bytes(&text));
}

static void trailers_send(struct http2_stream *s)
{
    nghttp2_nv *nv = arena_array(s->head.arena, nghttp2_nv, s->out_trailers->count);
    nghttp2_submit_trailer(s->http2->session, s->id, nv, nv_fields(nv, 0, s->out_trailers));
}

static ssize_t on_read(nghttp2_session *session, int32_t id, uint8_t *at, size_t room, uint32_t *flags,
                       nghttp2_data_source *source, void *owner)
{
    struct http2_stream *s = http2_find(owner, id);
    (void)session;
    (void)at;
    (void)source;
    if (!s)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    size_t len = s->out.bytes < room ? s->out.bytes : room;
    if (!len && !s->out_end) {
        s->out_waits = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    *flags = NGHTTP2_DATA_FLAG_NO_COPY;
    if (s->out_end && len == s->out.bytes) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (s->out_trailers && s->out_trailers->count) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            trailers_send(s);
        }
    }
    return (ssize_t)len;
}

int http2_on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t length,
                       nghttp2_data_source *source, void *owner)
{
    struct http2 *h = owner;
    struct http2_stream *s = http2_find(h, frame->hd.stream_id);
    (void)session;
    (void)source;
    if (!s)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    connection_put(h->connection, bytes_make(head, 9));
    s->sent += length;
    while (length) {
        const struct slice *first = slices_at(&s->out, 0);
        size_t len = first->len < length ? first->len : length;
        connection_put_block(h->connection, first->block, bytes_make(first->at, len));
        slices_used(&s->out, len);
        length -= len;
    }
    http2_pull(s);
    if (h->ops->moved)
        h->ops->moved(s);
    return 0;
}

void http2_stream_sent_end(struct http2_stream *s)
{
    s->out_sent = true;
    if (s->out_open)
        s->http2->ops->sent(s, PUMP_FINE);
}

/* ---- heads ------------------------------------------------------------------------------------ */

enum { NV_EXTRA = 6 }; /* pseudo-fields and Content-Length */

static size_t nv_length(struct http2_stream *s, nghttp2_nv *nv, size_t count, bool sized, uint64_t length)
{
    if (sized)
        nv[count++] = nv_of(BYTES("content-length"), number_text(s->head.arena, length));
    return count;
}

bool http2_request(struct http2_stream *s, const struct http_request *request, bool sized, uint64_t length,
                   bool more)
{
    nghttp2_nv *nv = arena_room(s->head.arena, (request->fields.count + NV_EXTRA) * sizeof *nv);
    const nghttp2_data_provider body = {.read_callback = on_read};
    size_t count = 0;
    nv[count++] = nv_of(BYTES(":method"), request->method);
    nv[count++] = nv_of(BYTES(":scheme"), request->scheme);
    nv[count++] = nv_of(BYTES(":authority"), request->authority);
    nv[count++] = nv_of(BYTES(":path"), request->path);
    count = nv_length(s, nv, count, sized, length);
    count = nv_fields(nv, count, &request->fields);
    s->out_open = more;
    s->out_end = s->out_sent = !more;
    int32_t id = nghttp2_submit_request(s->http2->session, NULL, nv, count, more ? &body : NULL, s);
    connection_write_later(s->http2->connection);
    s->id = id > 0 ? id : 0;
    return id > 0;
}

static size_t nv_status(struct http2_stream *s, nghttp2_nv *nv, const struct http_response *response)
{
    nv[0] = nv_of(BYTES(":status"), number_text(s->head.arena, response->status)); /* of three digits */
    return 1;
}

void http2_info(struct http2_stream *s, const struct http_response *info)
{
    nghttp2_nv *nv = arena_array(s->head.arena, nghttp2_nv, info->fields.count + NV_EXTRA);
    if (!s->id)
        return;
    size_t count = nv_fields(nv, nv_status(s, nv, info), &info->fields);
    nghttp2_submit_headers(s->http2->session, NGHTTP2_FLAG_NONE, s->id, NULL, nv, count, NULL);
    connection_write_later(s->http2->connection);
}

void http2_respond(struct http2_stream *s, const struct http_response *response, bool sized, uint64_t length,
                   bool more, struct bytes body)
{
    nghttp2_nv *nv = arena_room(s->head.arena, (response->fields.count + NV_EXTRA) * sizeof *nv);
    const nghttp2_data_provider provider = {.read_callback = on_read};
    size_t count = nv_length(s, nv, nv_status(s, nv, response), sized, length);
    if (!s->id)
        return;
    count = nv_fields(nv, count, &response->fields);
    slices_put(&s->out, body);
    s->out_open = true;
    s->out_end = !more;
    nghttp2_submit_response(s->http2->session, s->id, nv, count, more || body.len ? &provider : NULL);
    connection_write_later(s->http2->connection);
}

/* ---- beginning and end ------------------------------------------------------------------------- */

void http2_stream_init(struct http2_stream *stream, struct http2 *http2, struct arena *arena)
{
    *stream = (struct http2_stream){.http2 = http2, .in_max = UINT64_MAX};
    http2_head_init(&stream->head, arena, &http2->limits.heads);
    stream->source.ops = &source_ops;
    stream->sink.ops = &sink_ops;
    stream->give.run = give_run;
}

void http2_stream_reset(struct http2_stream *s, uint32_t code)
{
    if (!s->id)
        return;
    http2_forget(s->http2, s->id);
    nghttp2_submit_rst_stream(s->http2->session, NGHTTP2_FLAG_NONE, s->id, code);
    connection_write_later(s->http2->connection);
}

void http2_stream_done(struct http2_stream *s, uint32_t code)
{
    if (s->id) {
        if (s->in.bytes)
            nghttp2_session_consume_connection(s->http2->session, s->in.bytes);
        if (!s->in_end || !s->out_sent) /* else it is closing just now */
            http2_stream_reset(s, code);
        nghttp2_session_set_stream_user_data(s->http2->session, s->id, NULL);
        s->id = 0;
    }
    slices_drop(&s->in);
    slices_drop(&s->out);
    stage_unlink(&s->source);
    stage_unlink(&s->sink);
    task_cancel(&s->give);
}
