#include "control/secret_values.h"

#include <stdlib.h>

#include "base/heap.h"
#include "wire/base64.h"

enum { NAME_MAX_BYTES = 253, LABEL_MAX_BYTES = 63 };

static bool is_name_byte(char c, bool dots)
{
    return (c >= 'a' && c <= 'z') || ascii_is_digit(c) || c == '-' || (dots && c == '.');
}

static bool is_name(struct bytes name, size_t max, bool dots)
{
    for (size_t i = 0; i < name.len; i++)
        if (!is_name_byte(name.at[i], dots))
            return false;
    return name.len && name.len <= max && name.at[0] != '-' && name.at[0] != '.' &&
           name.at[name.len - 1] != '-' && name.at[name.len - 1] != '.';
}

static void shown(struct bytes text, char *out, size_t size)
{
    struct text to;
    text_init_fixed(&to, out, size);
    text_add_shown(&to, text, 64);
}

bool secret_name_judge(struct bytes name_space, struct bytes name, struct fail *why)
{
    char text[300];
    if (!is_name(name_space, LABEL_MAX_BYTES, false)) {
        shown(name_space, text, sizeof text);
        return fail(
            why, FAIL_INPUT,
            "'%s' is no namespace: 1 to %d lower-case letters, digits and -, a letter or digit at both ends",
            text, LABEL_MAX_BYTES);
    }
    if (!is_name(name, NAME_MAX_BYTES, true)) {
        shown(name, text, sizeof text);
        return fail(
            why, FAIL_INPUT,
            "'%s' is no name of a Secret: 1 to %d lower-case letters, digits, - and ., a letter or digit at "
            "both ends",
            text, NAME_MAX_BYTES);
    }
    return true;
}

bool secret_key_judge(struct bytes key, struct fail *why)
{
    bool good = key.len && key.len <= NAME_MAX_BYTES && !bytes_equal(key, BYTES(".")) &&
                !bytes_starts(key, BYTES(".."));
    for (size_t i = 0; good && i < key.len; i++)
        good = ascii_is_alpha(key.at[i]) || ascii_is_digit(key.at[i]) || strchr("-_.", key.at[i]);
    if (good)
        return true;
    char text[300];
    shown(key, text, sizeof text);
    return fail(why, FAIL_INPUT, "'%s' is no key of a Secret: 1 to %d letters, digits, -, _ and .", text,
                NAME_MAX_BYTES);
}

static int by_place(const void *a, const void *b)
{
    const struct secret_value *x = a, *y = b;
    int order = bytes_compare(x->name_space, y->name_space);
    if (!order)
        order = bytes_compare(x->name, y->name);
    return order ? order : bytes_compare(x->key, y->key);
}

void secret_values_sort(struct secret_values *values)
{
    if (values->count > 1)
        qsort(values->at, values->count, sizeof *values->at, by_place);
}

void secret_values_wipe(const struct secret_values *values)
{
    for (size_t i = 0; i < values->count; i++)
        if (values->at[i].value.len)
            heap_wipe((char *)(uintptr_t)values->at[i].value.at, values->at[i].value.len);
}

size_t secret_values_run(const struct secret_values *values, size_t first)
{
    const struct secret_value *of = &values->at[first];
    size_t end = first;
    while (end < values->count && bytes_equal(values->at[end].name_space, of->name_space) &&
           bytes_equal(values->at[end].name, of->name))
        end++;
    return end - first;
}

void secret_document_write(const struct secret_value *values, size_t count, struct arena *scratch,
                           struct text *out)
{
    text_add_s(out, "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"namespace\":");
    text_add_json(out, values->name_space);
    text_add_s(out, ",\"name\":");
    text_add_json(out, values->name);
    text_add_s(out, "},\"data\":{");
    for (size_t i = 0; i < count; i++) {
        text_add_s(out, i ? "," : "");
        text_add_json(out, values[i].key);
        text_add_s(out, ":\"");
        text_add(out, base64_encode(values[i].value, scratch));
        text_add_c(out, '"');
    }
    text_add_s(out, "}}\n");
}
