/* The connection: what comes is fed to nghttp2, what it costs is counted, what goes is pulled from it. */
#include "proxy/http2.h"

#include <stdlib.h>

#include "proxy/head_limits.h"
#include "proxy/http2_inside.h"

enum {
    OUT_MAX = 64 * 1024, /* made ahead of what the socket takes */
    READS_AT_ONCE = 8,   /* then others have their turn */
    ROOM_MIN = 4096,
    RATIO = 8, /* of bytes that frames take to bytes of use, beyond flood_bytes (as nginx judges floods) */
};

static struct http2_limits limits_copy(const struct rules_limits *limits)
{
    return (struct http2_limits){.heads = head_limits(limits),
                                 .streams = (uint32_t)limits->streams,
                                 .streams_per_read = (uint32_t)limits->new_streams,
                                 .resets = (uint32_t)limits->resets,
                                 .reset_period_ms = (uint32_t)limits->reset_period_ms,
                                 .flood_bytes = (uint64_t)limits->flood_bytes,
                                 .empty_frames = (uint32_t)limits->empty_frames,
                                 .useless_frames = (uint32_t)limits->useless_frames,
                                 .continuations = (uint32_t)limits->continuation_frames,
                                 .continuation_bytes = (uint32_t)limits->continuation_bytes,
                                 .acks = (uint32_t)limits->owed_frames,
                                 .stream_window = (uint32_t)limits->stream_window,
                                 .connection_window = (uint32_t)limits->connection_window,
                                 .header_table = (uint32_t)limits->table_bytes};
}

struct http2_stream *http2_find(struct http2 *http2, int32_t id)
{
    return nghttp2_session_get_stream_user_data(http2->session, id);
}

/* The peer broke the rules, or asks too much: it is told, and not listened to any more. */
static int http2_end(struct http2 *h, uint32_t code, const char *fault)
{
    if (!h->dead)
        nghttp2_session_terminate_session(h->session, code);
    h->dead = true;
    h->fault = fault;
    connection_write_later(h->connection);
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

static void limit_tell(struct http2 *h, enum limit limit)
{
    if (h->ops->bit)
        h->ops->bit(h, limit);
}

static int http2_exceed(struct http2 *h, enum limit limit, const char *fault)
{
    if (!h->dead)
        limit_tell(h, limit);
    return http2_end(h, NGHTTP2_ENHANCE_YOUR_CALM, fault);
}

/* ---- what costs us more than the peer ------------------------------------------------ */

static void period_update(struct http2 *h)
{
    uint64_t now_ms = h->connection->loop->now_ms;
    if (now_ms - h->period_ms <= h->limits.reset_period_ms)
        return;
    h->period_ms = now_ms;
    h->begun = h->resets = 0;
}

/*
 * CVE-2023-44487: whoever has streams begun only to reset them. A peer that speaks for
 * many clients, some of which leave, resets many too, but most of its streams are of
 * use; to end its connection would take all the others' requests along.
 */
static int reset_count(struct http2 *h)
{
    period_update(h);
    if (++h->resets > h->limits.resets && h->resets > h->begun / 2)
        return http2_exceed(h, LIMIT_HTTP2_RESETS, "too many streams were reset");
    return 0;
}

/* A stream whose answer had begun to leave was of use, and cost no more than one that is read to its end. */
static int reset_judge(struct http2 *h, int32_t id)
{
    const struct http2_stream *stream = http2_find(h, id);
    return stream && stream->out_begun ? 0 : reset_count(h);
}

static bool is_empty(const struct http2_frame_head *head)
{
    bool end = (head->flags & HTTP2_FLAG_END_STREAM) != 0;
    return head->type == HTTP2_FRAME_DATA && !head->length && !end;
}

/* Nobody has to answer it or to do anything: a hint, a good-bye, or a frame of a kind that is passed over. */
static bool is_useless(const struct http2_frame_head *head)
{
    switch (head->type) {
    case HTTP2_FRAME_DATA:
    case HTTP2_FRAME_HEADERS:
    case HTTP2_FRAME_RST_STREAM:
    case HTTP2_FRAME_SETTINGS:
    case HTTP2_FRAME_PUSH_PROMISE:
    case HTTP2_FRAME_PING:
    case HTTP2_FRAME_WINDOW_UPDATE:
    case HTTP2_FRAME_CONTINUATION:
        return false;
    default:
        return true;
    }
}

static int frame_count(struct http2 *h, const struct http2_frame_head *head)
{
    bool body = head->type == HTTP2_FRAME_DATA;
    bool asks = body || head->type == HTTP2_FRAME_HEADERS;
    h->empty = is_empty(head) ? h->empty + 1 : body ? 0 : h->empty;
    h->useless = asks ? 0 : h->useless + is_useless(head);
    bool continues = head->type == HTTP2_FRAME_CONTINUATION;
    h->continued = continues ? h->continued + 1 : 0;
    h->continued_bytes = continues ? h->continued_bytes + head->length : 0;
    if (asks)
        h->useful_bytes += head->length;
    if (h->empty > h->limits.empty_frames)
        return http2_exceed(h, LIMIT_HTTP2_EMPTY, "too many frames were empty");
    if (h->useless > h->limits.useless_frames)
        return http2_exceed(h, LIMIT_HTTP2_USELESS, "too many frames ask for nothing");
    if (h->continued > h->limits.continuations)
        return http2_exceed(h, LIMIT_HTTP2_CONTINUATION, "a head has too many CONTINUATION frames");
    if (h->continued_bytes > h->limits.continuation_bytes)
        return http2_exceed(h, LIMIT_HTTP2_CONTINUATION, "a head's CONTINUATION frames are too long");
    return head->type == HTTP2_FRAME_RST_STREAM && h->server ? reset_judge(h, (int32_t)head->stream) : 0;
}

static bool ratio_fine(const struct http2 *h)
{
    return h->wire_bytes / RATIO <= h->useful_bytes + h->limits.flood_bytes;
}

/* ---- streams that are gone -------------------------------------------------------------- */

void http2_forget(struct http2 *http2, int32_t id)
{
    http2->forgotten[http2->forgotten_at++ % (sizeof http2->forgotten / sizeof http2->forgotten[0])] = id;
}

static bool is_forgotten(const struct http2 *h, int32_t id)
{
    for (size_t i = 0; i < sizeof h->forgotten / sizeof h->forgotten[0]; i++)
        if (h->forgotten[i] == id)
            return true;
    return false;
}

/*
 * RFC 9113 5.1, 5.1.1: DATA and HEADERS on a stream that is closed, or that was
 * passed over, end the connection, unless it was us who reset it a moment ago.
 * nghttp2 would overlook them.
 */
static int gone_check(struct http2 *h, int32_t id)
{
    if (id > nghttp2_session_get_last_proc_stream_id(h->session) ||
        nghttp2_session_get_stream_remote_close(h->session, id) >= 0 || is_forgotten(h, id))
        return 0;
    return http2_end(h, NGHTTP2_STREAM_CLOSED, "a frame came on a stream that is closed");
}

static int frame_judge(struct http2 *h, const struct http2_frame_head *head)
{
    int error = frame_count(h, head);
    if (error || !h->server)
        return error;
    if (head->type == HTTP2_FRAME_PRIORITY && !head->stream) /* RFC 9113 6.3 */
        return http2_end(h, NGHTTP2_PROTOCOL_ERROR, "PRIORITY is about no stream");
    if (head->type == HTTP2_FRAME_DATA || head->type == HTTP2_FRAME_HEADERS)
        return gone_check(h, (int32_t)head->stream);
    return 0;
}

/* ---- nghttp2's callbacks ------------------------------------------------------------------- */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *owner)
{
    struct http2 *h = owner;
    int32_t id = frame->hd.stream_id;
    struct http2_stream *stream = http2_find(h, id);
    if (stream && stream->head_done) /* trailers */
        http2_head_init(&stream->head, stream->head.arena, stream->head.limits);
    if (stream || !h->server || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    h->streams++;
    period_update(h);
    h->begun++;
    if (++h->opened > h->limits.streams_per_read)
        return http2_exceed(h, LIMIT_HTTP2_NEW_STREAMS, "too many streams were opened at once");
    stream = h->ops->begin(h);
    if (!stream)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    stream->id = id;
    nghttp2_session_set_stream_user_data(session, id, stream);
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *owner)
{
    struct http2_stream *stream = http2_find(owner, frame->hd.stream_id);
    (void)session;
    (void)flags;
    if (stream)
        http2_head_field(&stream->head, bytes_make(name, name_len), bytes_make(value, value_len));
    return 0;
}

static void headers_came(struct http2_stream *stream, bool end)
{
    if (stream->head_done) {
        http2_stream_trailers(stream);
        return;
    }
    bool info = stream->head.status >= 100 && stream->head.status < 200;
    stream->head_done = !info;
    stream->in_end = end;
    stream->http2->ops->head(stream, end);
    if (info && stream->id)
        http2_head_init(&stream->head, stream->head.arena, stream->head.limits);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *owner)
{
    struct http2 *h = owner;
    struct http2_stream *stream;
    bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    (void)session;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        if ((stream = http2_find(h, frame->hd.stream_id)) != NULL)
            headers_came(stream, end);
        break;
    case NGHTTP2_DATA:
        if (end && (stream = http2_find(h, frame->hd.stream_id)) != NULL)
            http2_stream_end(stream);
        break;
    case NGHTTP2_GOAWAY:
        if (h->ops->leaving)
            h->ops->leaving(h);
        break;
    default:
        break;
    }
    return h->dead ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *at, size_t len,
                   void *owner)
{
    struct http2 *h = owner;
    struct http2_stream *stream = http2_find(h, id);
    (void)flags;
    if (stream)
        http2_stream_data(stream, bytes_make(at, len));
    else
        nghttp2_session_consume_connection(session, len);
    return h->dead ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

/* Resets that the peer provokes cost a stream each without counting as one (CVE-2025-8671). */
static void reset_sent(struct http2 *h, int32_t id, uint32_t code)
{
    struct http2_stream *stream = http2_find(h, id);
    if (code != NGHTTP2_PROTOCOL_ERROR && code != NGHTTP2_FLOW_CONTROL_ERROR &&
        code != NGHTTP2_STREAM_CLOSED && code != NGHTTP2_FRAME_SIZE_ERROR)
        return;
    if (stream && !stream->invalid)
        stream->invalid = code == NGHTTP2_PROTOCOL_ERROR ? NGHTTP2_ERR_HTTP_MESSAGING : NGHTTP2_ERR_PROTO;
    if (h->server)
        reset_count(h);
}

static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *owner)
{
    struct http2 *h = owner;
    bool body = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
    struct http2_stream *stream = body ? http2_find(h, frame->hd.stream_id) : NULL;
    (void)session;
    if (stream)
        stream->out_begun = stream->out_open;
    if (stream && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        http2_stream_sent_end(stream);
    if (frame->hd.type == NGHTTP2_RST_STREAM)
        reset_sent(h, frame->hd.stream_id, frame->rst_stream.error_code);
    return 0;
}

static int on_frame_unsent(nghttp2_session *session, const nghttp2_frame *frame, int error, void *owner)
{
    struct http2 *h = owner;
    (void)session;
    (void)error;
    if (!h->server && frame->hd.type == NGHTTP2_HEADERS)
        h->ops->unsent(h, frame->hd.stream_id);
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *owner)
{
    struct http2 *h = owner;
    struct http2_stream *stream = http2_find(h, id);
    (void)session;
    if (h->server)
        h->streams--;
    if (!stream)
        return 0;
    if (stream->in.bytes)
        nghttp2_session_consume_connection(h->session, stream->in.bytes);
    stream->id = 0;
    h->ops->closed(stream, code);
    return 0;
}

static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error, void *owner)
{
    struct http2 *h = owner;
    struct http2_stream *stream = http2_find(h, frame->hd.stream_id);
    (void)session;
    if (!h->fault)
        h->fault = nghttp2_strerror(error);
    if (stream)
        stream->invalid = error;
    /* nghttp2 refuses the stream when the client could not know the bound yet, else it ends the connection.
     */
    if (h->server && frame->hd.type == NGHTTP2_HEADERS && h->streams >= h->limits.streams)
        limit_tell(h, LIMIT_HTTP2_STREAMS);
    if (h->server)
        http2_forget(h, frame->hd.stream_id); /* it is reset by nghttp2 */
    return 0;
}

static nghttp2_session_callbacks *callbacks_make(void)
{
    static nghttp2_session_callbacks *all;
    if (all)
        return all;
    if (nghttp2_session_callbacks_new(&all))
        abort();
    nghttp2_session_callbacks_set_on_begin_headers_callback(all, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(all, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(all, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(all, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(all, on_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(all, on_frame_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(all, on_frame_unsent);
    nghttp2_session_callbacks_set_on_stream_close_callback(all, on_close);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(all, on_invalid_frame);
    nghttp2_session_callbacks_set_send_data_callback(all, http2_on_send_data);
    return all;
}

static nghttp2_option *options_make(const struct http2_limits *limits)
{
    nghttp2_option *option;
    if (nghttp2_option_new(&option))
        abort();
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_outbound_ack(option, limits->acks);
    nghttp2_option_set_max_deflate_dynamic_table_size(option, limits->header_table);
    nghttp2_option_set_stream_reset_rate_limit(option, UINT32_MAX, UINT32_MAX); /* see reset_count */
    return option;
}

/* ---- beginning and end ------------------------------------------------------------------------ */

static void on_room(struct block_waiter *waiter)
{
    connection_wake(container_of(waiter, struct http2, hungry)->connection);
}

static void http2_init(struct http2 *h, struct connection *connection, const struct rules_limits *limits,
                       const struct http2_ops *ops, void *owner, bool server)
{
    *h = (struct http2){.connection = connection,
                        .limits = limits_copy(limits),
                        .ops = ops,
                        .owner = owner,
                        .server = server};
    nghttp2_option *option = options_make(&h->limits);
    int error = server ? nghttp2_session_server_new2(&h->session, callbacks_make(), h, option)
                       : nghttp2_session_client_new2(&h->session, callbacks_make(), h, option);
    nghttp2_option_del(option);
    if (error)
        abort(); /* out of memory */
    h->hungry.on_room = on_room;
    list_init(&h->hungry.link);
}

static void settings_send(struct http2 *h, const nghttp2_settings_entry *settings, size_t count)
{
    nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings, count);
    nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0,
                                          (int32_t)h->limits.connection_window);
    connection_write_later(h->connection);
}

void http2_init_server(struct http2 *http2, struct connection *connection, const struct rules_limits *limits,
                       const struct http2_ops *ops, void *owner)
{
    http2_init(http2, connection, limits, ops, owner, true);
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, http2->limits.streams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, http2->limits.stream_window},
        {NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, http2->limits.header_table},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)http2->limits.heads.head_max},
        {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
    };
    http2->scan.skip = HTTP2_PREFACE_SIZE;
    settings_send(http2, settings, sizeof settings / sizeof settings[0]);
}

void http2_init_client(struct http2 *http2, struct connection *connection, const struct rules_limits *limits,
                       const struct http2_ops *ops, void *owner)
{
    http2_init(http2, connection, limits, ops, owner, false);
    http2->limits.heads = http1_limits_default; /* of answers */
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, http2->limits.stream_window},
        {NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, http2->limits.header_table},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)http2->limits.heads.head_max},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    settings_send(http2, settings, sizeof settings / sizeof settings[0]);
}

void http2_done(struct http2 *http2)
{
    nghttp2_session_del(http2->session);
    http2->session = NULL;
    block_unref(http2->in);
    http2->in = NULL;
    list_remove(&http2->hungry.link);
}

void http2_goaway(struct http2 *http2)
{
    nghttp2_submit_shutdown_notice(http2->session);
    connection_write_later(http2->connection);
}

void http2_goaway_last(struct http2 *http2)
{
    nghttp2_submit_goaway(http2->session, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(http2->session), NGHTTP2_NO_ERROR, NULL, 0);
    connection_write_later(http2->connection);
}

uint32_t http2_peer_streams(const struct http2 *http2)
{
    return nghttp2_session_get_remote_settings(http2->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

bool http2_over(const struct http2 *http2)
{
    return !nghttp2_session_want_write(http2->session) &&
           (http2->dead || !nghttp2_session_want_read(http2->session));
}

/* ---- bytes --------------------------------------------------------------------------------------- */

/* What streams still hold of the block stays; behind it there is room, or a new one is taken. */
static bool in_room(struct http2 *h)
{
    if (h->in && h->in->refs == 1)
        h->in->used = 0;
    if (h->in && BLOCK_ROOM - h->in->used >= ROOM_MIN)
        return true;
    struct block *fresh = block_new();
    if (!fresh) {
        block_wait(&h->hungry);
        return false;
    }
    list_remove(&h->hungry.link);
    block_unref(h->in);
    h->in = fresh;
    return true;
}

static void in_drop(struct http2 *h)
{
    if (h->in && h->in->refs == 1) {
        block_unref(h->in); /* an idle connection keeps no buffer */
        h->in = NULL;
    }
}

static void feed(struct http2 *h, struct bytes bytes)
{
    if (!bytes.len || h->dead)
        return;
    ssize_t used = nghttp2_session_mem_recv(h->session, (const uint8_t *)bytes.at, bytes.len);
    if (used >= 0 || h->dead)
        return;
    if (used == NGHTTP2_ERR_FLOODED) {
        http2_exceed(h, LIMIT_HTTP2_OWED, "too many answers are owed to SETTINGS and PING frames");
        return;
    }
    h->dead = true;
    h->fault = nghttp2_strerror((int)used);
}

/* Whether a frame is judged by what the frames before it have done. */
static bool wants_order(const struct http2_frame_head *head)
{
    return head->type == HTTP2_FRAME_DATA || head->type == HTTP2_FRAME_HEADERS;
}

/* nghttp2 is one byte short of a frame's head when that frame is judged. */
static void feed_frames(struct http2 *h, struct bytes bytes)
{
    struct http2_frame_head head;
    size_t fed = 0, seen = 0, used;
    while (!h->dead && http2_scan_next(&h->scan, bytes_part(bytes, seen, bytes.len), &used, &head)) {
        seen += used;
        if (wants_order(&head)) {
            feed(h, bytes_part(bytes, fed, seen - 1));
            fed = seen - 1;
        }
        if (!h->dead)
            frame_judge(h, &head);
    }
    feed(h, bytes_part(bytes, fed, bytes.len));
    if (!h->dead && !ratio_fine(h))
        http2_exceed(h, LIMIT_HTTP2_FLOOD, "too many frames carry nothing");
    connection_write_later(h->connection);
}

bool http2_read(struct http2 *http2)
{
    struct connection *c = http2->connection;
    http2->opened = 0;
    for (int i = 0; i < READS_AT_ONCE && !http2->dead && !c->gone; i++) {
        if (!in_room(http2))
            return true;
        char *at = http2->in->data + http2->in->used;
        long n = connection_read(c, at, BLOCK_ROOM - http2->in->used);
        if (n <= 0) {
            in_drop(http2);
            return n == CONNECTION_LATER;
        }
        http2->in->used += (uint32_t)n;
        http2->wire_bytes += (uint64_t)n;
        feed_frames(http2, bytes_make(at, (size_t)n));
    }
    if (!http2->dead)
        connection_wake(c);
    return true;
}

void http2_fill(struct http2 *http2)
{
    const uint8_t *at;
    ssize_t len;
    while (http2->connection->out.bytes < OUT_MAX &&
           (len = nghttp2_session_mem_send(http2->session, &at)) > 0)
        connection_put(http2->connection, bytes_make(at, (size_t)len));
}
