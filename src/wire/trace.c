#include "wire/trace.h"

#include <string.h>

#define TEXT_LEN (TRACE_TEXT_SIZE - 1)

/* Lower case only: level 1, 2.2.2. */
static bool read_hex(const char *at, size_t size, uint8_t *out)
{
    uint8_t any = 0;
    for (size_t i = 0; i < size; i++) {
        char a = at[2 * i], b = at[2 * i + 1];
        int high = ascii_hex(a), low = ascii_hex(b);
        if (high < 0 || low < 0 || ascii_lower(a) != a || ascii_lower(b) != b)
            return false;
        out[i] = (uint8_t)(high * 16 + low);
        any |= out[i];
    }
    return any || size == 1;
}

bool trace_parse(struct bytes text, struct trace *out)
{
    struct trace trace;
    uint8_t version;
    const char *at = text.at;
    if (text.len < TEXT_LEN || at[2] != '-' || at[35] != '-' || at[52] != '-')
        return false;
    if (!read_hex(at, 1, &version) || version == 0xFF)
        return false;
    if (version == 0 ? text.len != TEXT_LEN : text.len > TEXT_LEN && at[TEXT_LEN] != '-')
        return false;
    if (!read_hex(at + 3, sizeof trace.id, trace.id) || !read_hex(at + 36, sizeof trace.span, trace.span) ||
        !read_hex(at + 53, 1, &trace.flags))
        return false;
    trace.flags &= TRACE_SAMPLED | TRACE_RANDOM;
    *out = trace;
    return true;
}

/* A copy that is not all zero, whatever the odds. */
static void take_random(uint8_t *out, const uint8_t *random, size_t size)
{
    uint8_t any = 0;
    for (size_t i = 0; i < size; i++)
        any |= out[i] = random[i];
    if (!any)
        out[size - 1] = 1;
}

void trace_start(const uint8_t random[TRACE_RANDOM_SIZE], bool sampled, struct trace *out)
{
    take_random(out->id, random, sizeof out->id);
    take_random(out->span, random + sizeof out->id, sizeof out->span);
    out->flags = (uint8_t)(TRACE_RANDOM | (sampled ? TRACE_SAMPLED : 0));
}

void trace_child(const struct trace *parent, const uint8_t random[TRACE_SPAN_SIZE], struct trace *out)
{
    *out = *parent;
    take_random(out->span, random, sizeof out->span);
}

static char *put_hex(char *at, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 15];
    }
    return at;
}

struct bytes trace_text(const struct trace *trace, char buffer[TRACE_TEXT_SIZE])
{
    char *at = put_hex(buffer, (const uint8_t[]){0}, 1);
    *at++ = '-';
    at = put_hex(at, trace->id, sizeof trace->id);
    *at++ = '-';
    at = put_hex(at, trace->span, sizeof trace->span);
    *at++ = '-';
    at = put_hex(at, &trace->flags, 1);
    *at = '\0';
    return bytes_make(buffer, TEXT_LEN);
}

/* Level 2, 3.3.1.3.1: lcalpha or digit, then those and _ - * / @. */
static bool key_ok(struct bytes key)
{
    for (size_t i = 0; i < key.len; i++) {
        char c = key.at[i];
        bool plain = (c >= 'a' && c <= 'z') || ascii_is_digit(c);
        if (!plain && (i == 0 || (c != '_' && c != '-' && c != '*' && c != '/' && c != '@')))
            return false;
    }
    return key.len > 0 && key.len <= 256;
}

/* Printable ASCII without "," and "="; no space at the end (the trimming took it). */
static bool value_ok(struct bytes value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] < ' ' || value.at[i] > '~' || value.at[i] == '=')
            return false;
    return value.len > 0 && value.len <= 256;
}

bool trace_state_ok(struct bytes value)
{
    struct bytes keys[TRACE_STATE_MEMBERS_MAX], member, key;
    size_t count = 0;
    bool more = true;
    if (value.len > TRACE_STATE_MAX)
        return false;
    while (more) {
        more = bytes_cut(&value, ',', &member);
        member = bytes_trim(member);
        if (member.len == 0)
            continue; /* empty members are allowed */
        if (count == TRACE_STATE_MEMBERS_MAX || !bytes_cut(&member, '=', &key) || !key_ok(key) ||
            !value_ok(member))
            return false;
        for (size_t i = 0; i < count; i++)
            if (bytes_equal(keys[i], key))
                return false;
        keys[count++] = key;
    }
    return count > 0;
}
