#include "control/fetch.h"
#include "control/providers.h"
#include "wire/json.h"

/* OpenID Connect Discovery 1.0, 4.3; RFC 8414, 3.3. */
static bool members_judge(const json_t *root, struct bytes issuer, struct bytes *jwks_uri, struct fail *why)
{
    struct bytes said;
    if (!json_member_text(root, "issuer", &said))
        return fail(why, FAIL_PEER, "the discovery document names no issuer");
    if (!bytes_equal(said, issuer))
        return fail(why, FAIL_PEER, "the discovery document is another issuer's");
    if (!json_member_text(root, "jwks_uri", jwks_uri))
        return fail(why, FAIL_PEER, "the discovery document names no jwks_uri");
    if (!fetch_url_check(*jwks_uri, why))
        return false;
    if (bytes_starts_nocase(issuer, BYTES("https://")) && !bytes_starts_nocase(*jwks_uri, BYTES("https://")))
        return fail(why, FAIL_PEER, "the discovery document leads from https to a key set without TLS");
    return true;
}

bool discovery_read(struct bytes text, struct bytes issuer, struct arena *arena, struct bytes *jwks_uri,
                    struct fail *why)
{
    struct bytes found;
    struct fail ignored;
    json_t *root = json_read(text, FETCH_BODY_MAX, &ignored);
    if (!root)
        return fail(why, FAIL_PEER, "the discovery document is not JSON");
    bool read = members_judge(root, issuer, &found, why);
    if (read)
        *jwks_uri = arena_bytes(arena, found);
    json_decref(root);
    return read;
}
