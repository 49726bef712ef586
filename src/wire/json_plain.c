#include "wire/json_plain.h"

#include <string.h>

enum { DIGITS_MAX = 18 };

struct reader {
    const char *at;
    const char *end;
    int depth;
};

static json_t *value_read(struct reader *reader);

/* The next character that is not space, or NUL at the end: no JSON text holds a NUL outside of strings. */
static char peek(struct reader *reader)
{
    for (; reader->at < reader->end; reader->at++) {
        char c = *reader->at;
        if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
            return c;
    }
    return '\0';
}

static bool skip(struct reader *reader, char c)
{
    if (peek(reader) != c)
        return false;
    reader->at++;
    return true;
}

/* At a quote: what stands up to the next one, if none of it needs another look. */
static bool text_read(struct reader *reader, struct bytes *out)
{
    const char *start = reader->at + 1, *at = start;
    unsigned char seen = 0;
    for (; at < reader->end && *at != '"'; at++) {
        unsigned char c = (unsigned char)*at;
        if (c < 0x20 || c == '\\')
            return false;
        seen |= c;
    }
    if (at == reader->end)
        return false;
    *out = bytes_make(start, (size_t)(at - start));
    reader->at = at + 1;
    return seen < 0x80 || bytes_is_utf8(*out);
}

static json_t *string_read(struct reader *reader)
{
    struct bytes text;
    return text_read(reader, &text) ? json_stringn_nocheck(text.at, text.len) : NULL;
}

static json_t *integer_read(struct reader *reader)
{
    const char *start = reader->at;
    json_int_t number = 0;
    for (; reader->at < reader->end && ascii_is_digit(*reader->at); reader->at++) {
        if (reader->at - start == DIGITS_MAX || (reader->at > start && *start == '0'))
            return NULL;
        number = number * 10 + (*reader->at - '0');
    }
    return json_integer(number);
}

static bool member_read(struct reader *reader, json_t *object)
{
    struct bytes name;
    size_t count = json_object_size(object);
    if (peek(reader) != '"' || !text_read(reader, &name) || !skip(reader, ':'))
        return false;
    json_t *value = value_read(reader);
    /* A name that was there already makes no object bigger. */
    return value && json_object_setn_new_nocheck(object, name.at, name.len, value) == 0 &&
           json_object_size(object) > count;
}

static bool element_read(struct reader *reader, json_t *array)
{
    json_t *value = value_read(reader);
    return value && json_array_append_new(array, value) == 0;
}

/* At an opening bracket; `part` reads what stands between commas. Takes `into`. */
static json_t *parts_read(struct reader *reader, char close, json_t *into,
                          bool (*part)(struct reader *, json_t *))
{
    bool ok = into && ++reader->depth <= JSON_DEPTH_MAX;
    reader->at++;
    if (ok && !skip(reader, close)) {
        do
            ok = part(reader, into);
        while (ok && skip(reader, ','));
        ok = ok && skip(reader, close);
    }
    reader->depth--;
    if (ok)
        return into;
    json_decref(into);
    return NULL;
}

static json_t *literal_read(struct reader *reader, struct bytes name, json_t *value)
{
    if (!bytes_starts(bytes_make(reader->at, (size_t)(reader->end - reader->at)), name))
        return NULL;
    reader->at += name.len;
    return value;
}

static json_t *value_read(struct reader *reader)
{
    char c = peek(reader);
    switch (c) {
    case '{':
        return parts_read(reader, '}', json_object(), member_read);
    case '[':
        return parts_read(reader, ']', json_array(), element_read);
    case '"':
        return string_read(reader);
    case 't':
        return literal_read(reader, BYTES("true"), json_true());
    case 'f':
        return literal_read(reader, BYTES("false"), json_false());
    case 'n':
        return literal_read(reader, BYTES("null"), json_null());
    default:
        return ascii_is_digit(c) ? integer_read(reader) : NULL;
    }
}

json_t *json_plain_read(struct bytes in)
{
    struct reader reader = {in.at, in.at + in.len, 0};
    json_t *value = in.len ? value_read(&reader) : NULL;
    if (value && (peek(&reader) || reader.at < reader.end)) {
        json_decref(value);
        return NULL;
    }
    return value;
}
