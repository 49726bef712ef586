#include "cli/serve_http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/heap.h"

enum { BUFFER_SIZE = 64 * 1024 };

/* What was read from the connection and not used yet. */
struct inflow {
    int fd;
    size_t from;
    size_t to;
    char at[BUFFER_SIZE];
};

static void inflow_settle(struct inflow *in)
{
    memmove(in->at, in->at + in->from, in->to - in->from);
    in->to -= in->from;
    in->from = 0;
}

/* False: the end, an error, too late, or no room. */
static bool inflow_more(struct inflow *in)
{
    if (in->from == in->to)
        in->from = in->to = 0;
    if (in->to == sizeof in->at)
        return false;
    for (;;) {
        ssize_t got = recv(in->fd, in->at + in->to, sizeof in->at - in->to, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        in->to += (size_t)got;
        return true;
    }
}

/* ---- answers ----------------------------------------------------------------- */

bool serving_send(struct serving *serving, struct bytes bytes)
{
    while (bytes.len) {
        ssize_t sent = send(serving->fd, bytes.at, bytes.len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0) {
            serving->keep_alive = false;
            return false;
        }
        bytes = bytes_part(bytes, (size_t)sent, bytes.len);
    }
    return true;
}

bool serving_is_head(const struct serving *serving)
{
    return bytes_equal(serving->request.method, BYTES("HEAD"));
}

static void head_write(struct serving *serving, unsigned status, const struct http_fields *fields,
                       struct http1_write how, struct text *out)
{
    struct http_response response = {.status = status, .reason = bytes_of(http_reason(status)), .minor = 1};
    if (fields)
        response.fields = *fields;
    else
        http_fields_init(&response.fields, &serving->arena);
    how.close = !serving->keep_alive && !how.upgrade.len;
    how.keep_alive = serving->keep_alive && serving->request.minor == 0;
    text_init_arena(out, &serving->arena);
    http1_write_response(out, &response, &how);
}

void serving_head(struct serving *serving, unsigned status, const struct http_fields *fields,
                  struct http1_write how)
{
    struct text out;
    head_write(serving, status, fields, how, &out);
    serving_send(serving, text_bytes(&out));
}

void serving_reply(struct serving *serving, unsigned status, const char *type,
                   const struct http_fields *fields, struct bytes body)
{
    struct http_fields all;
    struct text out;
    bool bare = status == 204 || status == 304;
    http_fields_init(&all, &serving->arena);
    for (uint32_t i = 0; fields && i < fields->count; i++)
        http_fields_add(&all, fields->at[i].name, fields->at[i].value);
    if (!bare)
        http_fields_add_known(&all, HTTP_CONTENT_TYPE, bytes_of(type));
    head_write(serving, status, &all,
               (struct http1_write){.body = bare ? HTTP1_BODY_NONE : HTTP1_BODY_LENGTH, .length = body.len},
               &out);
    if (!bare && !serving_is_head(serving))
        text_add(&out, body);
    serving_send(serving, text_bytes(&out));
}

/* ---- bodies -------------------------------------------------------------------- */

struct intake {
    struct serving *serving;
    struct digest_work *work;
};

static void intake_take(struct intake *intake, struct bytes piece)
{
    struct serving *serving = intake->serving;
    if (serving->body_len < SERVE_BODY_KEPT) {
        struct bytes kept = bytes_part(piece, 0, SERVE_BODY_KEPT - (size_t)serving->body_len);
        memcpy(serving->body + serving->body_len, kept.at, kept.len);
    }
    serving->body_len += piece.len;
    digest_more(intake->work, piece);
}

static bool length_read(struct intake *intake, struct inflow *in, uint64_t left)
{
    while (left) {
        if (in->from == in->to && !inflow_more(in))
            return false;
        uint64_t have = in->to - in->from;
        size_t part = (size_t)(have < left ? have : left);
        intake_take(intake, bytes_make(in->at + in->from, part));
        in->from += part;
        left -= part;
    }
    return true;
}

static bool chunked_read(struct intake *intake, struct inflow *in)
{
    struct http1_chunks chunks;
    struct http1_error error;
    http1_chunks_init(&chunks, &intake->serving->arena);
    for (;;) {
        struct bytes data;
        size_t used = 0;
        enum http1_piece piece = http1_chunks_read(&chunks, bytes_make(in->at + in->from, in->to - in->from),
                                                   &used, &data, &error);
        in->from += used;
        if (piece == HTTP1_PIECE_DATA)
            intake_take(intake, data);
        if (piece == HTTP1_PIECE_END)
            return true;
        if (piece == HTTP1_PIECE_BAD || (piece == HTTP1_PIECE_MORE && !inflow_more(in)))
            return false;
    }
}

static bool body_read(struct serving *serving, struct inflow *in)
{
    struct intake intake = {serving, digest_start()};
    bool whole = true;
    serving->body_len = 0;
    if (serving->framing.expect_continue)
        whole = serving_send(serving, BYTES("HTTP/1.1 100 Continue\r\n\r\n"));
    if (whole && serving->framing.body == HTTP1_BODY_LENGTH)
        whole = length_read(&intake, in, serving->framing.length);
    else if (whole && serving->framing.body == HTTP1_BODY_CHUNKED)
        whole = chunked_read(&intake, in);
    serving->body_digest = digest_end(intake.work);
    return whole;
}

/* ---- heads ---------------------------------------------------------------------- */

static bool refuse(struct serving *serving, const struct http1_error *error)
{
    struct text body;
    text_init_arena(&body, &serving->arena);
    text_format(&body, "%s\n", error->sentence);
    memset(&serving->request, 0, sizeof serving->request);
    serving->keep_alive = false;
    serving_reply(serving, error->status, "text/plain", NULL, text_bytes(&body));
    return false;
}

/* What the head says is copied away: the body needs the buffer. */
static char *head_copy(struct serving *serving, const struct inflow *in, size_t len)
{
    char *copy = arena_raw(&serving->arena, len);
    memcpy(copy, in->at + in->from, len);
    return copy;
}

static bool head_read(struct serving *serving, struct inflow *in)
{
    struct http1_error error;
    size_t seen = 0, used;
    inflow_settle(in);
    for (;;) {
        size_t len = in->to - in->from;
        size_t first_seen = 0;
        enum http1_turn turn =
            len ? http1_read_request(in->at, len, &seen, &http1_limits_default, &serving->arena,
                                     &serving->request, &serving->framing, &used, &error)
                : HTTP1_MORE;
        if (turn == HTTP1_BAD)
            return refuse(serving, &error);
        if (turn == HTTP1_MORE && !inflow_more(in))
            return false;
        if (turn != HTTP1_DONE)
            continue;
        char *copy = head_copy(serving, in, used);
        http1_read_request(copy, used, &first_seen, &http1_limits_default, &serving->arena, &serving->request,
                           &serving->framing, &used, &error);
        in->from += used;
        return true;
    }
}

static bool exchange(struct serving *serving, struct inflow *in, serve_answer *answer, void *self)
{
    if (!head_read(serving, in))
        return false;
    serving->keep_alive = serving->framing.keep_alive;
    if (!body_read(serving, in))
        return false;
    serving->early = bytes_make(in->at + in->from, in->to - in->from);
    answer(serving, self);
    return serving->keep_alive;
}

void serve_http(int fd, serve_answer *answer, void *self)
{
    struct serving *serving = heap_new(struct serving);
    struct inflow *in = heap_new(struct inflow);
    serving->fd = in->fd = fd;
    arena_init(&serving->arena);
    while (exchange(serving, in, answer, self))
        arena_reset(&serving->arena);
    shutdown(fd, SHUT_WR);
    arena_done(&serving->arena);
    arena_stock_drop();
    free(serving);
    free(in);
}
