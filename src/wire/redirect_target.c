#include "wire/redirect_target.h"

#include "wire/authority.h"
#include "wire/http_char.h"

#define ANY_PORT BYTES("*")

static bool refuse(struct fail *why, const char *sentence)
{
    return fail(why, FAIL_INPUT, "the redirect target %s", sentence);
}

/* The part that says where to: what follows a question mark or a fragment's mark changes no host. */
static struct bytes place_of(struct bytes target)
{
    size_t end = bytes_find(target, '?'), mark = bytes_find(target, '#');
    return bytes_part(target, 0, end < mark ? end : mark);
}

/* WHATWG URL 4.4 drops tabs and line ends wherever they stand and takes a backslash for a slash. */
static bool characters_check(struct bytes target, struct fail *why)
{
    for (size_t i = 0; i < target.len; i++)
        if (!http_char_is(target.at[i], HTTP_CHAR_TARGET) && target.at[i] != '#')
            return refuse(why, "holds a character that no URL holds unescaped");
    struct bytes place = place_of(target);
    return bytes_find(place, '\\') == place.len || refuse(why, "holds a backslash in its path");
}

/* How long a dot segment with its slash is at the beginning of `path`, "%2e" read as a dot; 0 for none. */
static size_t dots_len(struct bytes path)
{
    size_t at = 0;
    for (unsigned dots = 0; dots < 2; dots++)
        if (at < path.len && path.at[at] == '.')
            at++;
        else if (bytes_starts_nocase(bytes_part(path, at, path.len), BYTES("%2e")))
            at += 3;
    return at && at < path.len && path.at[at] == '/' ? at + 1 : 0;
}

/*
 * "//host" is another host to a browser, and "/.//host" or "/%2fhost" become that
 * as soon as somebody on the way makes the path normal.
 */
static bool path_check(struct bytes path, struct fail *why)
{
    static const struct bytes slashes[] = {BYTES_INIT("/"), BYTES_INIT("%2f"), BYTES_INIT("%5c")};
    size_t len;
    path = bytes_part(path, 1, path.len);
    while ((len = dots_len(path)) > 0)
        path = bytes_part(path, len, path.len);
    for (size_t i = 0; i < sizeof slashes / sizeof slashes[0]; i++)
        if (bytes_starts_nocase(path, slashes[i]))
            return refuse(why, "begins with two slashes, which leads to another host");
    return true;
}

/* A name as DNS has it, or an IP literal; nothing that a browser would decode or map first. */
static bool host_plain(struct bytes host)
{
    bool literal = host.len && host.at[0] == '[';
    for (size_t i = 0; i < host.len && !literal; i++)
        if (!ascii_is_alpha(host.at[i]) && !ascii_is_digit(host.at[i]) &&
            bytes_find(BYTES("-_."), host.at[i]) == 3)
            return false;
    return host.len > 0 && host.at[0] != '.' && bytes_find_text(host, BYTES("..")) == host.len;
}

static bool below_marked(struct bytes allowed)
{
    return bytes_starts(allowed, BYTES(".")) || bytes_starts(allowed, BYTES("*."));
}

/* An allowed host taken apart; `below` of it too when it was marked so. */
static bool allowed_split(struct bytes allowed, struct authority *out, bool *below)
{
    struct bytes rest = allowed;
    *below = below_marked(rest);
    if (*below)
        rest = bytes_part(rest, bytes_find(rest, '.') + 1, rest.len);
    bool any = bytes_ends(rest, BYTES(":*"));
    if (!authority_split(any ? bytes_part(rest, 0, rest.len - 2) : rest, out) || !host_plain(out->host))
        return false;
    if (any)
        out->port = ANY_PORT;
    return true;
}

bool redirect_allowed_check(struct bytes allowed, struct fail *why)
{
    struct authority authority;
    bool below;
    return allowed_split(allowed, &authority, &below) ||
           fail(why, FAIL_INPUT,
                "'%.*s' is no host to be redirected to; write HOST or *.HOST, with :PORT or :* when it has "
                "one",
                BYTES_FMT(bytes_part(allowed, 0, 100)));
}

static bool host_matches(struct bytes host, struct bytes allowed, bool below)
{
    if (bytes_equal_nocase(host, allowed))
        return true;
    return below && host.len > allowed.len && bytes_ends_nocase(host, allowed) &&
           host.at[host.len - allowed.len - 1] == '.';
}

static bool allowed_matches(struct bytes allowed, const struct authority *to)
{
    struct authority authority;
    bool below;
    return allowed_split(allowed, &authority, &below) && host_matches(to->host, authority.host, below) &&
           (bytes_equal(authority.port, ANY_PORT) || bytes_equal(authority.port, to->port));
}

static bool scope_holds(const struct redirect_scope *scope, const struct authority *to)
{
    struct authority own;
    if (authority_split(scope->own, &own) && bytes_equal_nocase(own.host, to->host) &&
        bytes_equal(own.port, to->port))
        return true;
    for (uint32_t i = 0; i < scope->allowed_count; i++)
        if (allowed_matches(scope->allowed[i], to))
            return true;
    return false;
}

/* RFC 3986 3: scheme "://" authority; a browser would take any number of slashes, and none. */
static bool url_check(struct bytes target, const struct redirect_scope *scope, struct fail *why)
{
    struct authority to;
    struct bytes place = place_of(target);
    size_t colon = bytes_find(place, ':');
    struct bytes scheme = bytes_part(place, 0, colon), rest = bytes_part(place, colon, place.len);
    if (!bytes_equal_nocase(scheme, BYTES("http")) && !bytes_equal_nocase(scheme, BYTES("https")))
        return refuse(why, "is neither a path that begins with / nor an http or https URL");
    if (!bytes_starts(rest, BYTES("://")))
        return refuse(why, "has no // behind its scheme");
    rest = bytes_part(rest, 3, rest.len);
    struct bytes authority = bytes_part(rest, 0, bytes_find(rest, '/'));
    if (!authority_split(authority, &to) || !host_plain(to.host))
        return refuse(why, "has no plain host");
    if (!scope_holds(scope, &to))
        return fail(why, FAIL_DENIED, "the redirect target leads to a host that is not allowed");
    return true;
}

bool redirect_target_check(struct bytes target, const struct redirect_scope *scope, struct fail *why)
{
    if (target.len == 0)
        return refuse(why, "is empty");
    if (target.len > REDIRECT_TARGET_MAX)
        return fail(why, FAIL_LIMIT, "the redirect target is longer than %d bytes", REDIRECT_TARGET_MAX);
    if (!characters_check(target, why))
        return false;
    return target.at[0] == '/' ? path_check(place_of(target), why) : url_check(target, scope, why);
}
