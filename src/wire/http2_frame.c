#include "wire/http2_frame.h"

#include <string.h>

static struct http2_frame_head head_read(const unsigned char *at)
{
    return (struct http2_frame_head){
        .length = (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2],
        .type = at[3],
        .flags = at[4],
        .stream = ((uint32_t)at[5] << 24 | (uint32_t)at[6] << 16 | (uint32_t)at[7] << 8 | at[8]) & 0x7FFFFFFF,
    };
}

bool http2_scan_next(struct http2_scan *scan, struct bytes in, size_t *used, struct http2_frame_head *out)
{
    *used = in.len;
    if (in.len <= scan->skip) {
        scan->skip -= in.len;
        return false;
    }
    size_t at = (size_t)scan->skip, rest = in.len - at;
    size_t want = HTTP2_FRAME_HEAD_SIZE - scan->have;
    size_t take = rest < want ? rest : want;
    scan->skip = 0;
    memcpy(scan->head + scan->have, in.at + at, take);
    scan->have += (uint32_t)take;
    if (scan->have < HTTP2_FRAME_HEAD_SIZE)
        return false;
    *out = head_read(scan->head);
    scan->have = 0;
    scan->skip = out->length;
    *used = at + take;
    return true;
}
