#include "base/test.h"

#include "proxy/http2_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/heap.h"

enum { FIELDS_MAX = 200 };

struct peer_stream *peer2_stream(struct peer2 *peer, int32_t id)
{
    for (unsigned i = 0; i < peer->count; i++)
        if (peer->streams[i].id == id)
            return &peer->streams[i];
    world_wrong("there is no stream %d", id);
    return NULL;
}

struct peer_stream *peer2_nth(struct peer2 *peer, unsigned n)
{
    if (n >= peer->count)
        world_wrong("there are only %u streams", peer->count);
    return &peer->streams[n];
}

static struct peer_stream *stream_add(struct peer2 *peer, int32_t id)
{
    for (unsigned i = 0; i < peer->count; i++)
        if (peer->streams[i].id == id)
            return &peer->streams[i];
    assert_true(peer->count < PEER_STREAMS);
    struct peer_stream *stream = &peer->streams[peer->count++];
    *stream = (struct peer_stream){.id = id};
    stream->heard = heap_alloc(PEER_HEARD);
    stream->heard[0] = '\0';
    return stream;
}

static void heard_add(struct peer_stream *stream, struct bytes text)
{
    assert_true(stream->heard_len + text.len < PEER_HEARD);
    memcpy(stream->heard + stream->heard_len, text.at, text.len);
    stream->heard_len += text.len;
    stream->heard[stream->heard_len] = '\0';
}

/* ---- what comes ------------------------------------------------------------------- */

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *owner)
{
    struct peer_stream *stream = stream_add(owner, frame->hd.stream_id);
    (void)session, (void)flags;
    heard_add(stream, bytes_make(name, name_len));
    heard_add(stream, BYTES(": "));
    heard_add(stream, bytes_make(value, value_len));
    heard_add(stream, BYTES("\r\n"));
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *owner)
{
    struct peer2 *peer = owner;
    bool message = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    (void)session;
    if (frame->hd.type == NGHTTP2_HEADERS)
        heard_add(stream_add(peer, frame->hd.stream_id), BYTES("\r\n"));
    if (message && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        stream_add(peer, frame->hd.stream_id)->ended = true;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        peer->goaways++;
        peer->goaway_last = frame->goaway.last_stream_id;
        peer->goaway_code = frame->goaway.error_code;
    }
    if (frame->hd.type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK))
        peer->settings_acked++;
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *at, size_t len,
                   void *owner)
{
    struct peer2 *peer = owner;
    struct peer_stream *stream = stream_add(peer, id);
    (void)flags;
    if (!stream->body)
        stream->body = heap_alloc(PEER_BODY);
    assert_true(stream->body_len + len < PEER_BODY);
    memcpy(stream->body + stream->body_len, at, len);
    stream->body_len += len;
    stream->body[stream->body_len] = '\0';
    if (!peer->hold)
        nghttp2_session_consume(session, id, len);
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *owner)
{
    struct peer_stream *stream = stream_add(owner, id);
    (void)session;
    stream->closed = true;
    stream->code = code;
    return 0;
}

/* ---- beginning and end --------------------------------------------------------------- */

static void peer2_init(struct peer2 *peer, struct play *play, int fd, bool server)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    *peer = (struct peer2){.play = play, .fd = fd};
    peer->streams = heap_alloc(PEER_STREAMS * sizeof *peer->streams);
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_window_update(option, 1);
    if (server)
        nghttp2_session_server_new2(&peer->session, callbacks, peer, option);
    else
        nghttp2_session_client_new2(&peer->session, callbacks, peer, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
}

static void settings_say(struct peer2 *peer, int32_t what, uint32_t value)
{
    const nghttp2_settings_entry entry = {what, value};
    nghttp2_submit_settings(peer->session, NGHTTP2_FLAG_NONE, &entry, what ? 1 : 0);
    peer2_go(peer);
}

void peer2_dial(struct peer2 *peer, struct play *play)
{
    peer2_init(peer, play, play_dial(play), false);
    settings_say(peer, 0, 0);
}

void peer2_dial_holding(struct peer2 *peer, struct play *play, uint32_t window)
{
    peer2_init(peer, play, play_dial(play), false);
    peer->hold = true;
    settings_say(peer, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window);
}

void peer2_took(struct peer2 *peer, struct play *play, unsigned port, uint32_t streams)
{
    peer2_init(peer, play, play_took(play, port), true);
    settings_say(peer, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, streams);
}

void peer2_took_fd(struct peer2 *peer, struct play *play, int fd)
{
    peer2_init(peer, play, fd, true);
    settings_say(peer, 0, 0);
}

void peer2_done(struct peer2 *peer)
{
    for (unsigned i = 0; i < peer->count; i++) {
        free(peer->streams[i].heard);
        free(peer->streams[i].body);
    }
    free(peer->streams);
    nghttp2_session_del(peer->session);
    if (peer->fd >= 0)
        sim_close(peer->play->sim, peer->fd);
    play_go(peer->play);
}

/* ---- saying and hearing ------------------------------------------------------------------ */

static bool say(struct peer2 *peer)
{
    const uint8_t *at;
    ssize_t len;
    bool moved = false;
    while ((len = nghttp2_session_mem_send(peer->session, &at)) > 0) {
        struct bytes left = bytes_make(at, (size_t)len);
        for (unsigned turns = 0; left.len && turns < PLAY_TURNS; turns++) {
            size_t took = sim_say(peer->play->sim, peer->fd, left);
            left = bytes_part(left, took, left.len);
            if (left.len)
                play_go(peer->play);
        }
        moved = true;
    }
    return moved;
}

static bool hear(struct peer2 *peer)
{
    static char buffer[65536];
    bool moved = false;
    size_t got;
    play_go(peer->play);
    while ((got = sim_hear(peer->play->sim, peer->fd, buffer, sizeof buffer))) {
        ssize_t used = nghttp2_session_mem_recv(peer->session, (const uint8_t *)buffer, got);
        if (used < 0)
            world_wrong("what came is no HTTP/2: %s", nghttp2_strerror((int)used));
        moved = true;
        play_go(peer->play);
    }
    return moved;
}

void peer2_go(struct peer2 *peer)
{
    bool said, heard;
    do {
        said = say(peer);
        heard = hear(peer);
    } while (said || heard);
}

/* "name: value\n" lines. The name may begin with a colon. */
static size_t fields_read(const char *lines, nghttp2_nv *nv)
{
    size_t count = 0;
    while (*lines) {
        const char *colon = strchr(lines + 1, ':'), *end = strchr(lines, '\n');
        assert_true(colon && end && colon < end && count < FIELDS_MAX);
        const char *value = colon + 2;
        nv[count++] = (nghttp2_nv){(uint8_t *)(uintptr_t)lines, (uint8_t *)(uintptr_t)value,
                                   (size_t)(colon - lines), (size_t)(end - value), NGHTTP2_NV_FLAG_NONE};
        lines = end + 1;
    }
    return count;
}

static ssize_t on_read(nghttp2_session *session, int32_t id, uint8_t *at, size_t room, uint32_t *flags,
                       nghttp2_data_source *source, void *owner)
{
    struct peer_stream *stream = peer2_stream(owner, id);
    (void)source;
    size_t len = stream->out_len < room ? stream->out_len : room;
    if (!len && !stream->out_end)
        return NGHTTP2_ERR_DEFERRED;
    if (len)
        memcpy(at, stream->out, len);
    stream->out += len;
    stream->out_len -= len;
    if (stream->out_end && !stream->out_len) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (stream->out_trailers) {
            nghttp2_nv nv[FIELDS_MAX];
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            nghttp2_submit_trailer(session, id, nv, fields_read(stream->out_trailers, nv));
        }
    }
    return (ssize_t)len;
}

static const nghttp2_data_provider provider = {.read_callback = on_read};

int32_t peer2_ask_unsaid(struct peer2 *peer, const char *fields, bool end)
{
    nghttp2_nv nv[FIELDS_MAX];
    int32_t id = nghttp2_submit_request(peer->session, NULL, nv, fields_read(fields, nv),
                                        end ? NULL : &provider, NULL);
    assert_true(id > 0);
    stream_add(peer, id);
    return id;
}

int32_t peer2_ask(struct peer2 *peer, const char *fields, bool end)
{
    int32_t id = peer2_ask_unsaid(peer, fields, end);
    peer2_go(peer);
    return id;
}

void peer2_answer(struct peer2 *peer, int32_t id, const char *fields, bool end)
{
    nghttp2_nv nv[FIELDS_MAX];
    nghttp2_submit_response(peer->session, id, nv, fields_read(fields, nv), end ? NULL : &provider);
    peer2_go(peer);
}

void peer2_info(struct peer2 *peer, int32_t id, const char *fields)
{
    nghttp2_nv nv[FIELDS_MAX];
    nghttp2_submit_headers(peer->session, NGHTTP2_FLAG_NONE, id, NULL, nv, fields_read(fields, nv), NULL);
    peer2_go(peer);
}

void peer2_send(struct peer2 *peer, int32_t id, struct bytes body, bool end, const char *trailers)
{
    struct peer_stream *stream = peer2_stream(peer, id);
    stream->out = body.at;
    stream->out_len = body.len;
    stream->out_end = end;
    stream->out_trailers = trailers;
    nghttp2_session_resume_data(peer->session, id);
    peer2_go(peer);
}

void peer2_reset(struct peer2 *peer, int32_t id, uint32_t code)
{
    nghttp2_submit_rst_stream(peer->session, NGHTTP2_FLAG_NONE, id, code);
    peer2_go(peer);
}

/* ---- frames by hand -------------------------------------------------------------------------- */

size_t frame_put(char *at, enum http2_frame_type type, unsigned flags, uint32_t stream, struct bytes payload)
{
    const unsigned char head[HTTP2_FRAME_HEAD_SIZE] = {(unsigned char)(payload.len >> 16),
                                                       (unsigned char)(payload.len >> 8),
                                                       (unsigned char)payload.len,
                                                       (unsigned char)type,
                                                       (unsigned char)flags,
                                                       (unsigned char)(stream >> 24),
                                                       (unsigned char)(stream >> 16),
                                                       (unsigned char)(stream >> 8),
                                                       (unsigned char)stream};
    memcpy(at, head, sizeof head);
    if (payload.len)
        memcpy(at + sizeof head, payload.at, payload.len);
    return sizeof head + payload.len;
}

void peer2_frame(struct peer2 *peer, enum http2_frame_type type, unsigned flags, uint32_t stream,
                 struct bytes payload)
{
    static char frame[HTTP2_FRAME_HEAD_SIZE + 65536];
    sim_say(peer->play->sim, peer->fd, bytes_make(frame, frame_put(frame, type, flags, stream, payload)));
    play_go(peer->play);
}
