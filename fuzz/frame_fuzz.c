/* Frames from a process that may have been taken over. */
#include <string.h>

#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct frame frame = {0};
    struct fail why;
    memcpy(&frame, data, size < sizeof frame ? size : sizeof frame);
    if (!frame_check(&frame, size, &why))
        return 0;
    struct frame again = frame;
    frame_text_set(&again, frame_text(&frame));
    if (!frame_check(&again, sizeof again, &why) || memcmp(&frame, &again, sizeof frame) != 0)
        __builtin_trap();
    return 0;
}
