#include "rules/kind/login.h"

#include "rules/kind/host.h"

#include <string.h>

#include "rules/kind/host.h"
#include "wire/cookie.h"
#include "wire/redirect_target.h"

#define MINUTE_MS (60 * (int64_t)1000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

static const struct field login_secret_fields[] = {
    {"name", FIELD_TEXT, FIELD_FILLED, offsetof(struct login_secret, name), .max = 253, .oneof = 1,
     .help = "a Secret in the Login's namespace"},
    {"key", FIELD_TEXT, FIELD_FILLED, offsetof(struct login_secret, key), .max = 253,
     .preset = "clientSecret", .help = "the entry of the Secret's data"},
    {"file", FIELD_TEXT, FIELD_FILLED, offsetof(struct login_secret, file), .max = 4096, .oneof = 1,
     .help = "an absolute path, or the name of a credential of systemd's; read anew at each use"},
};
static FIELD_TABLE(login_secret, struct login_secret);

static const struct field login_session_fields[] = {
    {"idle", FIELD_DURATION, 0, offsetof(struct login_session, idle_ms), .min = 1000, .max = DAY_MS,
     .preset = "8h", .help = "without a request for this long it ends"},
    {"lifetime", FIELD_DURATION, 0, offsetof(struct login_session, lifetime_ms), .min = 1000,
     .max = 30 * DAY_MS, .preset = "24h", .help = "it ends then, whatever happens"},
    {"refresh", FIELD_DURATION, 0, offsetof(struct login_session, refresh_ms), .min = 1000, .max = DAY_MS,
     .help = "how often the provider is asked anew when it gave a refresh token; when the ID token expires, "
             "when absent"},
};
static FIELD_TABLE(login_session, struct login_session);

static const struct field login_fields[] = {
    {"selector", FIELD_GROUP, 0, offsetof(struct login, selector), &selector_table,
     .help = "the nodes meant; all of the namespace when absent"},
    {"hosts", FIELD_TEXT, FIELD_LIST | FIELD_REQUIRED | FIELD_FILLED, offsetof(struct login, hosts),
     .max = 253, .count_max = 256, .help = "for requests to these hosts: names or *.name"},
    {"paths", FIELD_TEXT, FIELD_LIST | FIELD_FILLED, offsetof(struct login, paths), .max = 1024,
     .count_max = 256, .help = "only at these paths, exact or with * at the end; all when absent"},
    {"publicPaths", FIELD_TEXT, FIELD_LIST | FIELD_FILLED, offsetof(struct login, public_paths), .max = 1024,
     .count_max = 256, .help = "not at these paths: nobody has to be logged in there"},
    {"issuer", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, offsetof(struct login, issuer), .max = 2048,
     .help = "the provider's issuer, a URL; the rest is found by discovery"},
    {"clientId", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, offsetof(struct login, client_id), .max = 512,
     .help = "how the provider knows us"},
    {"clientSecret", FIELD_GROUP, 0, offsetof(struct login, client_secret), &login_secret_table,
     .help = "where our secret lies; none for a public client"},
    {"scopes", FIELD_TEXT, FIELD_LIST | FIELD_FILLED, offsetof(struct login, scopes), .max = 256,
     .count_max = 64, .help = "asked for besides openid; offline_access for a refresh token"},
    {"parameters", FIELD_TEXT, FIELD_MAP, offsetof(struct login, parameters), .max = 1024, .count_max = 16,
     .help = "more parameters of the authorization request, such as prompt"},
    {"session", FIELD_GROUP, 0, offsetof(struct login, session), &login_session_table,
     .help = "how long a login holds"},
    {"cookieName", FIELD_TEXT, FIELD_FILLED, offsetof(struct login, cookie_name), .max = 64,
     .preset = "selvage-session", .help = "the cookie's name, behind __Host-"},
    {"callbackPath", FIELD_TEXT, FIELD_FILLED, offsetof(struct login, callback_path), .max = 1024,
     .preset = "/.selvage/login/callback", .help = "where the provider sends the browser back to"},
    {"logoutPath", FIELD_TEXT, FIELD_FILLED, offsetof(struct login, logout_path), .max = 1024,
     .preset = "/.selvage/logout", .help = "where a page of this host sends the browser to log out"},
    {"backchannelLogoutPath", FIELD_TEXT, FIELD_FILLED, offsetof(struct login, backchannel_path), .max = 1024,
     .preset = "/.selvage/logout/backchannel", .help = "where the provider itself ends sessions"},
    {"afterLogout", FIELD_TEXT, FIELD_FILLED, offsetof(struct login, after_logout), .max = 2048,
     .preset = "/", .help = "where the browser goes after a logout"},
    {"allowedRedirectHosts", FIELD_TEXT, FIELD_LIST | FIELD_FILLED, offsetof(struct login, redirect_hosts),
     .max = 253, .count_max = 64, .help = "other hosts that a logout may lead to: HOST, *.HOST or HOST:PORT"},
    {"forwardIdToken", FIELD_BOOL, 0, offsetof(struct login, forward_id_token),
     .help = "send the ID token on as a bearer token"},
};
static FIELD_TABLE(login, struct login);

/* What the flow itself says (RFC 6749 4.1.1, RFC 7636 4.3, OpenID Connect Core 3.1.2.1). */
static const char *const own_parameters[] = {
    "client_id", "redirect_uri",   "response_type",         "scope",       "state",        "nonce",
    "request",   "code_challenge", "code_challenge_method", "request_uri", "response_mode"};

/* Whatever normalising does, it leaves such a path alone, so that comparing is enough. */
static bool path_is_plain(struct bytes path)
{
    static const char odd[] = "?#%\\*;\x7f";
    for (size_t i = 0; i < path.len; i++)
        if ((unsigned char)path.at[i] <= ' ' || strchr(odd, path.at[i]))
            return false;
    return bytes_starts(path, BYTES("/")) && bytes_find_text(path, BYTES("//")) == path.len &&
           bytes_find_text(path, BYTES("/./")) == path.len &&
           bytes_find_text(path, BYTES("/../")) == path.len;
}

static void check_path(const struct login *login, const char *name, struct bytes path, struct report *report)
{
    if (!path_is_plain(path))
        report_error(report, group_node(&login->group, name),
                     "'%.*s' is no plain path: it begins with one / and has no %%, ?, #, ;, * or space",
                     BYTES_FMT(path));
}

static void check_patterns(const struct login *login, const char *name, const struct text_list *list,
                           struct report *report)
{
    const struct yaml_node *node = yaml_get(login->group.node, name);
    for (size_t i = 0; i < list->count; i++) {
        struct bytes path = list->at[i];
        if (bytes_ends(path, BYTES("*")))
            path.len--;
        if (!path_is_plain(path))
            report_error(report, yaml_item(node, i), "'%.*s' is no path, nor a path with * at its end",
                         BYTES_FMT(list->at[i]));
    }
}

static void check_own_paths(const struct login *login, struct report *report)
{
    const struct bytes paths[] = {login->callback_path, login->logout_path, login->backchannel_path};
    static const char *const names[] = {"callbackPath", "logoutPath", "backchannelLogoutPath"};
    for (size_t i = 0; i < 3; i++) {
        check_path(login, names[i], paths[i], report);
        for (size_t k = 0; k < i; k++)
            if (bytes_equal(paths[i], paths[k]))
                report_error(report, group_node(&login->group, names[i]), "%s has the same path", names[k]);
    }
}

static void check_secret(const struct login *login, struct report *report)
{
    const struct login_secret *secret = login->client_secret;
    if (!secret)
        return;
    if (!secret->name.len && !secret->file.len)
        report_error(report, secret->group.node, "one of name and file belongs here");
    if (secret->file.len && secret->file.at[0] != '/' && bytes_find(secret->file, '/') < secret->file.len)
        report_error(report, group_node(&secret->group, "file"),
                     "'%.*s' is neither an absolute path nor the name of a credential",
                     BYTES_FMT(secret->file));
}

static void check_parameters(const struct login *login, struct report *report)
{
    const struct yaml_node *map = yaml_get(login->group.node, "parameters");
    for (size_t i = 0; i < login->parameters.count; i++)
        for (size_t k = 0; k < sizeof own_parameters / sizeof own_parameters[0]; k++)
            if (bytes_equal(login->parameters.keys[i], bytes_of(own_parameters[k])))
                report_error(report, yaml_item(map, i), "%s is set by the login itself", own_parameters[k]);
}

static void check_redirects(const struct login *login, struct report *report)
{
    const struct yaml_node *list = yaml_get(login->group.node, "allowedRedirectHosts");
    struct fail why;
    for (size_t i = 0; i < login->redirect_hosts.count; i++)
        if (!redirect_allowed_check(login->redirect_hosts.at[i], &why))
            report_error(report, yaml_item(list, i), "%s", why.text);
    const struct redirect_scope scope = {.own = BYTES("own.invalid"),
                                         .allowed = login->redirect_hosts.at,
                                         .allowed_count = (uint32_t)login->redirect_hosts.count};
    if (!redirect_target_check(login->after_logout, &scope, &why))
        report_error(report, group_node(&login->group, "afterLogout"),
                     "must be a path, or a URL of one of allowedRedirectHosts: %s", why.text);
}

static void check_session(const struct login *login, struct report *report)
{
    const struct login_session *session = login->session;
    if (session && session->idle_ms > session->lifetime_ms)
        report_error(report, group_node(&session->group, "idle"), "idle is longer than lifetime");
}

static void check_issuer(const struct login *login, struct report *report)
{
    const struct yaml_node *node = group_node(&login->group, "issuer");
    if (!bytes_starts(login->issuer, BYTES("https://")) && !bytes_starts(login->issuer, BYTES("http://")))
        report_error(report, node, "'%.*s' is no http or https URL", BYTES_FMT(login->issuer));
    else if (bytes_find(login->issuer, '?') < login->issuer.len ||
             bytes_find(login->issuer, '#') < login->issuer.len)
        report_error(report, node, "an issuer has no query and no fragment");
}

static void check(struct resource *resource, struct report *report)
{
    const struct login *login = resource->spec;
    const struct yaml_node *hosts = yaml_get(login->group.node, "hosts");
    check_selector(report, login->selector);
    for (size_t i = 0; i < login->hosts.count; i++)
        check_host(report, yaml_item(hosts, i), login->hosts.at[i]);
    check_patterns(login, "paths", &login->paths, report);
    check_patterns(login, "publicPaths", &login->public_paths, report);
    check_issuer(login, report);
    check_secret(login, report);
    check_parameters(login, report);
    check_session(login, report);
    if (!cookie_is_name(login->cookie_name))
        report_error(report, group_node(&login->group, "cookieName"),
                     "'%.*s' is no name: letters, digits, -, _ and . are right",
                     BYTES_FMT(login->cookie_name));
    check_own_paths(login, report);
    check_redirects(login, report);
}

const struct kind login_kind = {
    .id = KIND_LOGIN,
    .name = "Login",
    .group = "selvage.dev",
    .versions = "v1",
    .security = true,
    .table = &login_table,
    .check = check,
    .help = "How browsers log in at the edge: OpenID Connect with PKCE.",
};
