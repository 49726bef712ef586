#include "wire/cookie.h"

#include "base/text.h"

static bool field_enter(const struct http_fields *fields, struct cookie_walk *walk)
{
    while (walk->field < fields->count && fields->at[walk->field].known != HTTP_COOKIE)
        walk->field++;
    if (walk->field == fields->count)
        return false;
    walk->rest = fields->at[walk->field].value;
    walk->inside = true;
    return true;
}

bool cookie_next(const struct http_fields *fields, struct cookie_walk *walk, struct cookie *out)
{
    while (walk->inside || field_enter(fields, walk)) {
        struct bytes pair;
        walk->inside = bytes_cut(&walk->rest, ';', &pair);
        walk->field += !walk->inside;
        struct bytes value = pair;
        if (!bytes_cut(&value, '=', &pair))
            continue;
        *out = (struct cookie){bytes_trim(pair), bytes_trim(value)};
        return true;
    }
    return false;
}

static bool is_among(struct bytes pair, const struct bytes *prefixes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes_starts(pair, prefixes[i]))
            return true;
    return false;
}

/* Answers whether something went; *out is what is left. */
static bool value_strip(struct bytes value, const struct bytes *prefixes, size_t count, struct arena *arena,
                        struct bytes *out)
{
    struct text text;
    struct bytes rest = value, pair;
    bool gone = false, more = true;
    text_init_arena(&text, arena);
    while (more) {
        more = bytes_cut(&rest, ';', &pair);
        pair = bytes_trim(pair);
        if (is_among(pair, prefixes, count)) {
            gone = true;
            continue;
        }
        if (text.len && pair.len)
            text_add_s(&text, "; ");
        text_add(&text, pair);
    }
    *out = text_bytes(&text);
    return gone;
}

void cookies_strip(struct http_fields *fields, const struct bytes *prefixes, size_t count,
                   struct arena *arena)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < fields->count; i++) {
        struct http_field field = fields->at[i];
        struct bytes value;
        if (field.known == HTTP_COOKIE && value_strip(field.value, prefixes, count, arena, &value)) {
            field.value = value;
            if (!value.len)
                continue;
        }
        fields->at[left++] = field;
    }
    fields->count = left;
}

bool cookie_is_name(struct bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '-' && c != '_' && c != '.')
            return false;
    }
    return name.len > 0;
}

struct bytes cookie_write(struct bytes name, struct bytes value, int64_t max_age_s, struct arena *arena)
{
    struct text text;
    text_init_arena(&text, arena);
    text_add(&text, name);
    text_add_c(&text, '=');
    text_add(&text, value);
    text_add_s(&text, "; Path=/; Secure; HttpOnly; SameSite=Lax");
    if (max_age_s >= 0)
        text_format(&text, "; Max-Age=%lld", (long long)max_age_s);
    return text_bytes(&text);
}
