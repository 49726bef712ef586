#include "wire/parcel.h"

#include <stdlib.h>

#include "base/heap.h"

void parcel_done(struct parcel *parcel)
{
    if (parcel->at)
        heap_wipe(parcel->at, PARCEL_MAX);
    free(parcel->at);
    *parcel = (struct parcel){0};
}

static void begin(struct parcel *parcel, uint64_t id, size_t total)
{
    if (!parcel->at)
        parcel->at = heap_alloc(PARCEL_MAX);
    parcel->id = id;
    parcel->total = total;
    parcel->len = 0;
}

bool parcel_take(struct parcel *parcel, const struct frame *frame, struct bytes *out)
{
    size_t total = (size_t)(frame->number >> 32), at = (size_t)(frame->number & UINT32_MAX);
    struct bytes text = frame_text(frame);
    if (total > PARCEL_MAX || !text.len || at > total || text.len > total - at)
        return false;
    if (at == 0)
        begin(parcel, frame->id, total);
    if (!parcel->at || parcel->id != frame->id || parcel->total != total || parcel->len != at)
        return false;
    memcpy(parcel->at + at, text.at, text.len);
    parcel->len += text.len;
    *out = bytes_make(parcel->at, parcel->len);
    return parcel->len == total;
}

bool parcel_next(struct bytes all, size_t *at, struct frame *frame)
{
    if (*at >= all.len || all.len > PARCEL_MAX)
        return false;
    frame_text_set(frame, bytes_part(all, *at, all.len));
    frame->number = (uint64_t)all.len << 32 | *at;
    *at += frame->text_len;
    return true;
}
