#include "wire/path.h"

#include <string.h>

#include "wire/http_char.h"

bool path_level_parse(struct bytes name, enum path_level *out)
{
    static const struct {
        struct bytes name;
        enum path_level level;
    } levels[] = {
        {BYTES_INIT("NONE"), PATH_NONE},
        {BYTES_INIT("DEFAULT"), PATH_BASE},
        {BYTES_INIT("BASE"), PATH_BASE},
        {BYTES_INIT("MERGE_SLASHES"), PATH_MERGE_SLASHES},
        {BYTES_INIT("DECODE_AND_MERGE_SLASHES"), PATH_DECODE_AND_MERGE_SLASHES},
    };
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
        if (bytes_equal(levels[i].name, name)) {
            *out = levels[i].level;
            return true;
        }
    return false;
}

struct bytes path_only(struct bytes path)
{
    for (size_t i = 0; i < path.len; i++)
        if (path.at[i] == '?' || path.at[i] == '#')
            return bytes_part(path, 0, i);
    return path;
}

/* The byte a percent triple at `at` stands for, or -1. */
static int triple(const char *at, size_t len)
{
    if (len < 3 || at[0] != '%')
        return -1;
    int high = ascii_hex(at[1]), low = ascii_hex(at[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

size_t path_unescape_slashes(char *at, size_t len)
{
    size_t to = 0;
    for (size_t i = 0; i < len; i++) {
        int byte = triple(at + i, len - i);
        bool slash = byte == '/' || byte == '\\';
        at[to++] = slash ? (char)byte : at[i];
        i += slash ? 2 : 0;
    }
    return to;
}

size_t path_merge_slashes(char *at, size_t len)
{
    size_t to = 0;
    for (size_t i = 0; i < len; i++)
        if (at[i] != '/' || to == 0 || at[to - 1] != '/')
            at[to++] = at[i];
    return to;
}

size_t path_remove_parameters(char *at, size_t len)
{
    size_t to = 0;
    bool inside = false;
    for (size_t i = 0; i < len; i++) {
        inside = at[i] != '/' && (inside || at[i] == ';');
        if (!inside)
            at[to++] = at[i];
    }
    return to;
}

/* RFC 3986 2.3: what means the same written plainly. */
static bool is_unreserved(int byte)
{
    char c = (char)byte;
    return byte < 0x80 &&
           (ascii_is_alpha(c) || ascii_is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~');
}

/* RFC 3986 6.2.2.2, and "\" becomes "/" as browsers take it. Triples that stay keep their letter case. */
static size_t decode_unreserved(char *at, size_t len)
{
    size_t to = 0;
    for (size_t i = 0; i < len; i++) {
        int byte = triple(at + i, len - i);
        if (byte >= 0 && is_unreserved(byte)) {
            at[to++] = (char)byte;
            i += 2;
        } else {
            at[to++] = at[i] == '\\' ? '/' : at[i];
        }
    }
    return to;
}

/*
 * RFC 3986 5.2.4 with empty segments counted as segments, in place: at[0] is
 * "/", and every segment is moved behind what was kept so far.
 */
static size_t remove_dots(char *at, size_t len)
{
    size_t to = 1, i = 1;
    for (;;) {
        char *slash = memchr(at + i, '/', len - i);
        size_t end = slash ? (size_t)(slash - at) : len;
        struct bytes segment = bytes_make(at + i, end - i);
        if (bytes_equal(segment, BYTES(".."))) {
            while (to > 1 && at[to - 2] != '/')
                to--;
            to -= to > 1;
        } else if (!bytes_equal(segment, BYTES("."))) {
            memmove(at + to, segment.at, segment.len);
            to += segment.len;
            if (slash)
                at[to++] = '/';
        }
        if (!slash)
            return to;
        i = end + 1;
    }
}

static bool path_check(struct bytes in, struct bytes path, enum path_level level, struct fail *why)
{
    if (path.len == 0 || path.at[0] != '/')
        return fail(why, FAIL_INPUT, "the path does not begin with /");
    for (size_t i = 0; i < in.len; i++)
        if ((unsigned char)in.at[i] <= ' ' || in.at[i] == 0x7F)
            return fail(why, FAIL_INPUT, "the path holds a control character or a space");
    for (size_t i = 0; i < path.len; i++) {
        if (path.at[i] != '%')
            continue;
        int byte = triple(path.at + i, path.len - i);
        if (byte == 0)
            return fail(why, FAIL_INPUT, "the path holds %%00");
        if (byte < 0 && level != PATH_NONE)
            return fail(why, FAIL_INPUT, "the path holds a percent sign without two hexadecimal digits");
    }
    return true;
}

/* Most paths are clean: then nothing is copied. */
static bool is_normal(struct bytes path, enum path_level level)
{
    for (size_t i = 0; i < path.len; i++) {
        char c = path.at[i], after = i + 1 < path.len ? path.at[i + 1] : '\0';
        if (c == '%' || c == '\\' || (c == '/' && after == '.'))
            return false;
        if (c == '/' && after == '/' && level >= PATH_MERGE_SLASHES)
            return false;
    }
    return true;
}

static size_t normalize(char *at, size_t len, enum path_level level)
{
    if (level == PATH_DECODE_AND_MERGE_SLASHES)
        len = path_unescape_slashes(at, len);
    len = remove_dots(at, decode_unreserved(at, len));
    return level >= PATH_MERGE_SLASHES ? path_merge_slashes(at, len) : len;
}

bool path_normalize(struct bytes in, enum path_level level, struct arena *arena, struct bytes *out,
                    struct fail *why)
{
    in = bytes_part(in, 0, bytes_find(in, '#'));
    struct bytes path = path_only(in);
    if (!path_check(in, path, level, why))
        return false;
    if (level == PATH_NONE || is_normal(path, level)) {
        *out = in;
        return true;
    }
    char *at = arena_raw(arena, in.len);
    memcpy(at, in.at, path.len);
    size_t len = normalize(at, path.len, level);
    memcpy(at + len, in.at + path.len, in.len - path.len);
    *out = bytes_make(at, len + in.len - path.len);
    return true;
}
