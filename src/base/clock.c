#include "base/clock.h"

#include <stddef.h>
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

/* `width` digits, the last ones of the number. */
static char *digits(char *at, unsigned number, size_t width)
{
    for (size_t i = width; i-- > 0; number /= 10)
        at[i] = (char)('0' + number % 10);
    return at + width;
}

void clock_text(int64_t wall_us, char out[CLOCK_TEXT_SIZE])
{
    time_t s = (time_t)(wall_us / 1000000);
    struct tm t;
    gmtime_r(&s, &t);
    const struct {
        unsigned number;
        size_t width;
        char after;
    } parts[] = {
        {(unsigned)(t.tm_year + 1900), 4, '-'},
        {(unsigned)(t.tm_mon + 1), 2, '-'},
        {(unsigned)t.tm_mday, 2, 'T'},
        {(unsigned)t.tm_hour, 2, ':'},
        {(unsigned)t.tm_min, 2, ':'},
        {(unsigned)t.tm_sec, 2, '.'},
        {(unsigned)(wall_us / 1000 % 1000), 3, 'Z'},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        out = digits(out, parts[i].number, parts[i].width);
        *out++ = parts[i].after;
    }
    *out = '\0';
}
