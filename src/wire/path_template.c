#include "wire/path_template.h"

#define ONE BYTES("{*}")
#define MANY BYTES("{**}")
#define TEMPLATE_MAX 1024
#define OPERATORS_MAX 16

bool path_template_is(struct bytes text)
{
    return bytes_find_text(text, ONE) < text.len || bytes_find_text(text, MANY) < text.len;
}

static bool segment_check(struct bytes text, struct bytes segment, bool *many, unsigned *operators,
                          struct fail *why)
{
    if (bytes_equal(segment, ONE) || bytes_equal(segment, MANY)) {
        if (*many)
            return fail(why, FAIL_INPUT, "'%.*s': {**} must be the last operator", BYTES_FMT(text));
        if (++*operators > OPERATORS_MAX)
            return fail(why, FAIL_LIMIT, "'%.*s' has more than %d operators", BYTES_FMT(text), OPERATORS_MAX);
        *many = segment.len == MANY.len;
        return true;
    }
    for (size_t i = 0; i < segment.len; i++)
        if (segment.at[i] == '*' || segment.at[i] == '{' || segment.at[i] == '}')
            return fail(why, FAIL_INPUT, "'%.*s': *, { and } may only stand as {*} or {**} between slashes",
                        BYTES_FMT(text));
    return true;
}

bool path_template_check(struct bytes text, struct fail *why)
{
    bool more = true, many = false;
    unsigned operators = 0;
    struct bytes rest = text, segment;
    if (text.len > TEMPLATE_MAX)
        return fail(why, FAIL_LIMIT, "a path template is longer than %d bytes", TEMPLATE_MAX);
    if (text.len == 0 || text.at[0] != '/')
        return fail(why, FAIL_INPUT, "'%.*s' does not begin with /", BYTES_FMT(text));
    while (more) {
        more = bytes_cut(&rest, '/', &segment);
        if (!segment_check(text, segment, &many, &operators, why))
            return false;
    }
    return true;
}

/* RFC 3986 3.3: unreserved, percent triples, sub-delims, ":" and "@". */
static bool is_pchar(char c)
{
    return ascii_is_alpha(c) || ascii_is_digit(c) || bytes_find(BYTES("-._~%!$&'()*+,;=:@"), c) < 18;
}

/* How many pchars `b` begins with; slashes too for {**}. */
static size_t run(struct bytes b, bool slashes)
{
    size_t len = 0;
    while (len < b.len && (is_pchar(b.at[len]) || (slashes && b.at[len] == '/')))
        len++;
    return len;
}

/* Behind {**} there is text only: it must be how the path ends. */
static bool match_many(struct bytes text, struct bytes path)
{
    return bytes_ends(path, text) && run(path, true) >= path.len - text.len;
}

bool path_template_match(struct bytes text, struct bytes path)
{
    while (text.len) {
        if (bytes_starts(text, MANY))
            return match_many(bytes_part(text, MANY.len, text.len), path);
        if (bytes_starts(text, ONE)) {
            size_t len = run(path, false);
            if (len == 0 || (len < path.len && path.at[len] != '/'))
                return false;
            text = bytes_part(text, ONE.len, text.len);
            path = bytes_part(path, len, path.len);
        } else {
            if (path.len == 0 || path.at[0] != text.at[0])
                return false;
            text = bytes_part(text, 1, text.len);
            path = bytes_part(path, 1, path.len);
        }
    }
    return path.len == 0;
}
