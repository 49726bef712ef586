#include "wire/spiffe_id.h"

#include <stdlib.h>

#include "base/text.h"

static const struct bytes scheme = BYTES_INIT("spiffe://");

static bool trust_domain_char(char c)
{
    return (c >= 'a' && c <= 'z') || ascii_is_digit(c) || c == '.' || c == '-' || c == '_';
}

static bool path_char(char c)
{
    return ascii_is_alpha(c) || ascii_is_digit(c) || c == '.' || c == '-' || c == '_';
}

/* Whatever came in, shown so that it cannot forge a line. */
struct shown {
    char at[96];
};

static const char *show(struct shown *shown, struct bytes b)
{
    struct text text;
    text_init_fixed(&text, shown->at, sizeof shown->at);
    text_add_shown(&text, b, 60);
    return shown->at;
}

bool spiffe_trust_domain_check(struct bytes name, struct fail *why)
{
    struct shown shown;
    if (!name.len)
        return fail(why, FAIL_INPUT, "the trust domain is missing");
    if (name.len > SPIFFE_TRUST_DOMAIN_MAX)
        return fail(why, FAIL_LIMIT, "the trust domain has %zu bytes; at most %d are allowed", name.len,
                    SPIFFE_TRUST_DOMAIN_MAX);
    for (size_t i = 0; i < name.len; i++)
        if (!trust_domain_char(name.at[i]))
            return fail(why, FAIL_INPUT,
                        "trust domain '%s': byte %zu is none of lower-case letters, digits, '.', '-' and '_'",
                        show(&shown, name), i + 1);
    return true;
}

static bool segment_check(struct bytes segment, struct fail *why)
{
    struct shown shown;
    if (!segment.len)
        return fail(why, FAIL_INPUT, "the path has an empty segment or ends in '/'");
    if (bytes_equal(segment, BYTES(".")) || bytes_equal(segment, BYTES("..")))
        return fail(why, FAIL_INPUT, "the path has a segment '%.*s'", BYTES_FMT(segment));
    for (size_t i = 0; i < segment.len; i++)
        if (!path_char(segment.at[i]))
            return fail(why, FAIL_INPUT,
                        "path segment '%s': byte %zu is none of letters, digits, '.', '-' and '_'",
                        show(&shown, segment), i + 1);
    return true;
}

/* `path` is empty or begins with "/". */
static bool path_check(struct bytes path, struct fail *why)
{
    struct bytes rest = bytes_part(path, 1, path.len);
    struct bytes segment;
    if (!path.len)
        return true;
    bool more;
    do {
        more = bytes_cut(&rest, '/', &segment);
        if (!segment_check(segment, why))
            return false;
    } while (more);
    return true;
}

/* Cuts TD/ns/NAMESPACE/sa/ACCOUNT: exactly five parts. */
static bool istio_cut(struct bytes after_scheme, struct spiffe_id *out)
{
    struct bytes part[5];
    struct bytes rest = after_scheme;
    for (size_t i = 0; i < 4; i++)
        if (!bytes_cut(&rest, '/', &part[i]))
            return false;
    if (bytes_cut(&rest, '/', &part[4]) || !bytes_equal(part[1], BYTES("ns")) ||
        !bytes_equal(part[3], BYTES("sa")))
        return false;
    *out = (struct spiffe_id){
        .trust_domain = part[0],
        .path = bytes_part(after_scheme, part[0].len, after_scheme.len),
        .name_space = part[2],
        .account = part[4],
    };
    return true;
}

bool spiffe_id_parse(struct bytes text, struct spiffe_id *out, struct fail *why)
{
    if (!text.len)
        return fail(why, FAIL_INPUT, "the SPIFFE id is empty");
    if (text.len > SPIFFE_ID_MAX)
        return fail(why, FAIL_LIMIT, "the SPIFFE id has %zu bytes; at most %d are allowed", text.len,
                    SPIFFE_ID_MAX);
    struct shown shown;
    if (!bytes_starts(text, scheme))
        return fail(why, FAIL_INPUT, "'%s' does not begin with spiffe://", show(&shown, text));
    struct bytes rest = bytes_part(text, scheme.len, text.len);
    size_t slash = bytes_find(rest, '/');
    struct spiffe_id id = {.trust_domain = bytes_part(rest, 0, slash),
                           .path = bytes_part(rest, slash, rest.len)};
    if (!spiffe_trust_domain_check(id.trust_domain, why) || !path_check(id.path, why))
        return false;
    istio_cut(rest, &id);
    *out = id;
    return true;
}

bool spiffe_trust_domain_parse(struct bytes text, struct bytes *out, struct fail *why)
{
    struct spiffe_id id = {.trust_domain = text};
    /* A name never holds ":/", so what does is meant as a URI. */
    bool good = bytes_find_text(text, BYTES(":/")) < text.len ? spiffe_id_parse(text, &id, why)
                                                              : spiffe_trust_domain_check(text, why);
    if (good)
        *out = id.trust_domain;
    return good;
}

struct bytes spiffe_id_format(struct arena *arena, struct bytes trust_domain, struct bytes name_space,
                              struct bytes account)
{
    if (!trust_domain.len || !name_space.len || !account.len)
        return BYTES("");
    return arena_format(arena, "spiffe://%.*s/ns/%.*s/sa/%.*s", BYTES_FMT(trust_domain),
                        BYTES_FMT(name_space), BYTES_FMT(account));
}

bool spiffe_istio_parse(struct bytes text, struct spiffe_id *out, struct fail *why)
{
    struct shown shown;
    if (!bytes_starts(text, scheme) || !istio_cut(bytes_part(text, scheme.len, text.len), out))
        return fail(why, FAIL_INPUT, "'%s' is not spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT",
                    show(&shown, text));
    return true;
}

static int compare(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

static size_t sort_unique(struct bytes *items, size_t count)
{
    size_t kept = 0;
    if (count)
        qsort(items, count, sizeof *items, compare);
    for (size_t i = 0; i < count; i++)
        if (!kept || !bytes_equal(items[kept - 1], items[i]))
            items[kept++] = items[i];
    return kept;
}

struct bytes *spiffe_aliases_expand(struct arena *arena, const struct bytes *uris, size_t uri_count,
                                    const struct bytes *aliases, size_t alias_count, size_t *count)
{
    struct bytes *out = arena_array(arena, struct bytes, uri_count * (alias_count + 1));
    size_t n = 0;
    for (size_t i = 0; i < uri_count; i++) {
        struct spiffe_id id;
        struct fail why;
        out[n++] = uris[i];
        if (!spiffe_istio_parse(uris[i], &id, &why))
            continue;
        for (size_t a = 0; a < alias_count; a++)
            out[n++] = arena_format(arena, "spiffe://%.*s%.*s", BYTES_FMT(aliases[a]), BYTES_FMT(id.path));
    }
    *count = sort_unique(out, n);
    return out;
}
