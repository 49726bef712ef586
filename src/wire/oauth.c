#include "wire/oauth.h"

#include "base/text.h"
#include "wire/authority.h"
#include "wire/json.h"

enum {
    ANSWER_MAX = 1 << 20,
    ADDRESS_MAX = 2048,
    CODE_MAX = 256,
    LIFETIME_MAX_S = 3600,           /* of a device code: nobody waits longer */
    TOKEN_LIFETIME_MAX_S = 31536000, /* a year */
    INTERVAL_S = 5,                  /* RFC 8628 3.2: when none is said */
    INTERVAL_MAX_S = 60,
};

static json_t *object_read(struct bytes text, const char *what, struct fail *why)
{
    struct fail reason;
    json_t *root = json_read(text, ANSWER_MAX, &reason);
    if (json_is_object(root))
        return root;
    json_decref(root);
    fail(why, FAIL_PEER, "the provider's %s is no JSON object", what);
    return NULL;
}

/* ---- addresses ------------------------------------------------------------- */

static bool is_this_machine(struct bytes host)
{
    return bytes_equal_nocase(host, BYTES("localhost")) || bytes_equal(host, BYTES("127.0.0.1")) ||
           bytes_equal(host, BYTES("[::1]"));
}

static bool printable(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] <= ' ' || text.at[i] >= 0x7f)
            return false;
    return text.len > 0;
}

/* `plain`: http to this machine will do. */
static bool address_good(struct bytes url, bool plain)
{
    struct authority authority;
    size_t scheme = bytes_starts_nocase(url, BYTES("https://"))  ? 8
                    : bytes_starts_nocase(url, BYTES("http://")) ? 7
                                                                 : 0;
    if (!scheme || url.len > ADDRESS_MAX || !printable(url) || bytes_find(url, '#') < url.len)
        return false;
    struct bytes rest = bytes_part(url, scheme, url.len);
    size_t end = bytes_find(rest, '/'), query = bytes_find(rest, '?');
    if (!authority_split(bytes_part(rest, 0, end < query ? end : query), &authority))
        return false;
    return scheme == 8 || (plain && is_this_machine(authority.host));
}

bool oauth_issuer_check(struct bytes issuer, struct fail *why)
{
    return address_good(issuer, true) || fail(why, FAIL_INPUT,
                                              "the issuer must be an https URL such as "
                                              "https://login.example.com (http only on this machine)");
}

static bool issuer_is_plain(struct bytes issuer)
{
    return !bytes_starts_nocase(issuer, BYTES("https://"));
}

/* An absent one is empty. */
static bool address_read(const json_t *root, const char *name, struct bytes issuer, struct bytes *out,
                         struct fail *why)
{
    *out = (struct bytes){0};
    if (!json_object_get(root, name))
        return true;
    return (json_member_text(root, name, out) && address_good(*out, issuer_is_plain(issuer))) ||
           fail(why, FAIL_PEER, "the provider's %s is no address with TLS", name);
}

/* ---- metadata ---------------------------------------------------------------- */

/* OpenID Connect Discovery 1.0, 4.3; RFC 8414 3.3: another's metadata would lead the tokens astray. */
static bool provider_judge(const json_t *root, struct bytes issuer, struct oauth_provider *out,
                           struct fail *why)
{
    struct bytes said;
    if (!json_member_text(root, "issuer", &said) || !bytes_equal(said, issuer))
        return fail(why, FAIL_PEER, "the provider's metadata is not that of this issuer");
    if (!address_read(root, "device_authorization_endpoint", issuer, &out->device_endpoint, why) ||
        !address_read(root, "token_endpoint", issuer, &out->token_endpoint, why) ||
        !address_read(root, "revocation_endpoint", issuer, &out->revocation_endpoint, why) ||
        !address_read(root, "jwks_uri", issuer, &out->jwks_uri, why))
        return false;
    return out->token_endpoint.len > 0 ||
           fail(why, FAIL_PEER, "the provider's metadata names no token_endpoint");
}

bool oauth_provider_read(struct bytes text, struct bytes issuer, struct arena *arena,
                         struct oauth_provider *out, struct fail *why)
{
    struct oauth_provider found;
    json_t *root = object_read(text, "metadata", why);
    bool ok = root && provider_judge(root, issuer, &found, why);
    if (ok)
        *out = (struct oauth_provider){
            arena_bytes(arena, found.device_endpoint), arena_bytes(arena, found.token_endpoint),
            arena_bytes(arena, found.revocation_endpoint), arena_bytes(arena, found.jwks_uri)};
    json_decref(root);
    return ok;
}

/* ---- device authorization ------------------------------------------------------ */

static int64_t seconds(const json_t *root, const char *name, int64_t absent, int64_t max)
{
    const json_t *value = json_object_get(root, name);
    double number = json_is_number(value) ? json_number_value(value) : (double)absent;
    return number >= 1 ? number < (double)max ? (int64_t)number : max : 1;
}

static bool code_read(const json_t *root, const char *name, size_t max, struct bytes *out, struct fail *why)
{
    return (json_member_text(root, name, out) && printable(*out) && out->len <= max) ||
           fail(why, FAIL_PEER, "the provider's answer has no %s that could be used", name);
}

static bool device_judge(const json_t *root, struct bytes issuer, struct oauth_device *out, struct fail *why)
{
    out->lifetime_s = seconds(root, "expires_in", LIFETIME_MAX_S, LIFETIME_MAX_S);
    out->interval_s = seconds(root, "interval", INTERVAL_S, INTERVAL_MAX_S);
    return code_read(root, "device_code", OAUTH_TOKEN_MAX, &out->device_code, why) &&
           code_read(root, "user_code", CODE_MAX, &out->user_code, why) &&
           code_read(root, "verification_uri", ADDRESS_MAX, &out->verification_uri, why) &&
           address_read(root, "verification_uri", issuer, &out->verification_uri, why) &&
           address_read(root, "verification_uri_complete", issuer, &out->verification_uri_complete, why);
}

bool oauth_device_read(struct bytes text, struct bytes issuer, struct arena *arena, struct oauth_device *out,
                       struct fail *why)
{
    struct oauth_device found;
    json_t *root = object_read(text, "answer", why);
    bool ok = root && device_judge(root, issuer, &found, why);
    if (ok)
        *out = (struct oauth_device){arena_bytes(arena, found.device_code),
                                     arena_bytes(arena, found.user_code),
                                     arena_bytes(arena, found.verification_uri),
                                     arena_bytes(arena, found.verification_uri_complete),
                                     found.lifetime_s,
                                     found.interval_s};
    json_decref(root);
    return ok;
}

/* ---- tokens ---------------------------------------------------------------------- */

static bool token_read(const json_t *root, const char *name, struct bytes *out, struct fail *why)
{
    *out = (struct bytes){0};
    return !json_object_get(root, name) || code_read(root, name, OAUTH_TOKEN_MAX, out, why);
}

/* RFC 6749 7.1: a token of a type that is not understood must not be used. */
static bool type_judge(const json_t *root, struct fail *why)
{
    struct bytes type = {0};
    json_member_text(root, "token_type", &type);
    return bytes_equal_nocase(type, BYTES("Bearer")) ||
           fail(why, FAIL_PEER, "the provider gave a token that is no Bearer token");
}

static bool tokens_judge(const json_t *root, struct oauth_tokens *out, struct fail *why)
{
    out->lifetime_s =
        json_object_get(root, "expires_in") ? seconds(root, "expires_in", 1, TOKEN_LIFETIME_MAX_S) : 0;
    return type_judge(root, why) &&
           code_read(root, "access_token", OAUTH_TOKEN_MAX, &out->access_token, why) &&
           token_read(root, "id_token", &out->id_token, why) &&
           token_read(root, "refresh_token", &out->refresh_token, why);
}

bool oauth_tokens_read(struct bytes text, struct arena *arena, struct oauth_tokens *out, struct fail *why)
{
    struct oauth_tokens found;
    json_t *root = object_read(text, "answer", why);
    bool ok = root && tokens_judge(root, &found, why);
    if (ok)
        *out =
            (struct oauth_tokens){arena_bytes(arena, found.access_token), arena_bytes(arena, found.id_token),
                                  arena_bytes(arena, found.refresh_token), found.lifetime_s};
    json_decref(root);
    return ok;
}

/* ---- errors ---------------------------------------------------------------------- */

static const struct {
    struct bytes name;
    enum oauth_error error;
    const char *sentence;
} errors[] = {
    {BYTES_INIT("authorization_pending"), OAUTH_PENDING, "nobody has confirmed the sign-in yet"},
    {BYTES_INIT("slow_down"), OAUTH_SLOW_DOWN, "the provider wants to be asked less often"},
    {BYTES_INIT("access_denied"), OAUTH_DENIED, "the sign-in was refused"},
    {BYTES_INIT("expired_token"), OAUTH_EXPIRED, "the code was not entered in time"},
    {BYTES_INIT("invalid_grant"), OAUTH_INVALID_GRANT, "the provider does not know this sign-in any more"},
    {BYTES_INIT("invalid_client"), OAUTH_OTHER, "the provider does not know this client (--client)"},
    {BYTES_INIT("unauthorized_client"), OAUTH_OTHER,
     "the provider does not let this client sign in with a device code"},
    {BYTES_INIT("invalid_scope"), OAUTH_OTHER, "the provider does not give these scopes (--scope)"},
    {BYTES_INIT("invalid_target"), OAUTH_OTHER, "the provider does not know this resource (--resource)"},
};

enum oauth_error oauth_error_read(struct bytes text, struct fail *why)
{
    struct bytes name = {0};
    char buffer[80];
    struct text shown;
    json_t *root = object_read(text, "answer", why);
    enum oauth_error found = OAUTH_OTHER;
    bool named = root && json_member_text(root, "error", &name);
    text_init_fixed(&shown, buffer, sizeof buffer);
    text_add_shown(&shown, name, 60);
    if (root)
        fail(why, FAIL_PEER, named ? "the provider refuses: %s" : "the provider refuses%s", buffer);
    for (size_t i = 0; named && i < sizeof errors / sizeof errors[0]; i++)
        if (bytes_equal(name, errors[i].name)) {
            found = errors[i].error;
            fail(why, FAIL_DENIED, "%s", errors[i].sentence);
        }
    json_decref(root);
    return found;
}
