#include "rules/duration.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static const struct {
    struct bytes name;
    double ms;
} units[] = {
    {BYTES_INIT("ms"), 1},    {BYTES_INIT("us"), 1e-3}, {BYTES_INIT("\xC2\xB5s"), 1e-3},
    {BYTES_INIT("ns"), 1e-6}, {BYTES_INIT("h"), 3.6e6}, {BYTES_INIT("m"), 6e4},
    {BYTES_INIT("s"), 1e3},
};

/* Digits with at most one point; at least one digit. */
static bool take_number(struct bytes *rest, double *out)
{
    double value = 0;
    double scale = 0;
    size_t digits = 0;
    size_t at = 0;
    for (; at < rest->len; at++) {
        char c = rest->at[at];
        if (c == '.' && scale == 0) {
            scale = 1;
            continue;
        }
        if (!ascii_is_digit(c))
            break;
        value = value * 10 + (c - '0');
        scale *= 10;
        digits++;
    }
    *rest = bytes_part(*rest, at, rest->len);
    *out = scale > 0 ? value / scale : value;
    return digits > 0 && digits <= 18;
}

static bool take_unit(struct bytes *rest, double *out)
{
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (bytes_starts(*rest, units[i].name)) {
            *rest = bytes_part(*rest, units[i].name.len, rest->len);
            *out = units[i].ms;
            return true;
        }
    }
    return false;
}

static bool read_total(struct bytes text, double *out)
{
    double total = 0;
    *out = 0;
    if (bytes_equal(text, BYTES("0")))
        return true;
    if (text.len == 0)
        return false;
    while (text.len > 0) {
        double number;
        double unit;
        if (!take_number(&text, &number) || !take_unit(&text, &unit))
            return false;
        total += number * unit;
    }
    *out = total;
    return total <= 1000.0 * 366 * 24 * 3.6e6;
}

bool duration_read(struct bytes text, int64_t *out_ms)
{
    double total;
    if (!read_total(text, &total))
        return false;
    *out_ms = (int64_t)ceil(total - 1e-6);
    return true;
}

bool duration_is_whole(struct bytes text)
{
    double total;
    /* Half a nanosecond, or what a double cannot tell apart. */
    return read_total(text, &total) && fabs(total - round(total)) <= fmax(5e-7, total * 4e-15);
}

void duration_text(int64_t ms, char out[32])
{
    if (ms % 3600000 == 0 && ms > 0)
        snprintf(out, 32, "%" PRId64 "h", ms / 3600000);
    else if (ms % 60000 == 0 && ms > 0)
        snprintf(out, 32, "%" PRId64 "m", ms / 60000);
    else if (ms % 1000 == 0)
        snprintf(out, 32, "%" PRId64 "s", ms / 1000);
    else if (ms < 1000)
        snprintf(out, 32, "%" PRId64 "ms", ms);
    else
        snprintf(out, 32, "%gs", (double)ms / 1000);
}
