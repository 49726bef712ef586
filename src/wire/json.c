#include "wire/json.h"

#include "wire/json_plain.h"

/* jansson's own sentences quote the input, which may be a secret; these do not. */
static const char *error_text(enum json_error_code code)
{
    switch (code) {
    case json_error_duplicate_key:
        return "an object names a member twice";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "a string holds a NUL";
    case json_error_invalid_utf8:
        return "the text is not UTF-8";
    case json_error_end_of_input_expected:
        return "something follows the value";
    case json_error_premature_end_of_input:
        return "the text ends too early";
    case json_error_numeric_overflow:
        return "a number is too big";
    default:
        return "the syntax is wrong";
    }
}

/* How deep brackets nest; judges nothing else, so what is no JSON at all may answer anything. */
static size_t depth_of(struct bytes in)
{
    size_t depth = 0, deepest = 0;
    bool quoted = false;
    for (size_t i = 0; i < in.len; i++) {
        char c = in.at[i];
        if (quoted) {
            i += c == '\\';
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            depth++;
            deepest = depth > deepest ? depth : deepest;
        } else if ((c == '}' || c == ']') && depth) {
            depth--;
        }
    }
    return deepest;
}

json_t *json_read(struct bytes in, size_t max, struct fail *why)
{
    if (in.len > max) {
        fail(why, FAIL_LIMIT, "the JSON has %zu bytes; at most %zu are read", in.len, max);
        return NULL;
    }
    json_t *value = json_plain_read(in);
    if (value)
        return value;
    if (depth_of(in) > JSON_DEPTH_MAX) {
        fail(why, FAIL_LIMIT, "the JSON nests more than %d deep", JSON_DEPTH_MAX);
        return NULL;
    }
    json_error_t error;
    value = json_loadb(in.len ? in.at : "", in.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!value)
        fail(why, FAIL_INPUT, "not JSON at line %d, column %d: %s", error.line, error.column,
             error_text(json_error_code(&error)));
    return value;
}

bool json_text(const json_t *value, struct bytes *out)
{
    *out = (struct bytes){0};
    if (!json_is_string(value))
        return false;
    *out = bytes_make(json_string_value(value), json_string_length(value));
    return true;
}

bool json_member_text(const json_t *object, const char *name, struct bytes *out)
{
    return json_text(json_object_get(object, name), out);
}

static int on_dump(const char *piece, size_t size, void *text)
{
    text_add(text, bytes_make(piece, size));
    return 0;
}

void json_write(struct text *out, const json_t *value)
{
    json_dump_callback(value, on_dump, out, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
}
