#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t clock_read_us(clockid_t which)
{
    struct timespec now;
    clock_gettime(which, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

uint64_t clock_ms(void)
{
    return (uint64_t)clock_read_us(CLOCK_MONOTONIC) / 1000;
}

uint64_t clock_us(void)
{
    return (uint64_t)clock_read_us(CLOCK_MONOTONIC);
}

int64_t clock_wall_s(void)
{
    return clock_read_us(CLOCK_REALTIME) / 1000000;
}

int64_t clock_wall_us(void)
{
    return clock_read_us(CLOCK_REALTIME);
}

void clock_text(int64_t wall_us, char out[CLOCK_TEXT_SIZE])
{
    time_t s = (time_t)(wall_us / 1000000);
    struct tm t;
    gmtime_r(&s, &t);
    snprintf(out, CLOCK_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
             (unsigned)(t.tm_year + 1900) % 10000, (unsigned)(t.tm_mon + 1) % 100, (unsigned)t.tm_mday % 100,
             (unsigned)t.tm_hour % 100, (unsigned)t.tm_min % 100, (unsigned)t.tm_sec % 100,
             (unsigned)(wall_us / 1000 % 1000));
}
