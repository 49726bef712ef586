/* However a stream is cut, its frames begin at the same places. */
#include <assert.h>
#include <string.h>

#include "wire/http2_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FRAMES_MAX = 4096 };

struct seen {
    struct http2_frame_head head;
    uint64_t at; /* where its head ends */
};

static size_t scan(struct bytes in, size_t piece, struct seen *seen)
{
    struct http2_scan scan = {.skip = HTTP2_PREFACE_SIZE};
    size_t count = 0, begin = 0;
    while (begin < in.len) {
        struct bytes part = bytes_part(in, begin, begin + piece < in.len ? begin + piece : in.len);
        size_t at = 0, used;
        struct http2_frame_head head;
        while (http2_scan_next(&scan, bytes_part(part, at, part.len), &used, &head)) {
            assert(used && used <= part.len - at && head.length < 1u << 24 && !(head.stream >> 31));
            at += used;
            if (count < FRAMES_MAX)
                seen[count++] = (struct seen){head, begin + at};
        }
        begin += part.len;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct seen whole[FRAMES_MAX], cut[FRAMES_MAX];
    if (size < 1)
        return 0;
    size_t piece = data[0] + 1u;
    struct bytes in = bytes_make(data + 1, size - 1);
    size_t count = scan(in, in.len + 1, whole);
    assert(scan(in, piece, cut) == count);
    for (size_t i = 0; i < count; i++) {
        const struct http2_frame_head *a = &whole[i].head, *b = &cut[i].head;
        assert(a->length == b->length && a->type == b->type && a->flags == b->flags &&
               a->stream == b->stream && whole[i].at == cut[i].at);
    }
    return 0;
}
