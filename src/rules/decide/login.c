#include "rules/decide/login.h"

#include "wire/authority.h"
#include "wire/path.h"

/* How well the pattern names the host: 0 not at all, exact best. Both lower case, or nearly. */
static size_t host_rank(struct bytes pattern, struct bytes host)
{
    if (bytes_equal_nocase(pattern, host))
        return SIZE_MAX;
    if (bytes_equal(pattern, BYTES("*")))
        return 1;
    if (!bytes_starts(pattern, BYTES("*.")))
        return 0;
    struct bytes suffix = bytes_part(pattern, 1, pattern.len);
    return host.len > suffix.len && bytes_ends_nocase(host, suffix) ? 1 + suffix.len : 0;
}

const struct rules_login *login_find(const struct image *rules, struct image_rows logins,
                                     struct bytes authority)
{
    const struct rules_login *found = NULL;
    struct authority parts;
    size_t best = 0;
    if (!logins.count || !authority_split(authority, &parts))
        return NULL;
    if (bytes_ends(parts.host, BYTES(".")))
        parts.host.len--; /* the same name, written absolutely */
    IMAGE_FOR(rules, RULES_LOGIN, struct rules_login, login, logins)
    {
        IMAGE_FOR(rules, RULES_NAME, struct rules_name, name, login->hosts)
        {
            size_t rank = host_rank(image_text(rules, name->text), parts.host);
            if (rank <= best)
                continue;
            best = rank;
            found = login;
        }
    }
    return found;
}

/* May a workload take it for another path? Then it is neither public nor beside the paths that want a login.
 */
static bool is_plain(struct bytes path)
{
    static const struct bytes marks[] = {BYTES_INIT("%2f"), BYTES_INIT("%2F"), BYTES_INIT("%5c"),
                                         BYTES_INIT("%5C"), BYTES_INIT("\\"),  BYTES_INIT(";"),
                                         BYTES_INIT("//")};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (bytes_find_text(path, marks[i]) < path.len)
            return false;
    return true;
}

static bool is_among(const struct image *rules, struct image_rows paths, struct bytes path)
{
    IMAGE_FOR(rules, RULES_NAME, struct rules_name, name, paths)
    {
        struct bytes pattern = image_text(rules, name->text);
        bool open = bytes_ends(pattern, BYTES("*"));
        pattern.len -= open;
        if (open ? bytes_starts(path, pattern) : bytes_equal(path, pattern))
            return true;
    }
    return false;
}

enum login_place login_place(const struct image *rules, const struct rules_login *login, struct bytes path)
{
    path = path_only(path);
    if (bytes_equal(path, image_text(rules, login->callback_path)))
        return LOGIN_CALLBACK;
    if (bytes_equal(path, image_text(rules, login->logout_path)))
        return LOGIN_LOGOUT;
    if (bytes_equal(path, image_text(rules, login->backchannel_path)))
        return LOGIN_BACKCHANNEL;
    bool plain = is_plain(path), among = !login->paths.count || !plain || is_among(rules, login->paths, path);
    return among && !(plain && is_among(rules, login->public_paths, path)) ? LOGIN_WANTED : LOGIN_OPEN;
}

static bool is_reading(const struct http_request *request)
{
    return bytes_equal(request->method, BYTES("GET")) || bytes_equal(request->method, BYTES("HEAD"));
}

static struct bytes value_of(const struct http_request *request, struct bytes name)
{
    const struct http_field *field = http_fields_find_name(&request->fields, name);
    return field ? field->value : (struct bytes){0};
}

static bool accepts_pages(const struct http_request *request)
{
    struct bytes rest = value_of(request, BYTES("accept")), member, type;
    while (rest.len) {
        bytes_cut(&rest, ',', &member);
        bytes_cut(&member, ';', &type);
        if (bytes_equal_nocase(bytes_trim(type), BYTES("text/html")))
            return true;
    }
    return false;
}

bool login_navigates(const struct http_request *request)
{
    struct bytes mode = value_of(request, BYTES("sec-fetch-mode"));
    struct bytes where = value_of(request, BYTES("sec-fetch-dest"));
    if (!is_reading(request) || value_of(request, BYTES("x-requested-with")).len)
        return false;
    if (mode.len)
        return bytes_equal(mode, BYTES("navigate")) && (!where.len || bytes_equal(where, BYTES("document")));
    return accepts_pages(request);
}

/* "null" and what is no http URL is nobody's own. */
static bool is_own_origin(const struct http_request *request, bool secure, struct bytes origin)
{
    size_t mark = bytes_find_text(origin, BYTES("://"));
    return mark < origin.len &&
           bytes_equal_nocase(bytes_part(origin, 0, mark), secure ? BYTES("https") : BYTES("http")) &&
           bytes_equal_nocase(bytes_part(origin, mark + 3, origin.len), request->authority);
}

bool login_is_own(const struct http_request *request, bool secure)
{
    struct bytes site = value_of(request, BYTES("sec-fetch-site")),
                 origin = value_of(request, BYTES("origin"));
    if (site.len && !bytes_equal(site, BYTES("same-origin")) && !bytes_equal(site, BYTES("none")))
        return false;
    if (origin.len)
        return is_own_origin(request, secure, origin);
    return site.len > 0;
}

bool login_is_forged(const struct http_request *request, bool secure, bool upgrades)
{
    struct bytes site = value_of(request, BYTES("sec-fetch-site")),
                 origin = value_of(request, BYTES("origin"));
    if (is_reading(request) && !upgrades)
        return false;
    if (site.len)
        return !bytes_equal(site, BYTES("same-origin")) && !bytes_equal(site, BYTES("none"));
    return origin.len && !is_own_origin(request, secure, origin);
}
