#include "wire/path_template.h"

#include <string.h>

#define ONE BYTES("{*}")
#define MANY BYTES("{**}")

bool path_template_is(struct bytes text)
{
    return bytes_find_text(text, ONE) < text.len || bytes_find_text(text, MANY) < text.len;
}

static bool is_pchar(char c)
{
    return ascii_is_alpha(c) || ascii_is_digit(c) || (c && strchr("-._~%!$&'()*+,;=:@", c));
}

static bool segment_check(struct bytes segment, bool after_many, struct fail *why)
{
    bool hole = bytes_equal(segment, ONE) || bytes_equal(segment, MANY);
    if (hole && after_many)
        return fail(why, FAIL_INPUT, "nothing with a wildcard may follow {**}");
    if (hole)
        return true;
    for (size_t i = 0; i < segment.len; i++)
        if (strchr("{}*", segment.at[i]) || !segment.at[i])
            return fail(why, FAIL_INPUT, "'%.*s' is no segment of a path template: {*} and {**} stand alone",
                        BYTES_FMT(bytes_part(segment, 0, 100)));
    return true;
}

bool path_template_check(struct bytes text, struct fail *why)
{
    bool more = true, after_many = false;
    struct bytes segment;
    if (!text.len || text.at[0] != '/')
        return fail(why, FAIL_INPUT, "a path template begins with '/'");
    while (more) {
        more = bytes_cut(&text, '/', &segment);
        if (!segment_check(segment, after_many, why))
            return false;
        after_many = after_many || bytes_equal(segment, MANY);
    }
    return true;
}

/* {**} is the last hole: what follows it is fixed and stands at the end. */
static bool many_matches(struct bytes tail, struct bytes path)
{
    if (!bytes_ends(path, tail))
        return false;
    for (size_t i = 0; i < path.len - tail.len; i++)
        if (path.at[i] != '/' && !is_pchar(path.at[i]))
            return false;
    return true;
}

bool path_template_matches(struct bytes text, struct bytes path)
{
    while (text.len) {
        if (bytes_starts(text, MANY))
            return many_matches(bytes_part(text, 4, text.len), path);
        if (bytes_starts(text, ONE)) {
            size_t len = 0;
            while (len < path.len && is_pchar(path.at[len]))
                len++;
            if (!len)
                return false;
            path = bytes_part(path, len, path.len);
            text = bytes_part(text, 3, text.len);
            continue;
        }
        if (!path.len || path.at[0] != text.at[0])
            return false;
        path = bytes_part(path, 1, path.len);
        text = bytes_part(text, 1, text.len);
    }
    return !path.len;
}
