#include "base/text.h"

#include <stdio.h>
#include <string.h>

void text_init_arena(struct text *text, struct arena *arena)
{
    *text = (struct text){.arena = arena};
}

void text_init_fixed(struct text *text, char *buffer, size_t size)
{
    *text = (struct text){.at = buffer, .room = size};
    if (size)
        buffer[0] = '\0';
}

/* Makes room for `more` bytes and a NUL; answers how many of them fit. */
static size_t text_room(struct text *text, size_t more)
{
    if (text->len + more < text->room)
        return more;
    if (!text->arena) {
        text->cut = true;
        return text->room > text->len ? text->room - text->len - 1 : 0;
    }
    size_t room = text->room ? text->room * 2 : 128;
    while (room <= text->len + more)
        room *= 2;
    char *at = arena_raw(text->arena, room);
    if (text->len)
        memcpy(at, text->at, text->len);
    text->at = at;
    text->room = room;
    return more;
}

void text_add_grow(struct text *text, struct bytes b)
{
    size_t len = text_room(text, b.len);
    if (len)
        memcpy(text->at + text->len, b.at, len);
    text->len += len;
    if (text->room)
        text->at[text->len] = '\0';
}

void text_add_u64(struct text *text, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    text_add(text, bytes_make(digits + at, sizeof digits - at));
}

void text_vformat(struct text *text, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    size_t left = text->room - text->len;
    size_t len = (size_t)vsnprintf(left ? text->at + text->len : NULL, left, format, args);
    size_t room = text_room(text, len);
    if (len >= left && text->room) /* it was cut, and there may be room by now */
        vsnprintf(text->at + text->len, room + 1, format, again);
    text->len += room;
    va_end(again);
}

void text_format(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    text_vformat(text, format, args);
    va_end(args);
}

/* How many of the first bytes of b are one well-formed UTF-8 character; 0 when they are none. */
static size_t utf8_char(struct bytes b)
{
    size_t max = b.len < 4 ? b.len : 4;
    for (size_t len = 1; len <= max; len++)
        if (bytes_is_utf8(bytes_part(b, 0, len)))
            return len;
    return 0;
}

static void add_json_char(struct text *text, struct bytes character)
{
    unsigned char c = (unsigned char)character.at[0];
    const char *short_form = c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : NULL;
    if (short_form)
        text_add_s(text, short_form);
    else if (c < 0x20 || c == 0x7F)
        text_format(text, "\\u%04x", c);
    else {
        if (c == '"' || c == '\\')
            text_add_c(text, '\\');
        text_add(text, character);
    }
}

/* What does not stand for itself in JSON: controls, both of its own marks, and what is not ASCII. */
static const bool json_special[256] = {
    [0x00 ... 0x1F] = true, ['"'] = true, ['\\'] = true, [0x7F ... 0xFF] = true};

/* How many bytes stand for themselves: eight at a time first. */
static size_t json_plain(struct bytes b)
{
    const unsigned char *at = (const unsigned char *)b.at;
    size_t plain = 0;
    for (; b.len - plain >= 8; plain += 8) {
        const unsigned char *c = at + plain;
        if (json_special[c[0]] | json_special[c[1]] | json_special[c[2]] | json_special[c[3]] |
            json_special[c[4]] | json_special[c[5]] | json_special[c[6]] | json_special[c[7]])
            break;
    }
    while (plain < b.len && !json_special[at[plain]])
        plain++;
    return plain;
}

void text_add_json(struct text *text, struct bytes b)
{
    text_add_c(text, '"');
    while (b.len) {
        size_t plain = json_plain(b);
        text_add(text, bytes_part(b, 0, plain));
        b = bytes_part(b, plain, b.len);
        if (!b.len)
            break;
        size_t len = utf8_char(b);
        if (len)
            add_json_char(text, bytes_part(b, 0, len));
        else
            text_add(text, BYTES("\xEF\xBF\xBD"));
        b = bytes_part(b, len ? len : 1, b.len);
    }
    text_add_c(text, '"');
}

void text_add_hex(struct text *text, struct bytes b)
{
    static const char digits[] = "0123456789abcdef";
    char pairs[64];
    while (b.len) {
        size_t len = b.len < sizeof pairs / 2 ? b.len : sizeof pairs / 2;
        for (size_t i = 0; i < len; i++) {
            pairs[2 * i] = digits[(unsigned char)b.at[i] >> 4];
            pairs[2 * i + 1] = digits[(unsigned char)b.at[i] & 15];
        }
        text_add(text, bytes_make(pairs, 2 * len));
        b = bytes_part(b, len, b.len);
    }
}

void text_add_shown(struct text *text, struct bytes b, size_t max)
{
    size_t end = text->len + max;
    while (b.len && text->len < end) {
        size_t len = utf8_char(b);
        unsigned char c = (unsigned char)b.at[0];
        if (len == 0 || c < 0x20 || c == 0x7F)
            text_format(text, "\\x%02x", c);
        else
            text_add(text, bytes_part(b, 0, len));
        b = bytes_part(b, len ? len : 1, b.len);
    }
    if (b.len)
        text_add(text, BYTES("..."));
}

struct bytes text_bytes(const struct text *text)
{
    return bytes_make(text->at, text->len);
}
