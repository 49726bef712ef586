#include "wire/frame.h"

#include <string.h>

static bool is_type(uint32_t type)
{
    return (type > 0 && type < FRAME_TYPE_COUNT) ||
           (type >= FRAME_BETWEEN_VERSIONS && type < FRAME_BETWEEN_VERSIONS_END);
}

bool frame_check(const struct frame *frame, size_t size, struct fail *why)
{
    if (size != sizeof *frame)
        return fail(why, FAIL_INPUT, "frame: %zu bytes where %zu are one", size, sizeof *frame);
    if (!is_type(frame->type))
        return fail(why, FAIL_INPUT, "frame: type %u is unknown", frame->type);
    if (frame->index >= FRAME_WORKERS_MAX)
        return fail(why, FAIL_INPUT, "frame: worker %u is beyond %d", frame->index, FRAME_WORKERS_MAX);
    if (frame->text_len > FRAME_TEXT_MAX)
        return fail(why, FAIL_INPUT, "frame: a text of %u bytes is beyond %d", frame->text_len,
                    FRAME_TEXT_MAX);
    return true;
}

struct bytes frame_text(const struct frame *frame)
{
    return bytes_make(frame->text, frame->text_len);
}

void frame_text_set(struct frame *frame, struct bytes text)
{
    text = bytes_part(text, 0, FRAME_TEXT_MAX);
    frame->text_len = (uint32_t)text.len;
    if (text.len)
        memcpy(frame->text, text.at, text.len);
}
