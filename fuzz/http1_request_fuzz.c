/* A head in one piece and the same head in two: one verdict. What was read is written, and reads the same
 * again. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "wire/http1.h"

static const struct http1_limits limits = {
    .line_max = 200, .head_max = 1000, .name_max = 30, .fields_max = 20};

static enum http1_turn read_in_two(const uint8_t *data, size_t size, size_t cut, struct arena *arena,
                                   size_t *used)
{
    struct http_request request;
    struct http1_framing framing;
    struct http1_error error = {0};
    size_t seen = 0;
    enum http1_turn turn = HTTP1_MORE;
    for (size_t len = cut; turn == HTTP1_MORE; len = size) {
        char *copy = malloc(len + !len);
        memcpy(copy, data, len);
        turn = http1_read_request(copy, len, &seen, &limits, arena, &request, &framing, used, &error);
        assert(turn != HTTP1_BAD || (error.status >= 400 && error.sentence));
        free(copy);
        if (len == size)
            break;
    }
    return turn;
}

static void write_and_read_again(const struct http_request *request, const struct http1_framing *framing,
                                 struct arena *arena)
{
    struct text out;
    struct http_request again;
    struct http1_framing framing_again;
    struct http1_error error;
    size_t seen = 0, used = 0;
    struct http1_write how = {.body = framing->body,
                              .length = framing->length,
                              .close = !framing->keep_alive,
                              .upgrade = framing->upgrade};
    if (request->authority.len == 0)
        return; /* a 1.0 request without Host gets one from the route */
    text_init_arena(&out, arena);
    http1_write_request(&out, request, &how);
    enum http1_turn turn = http1_read_request(out.at, out.len, &seen, &http1_limits_default, arena, &again,
                                              &framing_again, &used, &error);
    assert(turn == HTTP1_DONE && used == out.len);
    assert(bytes_equal(again.method, request->method) && bytes_equal(again.path, request->path));
    assert(bytes_equal(again.authority, request->authority) && again.fields.count == request->fields.count);
    assert(framing_again.body == framing->body && framing_again.length == framing->length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t cut = data[0], used[2] = {0, 0}, seen = 0, whole_used;
    data++;
    size--;
    struct arena arena;
    struct http_request request;
    struct http1_framing framing;
    struct http1_error error;
    arena_init(&arena);
    enum http1_turn one = read_in_two(data, size, size, &arena, &used[0]);
    enum http1_turn two = read_in_two(data, size, cut < size ? cut : size, &arena, &used[1]);
    assert(one == HTTP1_DONE ? two != HTTP1_MORE && used[0] == used[1] : two != HTTP1_DONE);
    char *copy = malloc(size + !size);
    memcpy(copy, data, size);
    if (http1_read_request(copy, size, &seen, &limits, &arena, &request, &framing, &whole_used, &error) ==
        HTTP1_DONE)
        write_and_read_again(&request, &framing, &arena);
    free(copy);
    arena_done(&arena);
    return 0;
}
