/*
 * Fields in any order: a verdict with its sentence, and nothing kept beyond the limits. A request that is
 * taken is one that HTTP/1.1 can carry: written so, it reads the same.
 *
 * The input: lines "name\0value\n"; the first byte says what is read.
 */
#include <assert.h>
#include <string.h>

#include "wire/http2_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http1_limits limits = {
    .line_max = 200, .head_max = 2000, .name_max = 30, .fields_max = 20};

static void feed(struct http2_head *head, struct bytes in)
{
    while (in.len) {
        size_t end = bytes_find(in, '\n');
        struct bytes line = bytes_part(in, 0, end < in.len ? end : in.len);
        size_t split = bytes_find(line, '\0');
        split = split < line.len ? split : line.len;
        http2_head_field(head, bytes_part(line, 0, split),
                         bytes_part(line, split < line.len ? split + 1 : line.len, line.len));
        in = bytes_part(in, end < in.len ? end + 1 : in.len, in.len);
    }
}

static void refused(const struct http2_head *head)
{
    assert(head->error.sentence && head->error.status >= 400 && head->error.status <= 599);
}

static void write_and_read_again(struct http_request *request, struct arena *arena)
{
    struct text out;
    struct http_request again;
    struct http1_framing framing;
    struct http1_error error;
    size_t seen = 0, used = 0;
    const struct http1_write how = {.body = HTTP1_BODY_NONE};
    if (bytes_equal(request->method, BYTES("CONNECT")))
        return;                                    /* no path */
    http_fields_remove(&request->fields, HTTP_TE); /* HTTP/1.1's reader keeps it to its hop */
    text_init_arena(&out, arena);
    http1_write_request(&out, request, &how);
    enum http1_turn turn = http1_read_request(out.at, out.len, &seen, &http1_limits_default, arena, &again,
                                              &framing, &used, &error);
    assert(turn == HTTP1_DONE && used == out.len);
    assert(bytes_equal(again.method, request->method) && bytes_equal(again.path, request->path));
    assert(bytes_equal(again.authority, request->authority) && again.fields.count == request->fields.count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct arena arena;
    struct http2_head head;
    struct http_request request;
    struct http_response response;
    struct bytes protocol;
    arena_init(&arena);
    http2_head_init(&head, &arena, &limits);
    feed(&head, bytes_make(data + 1, size - 1));
    assert(head.fields.count <= limits.fields_max);
    if (data[0] % 3 == 0 && http2_head_request(&head, &request, &protocol))
        write_and_read_again(&request, &arena);
    else if (data[0] % 3 == 1 && http2_head_response(&head, BYTES("GET"), &response))
        assert(response.status >= 100 && response.status <= 599 && response.status != 101);
    else if (data[0] % 3 == 2 && http2_head_trailers(&head))
        assert(!head.pseudo);
    else
        refused(&head);
    arena_done(&arena);
    return 0;
}
