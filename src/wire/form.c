#include "wire/form.h"

/* -1: it is none. */
static int escape_read(struct bytes in, size_t at)
{
    if (at + 3 > in.len)
        return -1;
    int high = ascii_hex(in.at[at + 1]), low = ascii_hex(in.at[at + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool is_clean(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] < ' ' || text.at[i] == 0x7f)
            return false;
    return bytes_is_utf8(text);
}

static bool text_unescape(struct bytes in, struct arena *arena, struct bytes *out, struct fail *why)
{
    char *at = arena_raw(arena, in.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < in.len; i++) {
        char c = in.at[i] == '+' ? ' ' : in.at[i];
        if (c == '%') {
            int escaped = escape_read(in, i);
            if (escaped < 0)
                return fail(why, FAIL_INPUT, "a percent sign is not followed by two hex digits");
            c = (char)(unsigned char)escaped;
            i += 2;
        }
        at[len++] = c;
    }
    *out = bytes_make(at, len);
    return is_clean(*out) || fail(why, FAIL_INPUT, "a parameter has control characters or is not UTF-8");
}

static bool pair_add(struct form *form, struct form_pair pair, struct fail *why)
{
    for (size_t i = 0; i < form->count; i++)
        if (bytes_equal(form->at[i].name, pair.name))
            return fail(why, FAIL_INPUT, "a parameter came twice");
    if (form->count == FORM_PAIRS_MAX)
        return fail(why, FAIL_LIMIT, "there are more than %d parameters", FORM_PAIRS_MAX);
    form->at[form->count++] = pair;
    return true;
}

bool form_read(struct bytes in, struct arena *arena, struct form *out, struct fail *why)
{
    struct form form = {.count = 0};
    struct bytes rest = in, pair, name;
    while (rest.len) {
        struct form_pair one;
        bytes_cut(&rest, '&', &pair);
        if (!pair.len)
            continue;
        bytes_cut(&pair, '=', &name);
        if (!text_unescape(name, arena, &one.name, why) || !text_unescape(pair, arena, &one.value, why) ||
            !pair_add(&form, one, why))
            return false;
    }
    *out = form;
    return true;
}

bool form_get(const struct form *form, const char *name, struct bytes *out)
{
    *out = (struct bytes){0};
    for (size_t i = 0; i < form->count; i++) {
        if (!bytes_equal(form->at[i].name, bytes_of(name)))
            continue;
        *out = form->at[i].value;
        return true;
    }
    return false;
}

void form_escape(struct text *out, struct bytes value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.at[i];
        if (ascii_is_alpha(c) || ascii_is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~')
            text_add_c(out, c);
        else
            text_format(out, "%%%02X", (unsigned)(unsigned char)c);
    }
}

void form_add(struct text *out, const char *name, struct bytes value)
{
    if (out->len && out->at[out->len - 1] != '?')
        text_add_c(out, '&');
    text_add_s(out, name);
    text_add_c(out, '=');
    form_escape(out, value);
}
