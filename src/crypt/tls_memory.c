#include "crypt/tls_memory.h"

#include <string.h>

enum { LATER = -1, CUT = -2 };

static size_t least(size_t a, size_t b, size_t step)
{
    size_t less = a < b ? a : b;
    return step && step < less ? step : less;
}

static long memory_read(void *owner, char *at, size_t room)
{
    struct tls_memory *memory = ((struct tls_memory_end *)owner)->in;
    if (memory->cut)
        return CUT;
    if (memory->from == memory->to)
        return memory->ended ? 0 : LATER;
    size_t count = least(memory->to - memory->from, room, memory->step);
    memcpy(at, memory->at + memory->from, count);
    memory->from += count;
    return (long)count;
}

static long memory_write(void *owner, const char *at, size_t len)
{
    struct tls_memory *memory = ((struct tls_memory_end *)owner)->out;
    if (memory->cut)
        return CUT;
    if (memory->from == memory->to)
        memory->from = memory->to = 0;
    size_t count = least(sizeof memory->at - memory->to, len, memory->step);
    if (!count)
        return LATER;
    memcpy(memory->at + memory->to, at, count);
    memory->to += count;
    return (long)count;
}

struct tls_io tls_memory_io(struct tls_memory_end *end)
{
    return (struct tls_io){memory_read, memory_write, end};
}
