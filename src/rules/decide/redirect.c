#include "rules/decide/redirect.h"

#include "wire/authority.h"

enum { PORT_HTTP = 80, PORT_HTTPS = 443 };

static uint32_t scheme_port(struct bytes scheme)
{
    return bytes_equal(scheme, BYTES("https")) ? PORT_HTTPS : PORT_HTTP;
}

static bool is_port(struct bytes text, uint32_t port)
{
    uint64_t number;
    return bytes_to_u64(text, 65535, &number) && number == port;
}

/*
 * The port as text, empty for none. One that the scheme implies is left out, unless it
 * stands in the host that was asked for.
 */
static struct bytes port_of(const struct rules_redirect *redirect, const struct authority *asked,
                            struct bytes scheme, struct bytes scheme_asked, uint32_t listener_port,
                            struct arena *arena)
{
    uint32_t port = redirect->port;
    switch ((enum rules_redirect_port)redirect->port_from) {
    case REDIRECT_PORT_WRITTEN:
        break;
    case REDIRECT_PORT_LISTENER:
        port = listener_port;
        break;
    case REDIRECT_PORT_SCHEME:
        return (struct bytes){0};
    case REDIRECT_PORT_KEEP:
    case REDIRECT_PORT_COUNT:
        if (!bytes_equal(scheme, scheme_asked) && is_port(asked->port, scheme_port(scheme_asked)))
            return (struct bytes){0};
        return asked->port;
    }
    if (port == scheme_port(scheme) && !is_port(asked->port, port))
        return (struct bytes){0};
    return arena_format(arena, "%u", port);
}

/* A host that the rules name stands as they write it, and takes a port only from them. */
static struct bytes host_of(const struct image *rules, const struct rules_redirect *redirect,
                            const struct http_request *request, struct bytes scheme, uint32_t port,
                            struct arena *arena)
{
    struct bytes written = image_text(rules, redirect->authority);
    struct authority asked;
    if (written.len && redirect->port_from == REDIRECT_PORT_KEEP)
        return written;
    if (!authority_split(request->authority, &asked) || written.len)
        asked = (struct authority){written.len ? written : request->authority, {0}};
    struct bytes shown = port_of(redirect, &asked, scheme, request->scheme, port, arena);
    return arena_format(arena, "%.*s%s%.*s", BYTES_FMT(asked.host), shown.len ? ":" : "", BYTES_FMT(shown));
}

static struct bytes path_of(const struct image *rules, const struct rules_redirect *redirect,
                            const struct route_choice *choice, struct bytes path, struct arena *arena)
{
    struct bytes uri = image_text(rules, redirect->uri);
    size_t end = bytes_find(path, '?');
    if (redirect->path == REDIRECT_KEEP)
        return path;
    if (redirect->path == REDIRECT_PREFIX)
        return route_prefix_swap(choice, uri, path, arena);
    if (bytes_find(uri, '?') < uri.len)
        return uri;
    return arena_format(arena, "%.*s%.*s", BYTES_FMT(uri), BYTES_FMT(bytes_part(path, end, path.len)));
}

struct bytes redirect_location(const struct image *rules, const struct rules_redirect *redirect,
                               const struct route_choice *choice, const struct http_request *request,
                               struct bytes path, uint32_t port, struct arena *arena)
{
    struct bytes scheme = image_text(rules, redirect->scheme);
    if (!scheme.len)
        scheme = request->scheme;
    struct bytes host = host_of(rules, redirect, request, scheme, port, arena);
    return arena_format(arena, "%.*s://%.*s%.*s", BYTES_FMT(scheme), BYTES_FMT(host),
                        BYTES_FMT(path_of(rules, redirect, choice, path, arena)));
}
