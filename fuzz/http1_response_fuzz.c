/* A response's head, for each method that changes what follows; what was read can be written. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "wire/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct bytes methods[] = {BYTES_INIT("GET"), BYTES_INIT("HEAD"), BYTES_INIT("CONNECT")};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        struct arena arena;
        struct http_response response;
        struct http1_framing framing;
        struct http1_error error = {0};
        struct text out;
        size_t seen = 0, used;
        char *copy = malloc(size + !size);
        memcpy(copy, data, size);
        arena_init(&arena);
        enum http1_turn turn = http1_read_response(copy, size, &seen, &http1_limits_default, methods[i],
                                                   &arena, &response, &framing, &used, &error);
        assert(turn != HTTP1_BAD || error.status == 502);
        if (turn == HTTP1_DONE) {
            assert(used <= size && response.status >= 100 && response.status <= 599);
            text_init_arena(&out, &arena);
            http1_write_response(&out, &response,
                                 &(struct http1_write){.body = framing.body, .length = framing.length});
        }
        arena_done(&arena);
        free(copy);
    }
    return 0;
}
