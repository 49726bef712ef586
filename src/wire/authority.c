#include "wire/authority.h"

#include "wire/http_char.h"

static bool all_are(struct bytes b, unsigned kinds)
{
    for (size_t i = 0; i < b.len; i++)
        if (!http_char_is(b.at[i], kinds))
            return false;
    return true;
}

static bool digits_only(struct bytes b)
{
    for (size_t i = 0; i < b.len; i++)
        if (!ascii_is_digit(b.at[i]))
            return false;
    return true;
}

/* RFC 3986 3.2.2: inside the brackets of an IP-literal. What it means is for whoever resolves it. */
static bool literal_ok(struct bytes b)
{
    for (size_t i = 0; i < b.len; i++)
        if (!http_char_is(b.at[i], HTTP_CHAR_HEX) && b.at[i] != ':' && b.at[i] != '.')
            return false;
    return b.len > 0;
}

static bool name_ok(struct bytes b)
{
    for (size_t i = 0; i < b.len; i++)
        if (b.at[i] == '%' && (b.len - i < 3 || !all_are(bytes_part(b, i + 1, i + 3), HTTP_CHAR_HEX)))
            return false;
    return b.len > 0 && all_are(b, HTTP_CHAR_HOST);
}

bool authority_split(struct bytes text, struct authority *out)
{
    bool literal = text.len && text.at[0] == '[';
    size_t end = bytes_find(text, literal ? ']' : ':');
    if (literal && end == text.len)
        return false;
    if (literal ? !literal_ok(bytes_part(text, 1, end)) : !name_ok(bytes_part(text, 0, end)))
        return false;
    end += literal;
    if (end < text.len && text.at[end] != ':')
        return false;
    *out = (struct authority){bytes_part(text, 0, end), bytes_part(text, end + 1, text.len)};
    return digits_only(out->port);
}

struct bytes authority_text(struct bytes text)
{
    return text.at[text.len - 1] == ':' ? bytes_part(text, 0, text.len - 1) : text;
}

static bool ports_agree(struct bytes scheme, struct bytes a, struct bytes b)
{
    struct bytes usual = bytes_equal(scheme, BYTES("https")) ? BYTES("443") : BYTES("80");
    return bytes_equal(a.len ? a : usual, b.len ? b : usual);
}

bool authority_agree(struct bytes scheme, const struct authority *a, const struct authority *b)
{
    return bytes_equal_nocase(a->host, b->host) && ports_agree(scheme, a->port, b->port);
}
