#include "base/bytes.h"

#include <string.h>

struct bytes bytes_trim(struct bytes b)
{
    while (b.len && (b.at[0] == ' ' || b.at[0] == '\t')) {
        b.at++;
        b.len--;
    }
    while (b.len && (b.at[b.len - 1] == ' ' || b.at[b.len - 1] == '\t'))
        b.len--;
    return b;
}

bool bytes_equal_nocase(struct bytes a, struct bytes b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (ascii_lower(a.at[i]) != ascii_lower(b.at[i]))
            return false;
    return true;
}

int bytes_compare(struct bytes a, struct bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.at, b.at, len) : 0;
    if (order)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

bool bytes_equal_secret(struct bytes a, struct bytes b)
{
    unsigned char differs = 0;
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        differs |= (unsigned char)(a.at[i] ^ b.at[i]);
    return differs == 0;
}

bool bytes_ends(struct bytes b, struct bytes suffix)
{
    return b.len >= suffix.len && bytes_equal(bytes_part(b, b.len - suffix.len, b.len), suffix);
}

bool bytes_starts_nocase(struct bytes b, struct bytes prefix)
{
    return b.len >= prefix.len && bytes_equal_nocase(bytes_part(b, 0, prefix.len), prefix);
}

bool bytes_ends_nocase(struct bytes b, struct bytes suffix)
{
    return b.len >= suffix.len && bytes_equal_nocase(bytes_part(b, b.len - suffix.len, b.len), suffix);
}

size_t bytes_find(struct bytes b, char c)
{
    const char *found = b.len ? memchr(b.at, c, b.len) : NULL;
    return found ? (size_t)(found - b.at) : b.len;
}

size_t bytes_find_last(struct bytes b, char c)
{
    const char *found = b.len ? memrchr(b.at, c, b.len) : NULL;
    return found ? (size_t)(found - b.at) : b.len;
}

size_t bytes_find_text(struct bytes b, struct bytes needle)
{
    if (needle.len == 0)
        return 0;
    const char *found = b.len ? memmem(b.at, b.len, needle.at, needle.len) : NULL;
    return found ? (size_t)(found - b.at) : b.len;
}

bool bytes_cut(struct bytes *rest, char mark, struct bytes *head)
{
    size_t at = bytes_find(*rest, mark);
    bool found = at < rest->len;
    *head = bytes_part(*rest, 0, at);
    *rest = bytes_part(*rest, found ? at + 1 : at, rest->len);
    return found;
}

bool bytes_to_u64(struct bytes b, uint64_t max, uint64_t *out)
{
    uint64_t number = 0;
    if (b.len == 0)
        return false;
    for (size_t i = 0; i < b.len; i++) {
        if (!ascii_is_digit(b.at[i]))
            return false;
        uint64_t digit = (uint64_t)(b.at[i] - '0');
        if (number > (max - digit) / 10 || digit > max)
            return false;
        number = number * 10 + digit;
    }
    *out = number;
    return true;
}

int ascii_hex(char c)
{
    if (ascii_is_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Length of the sequence a lead byte opens and the range of its second byte (Unicode 15, table 3-7). */
static size_t utf8_lead(unsigned char lead, unsigned char *low, unsigned char *high)
{
    *low = 0x80;
    *high = 0xBF;
    if (lead < 0x80)
        return 1;
    if (lead >= 0xC2 && lead <= 0xDF)
        return 2;
    if (lead >= 0xE0 && lead <= 0xEF) {
        if (lead == 0xE0)
            *low = 0xA0;
        if (lead == 0xED)
            *high = 0x9F;
        return 3;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        if (lead == 0xF0)
            *low = 0x90;
        if (lead == 0xF4)
            *high = 0x8F;
        return 4;
    }
    return 0;
}

bool bytes_is_utf8(struct bytes b)
{
    for (size_t i = 0; i < b.len;) {
        unsigned char low, high;
        size_t len = utf8_lead((unsigned char)b.at[i], &low, &high);
        if (len == 0 || len > b.len - i)
            return false;
        for (size_t k = 1; k < len; k++) {
            unsigned char c = (unsigned char)b.at[i + k];
            if (k == 1 ? c < low || c > high : c < 0x80 || c > 0xBF)
                return false;
        }
        i += len;
    }
    return true;
}
