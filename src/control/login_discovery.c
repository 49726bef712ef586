#include "control/login_discovery.h"

#include "control/fetch.h"
#include "wire/json.h"

static bool endpoint_read(const json_t *root, const char *name, struct bytes issuer, bool needed,
                          struct arena *arena, struct bytes *out, struct fail *why)
{
    struct bytes url;
    *out = (struct bytes){0};
    if (!json_member_text(root, name, &url))
        return !needed || fail(why, FAIL_PEER, "the discovery document names no %s", name);
    if (!fetch_url_check(url, why))
        return fail(why, FAIL_PEER, "the discovery document's %s is no address without user and fragment",
                    name);
    if (bytes_starts_nocase(issuer, BYTES("https://")) && !bytes_starts_nocase(url, BYTES("https://")))
        return fail(why, FAIL_PEER, "the discovery document leads from https to a %s without TLS", name);
    *out = arena_bytes(arena, url);
    return true;
}

/* An absent list has what the standard says for it. */
static bool list_has(const json_t *root, const char *name, const char *wanted, bool absent)
{
    const json_t *list = json_object_get(root, name), *one;
    size_t i;
    struct bytes text;
    if (!json_is_array(list))
        return absent;
    json_array_foreach(list, i, one)
    {
        if (json_text(one, &text) && bytes_equal(text, bytes_of(wanted)))
            return true;
    }
    return false;
}

static bool members_read(const json_t *root, struct bytes issuer, struct arena *arena,
                         struct login_provider *out, struct fail *why)
{
    struct bytes said;
    if (!json_member_text(root, "issuer", &said) || !bytes_equal(said, issuer))
        return fail(why, FAIL_PEER, "the discovery document is another issuer's");
    if (!list_has(root, "code_challenge_methods_supported", "S256", true))
        return fail(why, FAIL_PEER, "the provider does not take PKCE with S256");
    out->takes_basic = list_has(root, "token_endpoint_auth_methods_supported", "client_secret_basic", true);
    out->says_issuer = json_is_true(json_object_get(root, "authorization_response_iss_parameter_supported"));
    return endpoint_read(root, "authorization_endpoint", issuer, true, arena, &out->authorization_endpoint,
                         why) &&
           endpoint_read(root, "token_endpoint", issuer, true, arena, &out->token_endpoint, why) &&
           endpoint_read(root, "end_session_endpoint", issuer, false, arena, &out->end_session_endpoint,
                         why) &&
           endpoint_read(root, "revocation_endpoint", issuer, false, arena, &out->revocation_endpoint, why);
}

bool login_discovery_read(struct bytes text, struct bytes issuer, struct arena *arena,
                          struct login_provider *out, struct fail *why)
{
    struct login_provider read = {0};
    struct fail ignored;
    json_t *root = json_read(text, FETCH_BODY_MAX, &ignored);
    if (!root)
        return fail(why, FAIL_PEER, "the discovery document is not JSON");
    bool done = members_read(root, issuer, arena, &read, why);
    if (done)
        *out = read;
    json_decref(root);
    return done;
}
