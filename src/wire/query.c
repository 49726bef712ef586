#include "wire/query.h"

#include "base/text.h"

static struct bytes unescape(struct bytes in, struct arena *arena)
{
    size_t len = 0;
    if (bytes_find(in, '%') == in.len)
        return in;
    char *at = arena_raw(arena, in.len);
    for (size_t i = 0; i < in.len; i++) {
        int high = in.len - i > 2 && in.at[i] == '%' ? ascii_hex(in.at[i + 1]) : -1;
        int low = high >= 0 ? ascii_hex(in.at[i + 2]) : -1;
        at[len++] = low >= 0 ? (char)(unsigned char)(high * 16 + low) : in.at[i];
        i += low >= 0 ? 2 : 0;
    }
    return bytes_make(at, len);
}

/* Takes the next parameter; false at the end. */
static bool parameter_next(struct bytes *rest, struct bytes *pair, struct bytes *name, struct bytes *value)
{
    if (!rest->len)
        return false;
    bytes_cut(rest, '&', pair);
    *value = *pair;
    bytes_cut(value, '=', name);
    return true;
}

static struct bytes query_of(struct bytes path)
{
    return bytes_part(path, bytes_find(path, '?') + 1, path.len);
}

bool query_value(struct bytes path, struct bytes name, struct arena *arena, struct bytes *value)
{
    struct bytes rest = query_of(path), pair, key, raw;
    while (parameter_next(&rest, &pair, &key, &raw)) {
        if (!bytes_equal(unescape(key, arena), name))
            continue;
        *value = unescape(raw, arena);
        return true;
    }
    return false;
}

struct bytes query_without(struct bytes path, struct bytes name, struct arena *arena)
{
    struct bytes rest = query_of(path), pair, key, raw;
    struct text text;
    char before = '?';
    text_init_arena(&text, arena);
    text_add(&text, bytes_part(path, 0, bytes_find(path, '?')));
    while (parameter_next(&rest, &pair, &key, &raw)) {
        if (bytes_equal(unescape(key, arena), name))
            continue;
        text_add_c(&text, before);
        text_add(&text, pair);
        before = '&';
    }
    return text_bytes(&text);
}
