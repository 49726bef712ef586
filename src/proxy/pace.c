#include "proxy/pace.h"

void pace_note(struct pace *pace, uint64_t now_ms, uint64_t bytes, bool waiting)
{
    if (pace->waiting)
        pace->waited_ms += now_ms - pace->since_ms;
    pace->bytes += bytes;
    pace->since_ms = now_ms;
    pace->waiting = waiting;
}

bool pace_is_slow(const struct pace *pace, uint64_t rate, uint64_t grace_ms)
{
    return pace->waited_ms > grace_ms && pace->bytes * 1000 < rate * pace->waited_ms;
}
