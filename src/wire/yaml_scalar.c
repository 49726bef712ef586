#include "wire/yaml_scalar.h"

#include <math.h>
#include <stdlib.h>

static bool is_one_of(struct bytes text, const char *const *words)
{
    for (; *words; words++) {
        if (bytes_equal(text, bytes_of(*words)))
            return true;
    }
    return false;
}

static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
static const char *const trues[] = {"true", "True", "TRUE", "yes", "Yes", "YES",
                                    "y",    "Y",    "on",   "On",  "ON",  NULL};
static const char *const falses[] = {"false", "False", "FALSE", "no",  "No",  "NO",
                                     "n",     "N",     "off",   "Off", "OFF", NULL};

/* Cuts a base's prefix off and answers the base. */
static int base_of(struct bytes *digits)
{
    static const struct {
        char mark;
        int base;
    } bases[] = {{'x', 16}, {'o', 8}, {'b', 2}};
    if (digits->len < 2 || digits->at[0] != '0')
        return 10;
    for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        if (ascii_lower(digits->at[1]) == bases[i].mark) {
            *digits = bytes_part(*digits, 2, digits->len);
            return bases[i].base;
        }
    }
    *digits = bytes_part(*digits, 1, digits->len);
    return 8;
}

/* Digits without the underscores, which may stand anywhere behind the first character. */
static size_t plain_digits(struct bytes text, char out[64])
{
    size_t len = 0;
    for (size_t i = 0; i < text.len && len < 64; i++)
        if (text.at[i] != '_')
            out[len++] = text.at[i];
    return len;
}

bool yaml_scalar_int(struct bytes text, int64_t *out)
{
    char plain[64];
    bool minus = text.len > 0 && text.at[0] == '-';
    bool sign = minus || (text.len > 0 && text.at[0] == '+');
    if (text.len == 0 || (!sign && !ascii_is_digit(text.at[0])))
        return false;
    struct bytes digits = {plain, plain_digits(bytes_part(text, sign ? 1 : 0, text.len), plain)};
    if (digits.len == 0 || digits.len == sizeof(plain) || !ascii_is_digit(digits.at[0]))
        return false;
    uint64_t base = (uint64_t)base_of(&digits);
    uint64_t max = (uint64_t)INT64_MAX + (minus ? 1 : 0);
    uint64_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        int digit = ascii_hex(digits.at[i]);
        if (digit < 0 || (uint64_t)digit >= base || value > (max - (uint64_t)digit) / base)
            return false;
        value = value * base + (uint64_t)digit;
    }
    *out = minus ? (int64_t)(0 - value) : (int64_t)value;
    return digits.len > 0;
}

static size_t skip_digits(struct bytes text, size_t at)
{
    while (at < text.len && ascii_is_digit(text.at[at]))
        at++;
    return at;
}

/* [-+]? (\.[0-9]+ | [0-9]+(\.[0-9]*)?) ([eE][-+]?[0-9]+)? */
static bool looks_real(struct bytes text)
{
    size_t at = text.len > 0 && (text.at[0] == '-' || text.at[0] == '+') ? 1 : 0;
    size_t whole = skip_digits(text, at);
    size_t digits = whole - at;
    at = whole;
    if (at < text.len && text.at[at] == '.') {
        size_t end = skip_digits(text, at + 1);
        digits += end - at - 1;
        at = end;
    }
    if (digits == 0)
        return false;
    if (at < text.len && ascii_lower(text.at[at]) == 'e') {
        at++;
        if (at < text.len && (text.at[at] == '-' || text.at[at] == '+'))
            at++;
        size_t end = skip_digits(text, at);
        if (end == at)
            return false;
        at = end;
    }
    return at == text.len;
}

static bool real_of(struct bytes text, double *out)
{
    static const char *const infinite[] = {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", NULL};
    static const char *const minus_infinite[] = {"-.inf", "-.Inf", "-.INF", NULL};
    static const char *const nans[] = {".nan", ".NaN", ".NAN", NULL};
    char buffer[64];
    struct text copy;
    if (is_one_of(text, infinite))
        return *out = (double)INFINITY, true;
    if (is_one_of(text, minus_infinite))
        return *out = -(double)INFINITY, true;
    if (is_one_of(text, nans))
        return *out = (double)NAN, true;
    /* Go strips underscores behind a digit or sign alone. */
    if (text.len > 0 && (text.at[0] == '_' || (text.at[0] == '.' && bytes_find(text, '_') < text.len)))
        return false;
    text_init_fixed(&copy, buffer, sizeof(buffer));
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] != '_')
            text_add_c(&copy, text.at[i]);
    }
    if (copy.cut || !looks_real(text_bytes(&copy)))
        return false;
    *out = strtod(buffer, NULL);
    return isfinite(*out);
}

void yaml_scalar_type(struct yaml_node *node)
{
    if (is_one_of(node->text, nulls)) {
        node->kind = YAML_NULL;
    } else if (is_one_of(node->text, trues) || is_one_of(node->text, falses)) {
        node->kind = YAML_BOOL;
        node->truth = is_one_of(node->text, trues);
    } else if (yaml_scalar_int(node->text, &node->number)) {
        node->kind = YAML_INT;
        node->real = (double)node->number;
    } else if (real_of(node->text, &node->real)) {
        node->kind = YAML_FLOAT;
    }
}
