#include "rules/decide/session_cookie.h"

#include "base/text.h"

static struct bytes piece_name(struct bytes name, size_t number, struct arena *arena)
{
    return number ? arena_format(arena, "%.*s.%zu", BYTES_FMT(name), number) : name;
}

/* The one that bears the mark: two that do were not both written by us, and neither counts. */
static bool piece_find(const struct http_fields *fields, struct bytes name, struct bytes mark,
                       struct bytes *out)
{
    struct cookie_walk walk = {0};
    struct cookie cookie;
    size_t found = 0;
    while (cookie_next(fields, &walk, &cookie)) {
        struct bytes bears;
        if (!bytes_equal(cookie.name, name) || !bytes_cut(&cookie.value, '.', &bears) ||
            !bytes_equal(bears, mark))
            continue;
        *out = cookie.value;
        found++;
    }
    return found == 1;
}

static bool whole_read(const struct http_fields *fields, const struct cookie *first, struct arena *arena,
                       struct bytes *out)
{
    struct bytes value = first->value, count_text, mark, pieces[SESSION_COOKIE_PIECES_MAX];
    uint64_t count;
    if (!bytes_cut(&value, '.', &count_text) || !bytes_cut(&value, '.', &mark) ||
        !bytes_to_u64(count_text, SESSION_COOKIE_PIECES_MAX, &count) || count == 0 ||
        mark.len != SESSION_COOKIE_MARK_SIZE)
        return false;
    pieces[0] = value;
    for (size_t i = 1; i < count; i++)
        if (!piece_find(fields, piece_name(first->name, i, arena), mark, &pieces[i]))
            return false;
    *out = arena_join(arena, pieces, count);
    return true;
}

size_t session_cookie_find(const struct http_fields *fields, struct bytes name, struct arena *arena,
                           struct bytes out[SESSION_COOKIE_FOUND_MAX])
{
    struct cookie_walk walk = {0};
    struct cookie cookie;
    size_t count = 0, seen = 0;
    while (seen < SESSION_COOKIE_FOUND_MAX && cookie_next(fields, &walk, &cookie)) {
        if (!bytes_equal(cookie.name, name))
            continue;
        seen++;
        count += whole_read(fields, &cookie, arena, &out[count]);
    }
    return count;
}

static bool request_has(const struct http_fields *request, struct bytes name)
{
    struct cookie_walk walk = {0};
    struct cookie cookie;
    while (cookie_next(request, &walk, &cookie))
        if (bytes_equal(cookie.name, name))
            return true;
    return false;
}

static void field_add(struct http_fields *response, struct bytes name, struct bytes value, int64_t max_age_s,
                      struct arena *arena)
{
    http_fields_add(response, BYTES("set-cookie"), cookie_write(name, value, max_age_s, arena));
}

static struct bytes piece_value(struct bytes piece, size_t number, size_t count, struct bytes mark,
                                struct arena *arena)
{
    return number ? arena_format(arena, "%.*s.%.*s", BYTES_FMT(mark), BYTES_FMT(piece))
                  : arena_format(arena, "%zu.%.*s.%.*s", count, BYTES_FMT(mark), BYTES_FMT(piece));
}

bool session_cookie_set(struct http_fields *response, const struct http_fields *request, struct bytes name,
                        struct bytes text, struct bytes mark, int64_t max_age_s, struct arena *arena)
{
    size_t count = (text.len + SESSION_COOKIE_PIECE - 1) / SESSION_COOKIE_PIECE;
    if (count > SESSION_COOKIE_PIECES_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct bytes piece = bytes_part(text, i * SESSION_COOKIE_PIECE, (i + 1) * SESSION_COOKIE_PIECE);
        field_add(response, piece_name(name, i, arena), piece_value(piece, i, count, mark, arena), max_age_s,
                  arena);
    }
    for (size_t i = count; i < SESSION_COOKIE_PIECES_MAX; i++)
        if (request_has(request, piece_name(name, i, arena)))
            field_add(response, piece_name(name, i, arena), (struct bytes){0}, 0, arena);
    return true;
}
