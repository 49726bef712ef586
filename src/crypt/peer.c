#include "crypt/peer.h"

#include "crypt/x509.h"

static bool one_of(struct bytes b, const struct bytes *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes_equal(b, items[i]))
            return true;
    return false;
}

bool peer_judge(const struct peer *peer, const struct bytes *trust_domains, size_t trust_domain_count,
                const struct bytes *expected, size_t expected_count, struct fail *why)
{
    if (peer->uri_count != 1)
        return fail(why, FAIL_DENIED, "the peer's certificate has %u URI names, not exactly one",
                    peer->uri_count);
    if (!peer->spiffe)
        return fail(why, FAIL_DENIED, "the peer's URI name is no SPIFFE id");
    if (!one_of(peer->id.trust_domain, trust_domains, trust_domain_count))
        return fail(why, FAIL_DENIED, "the peer's trust domain '%.*s' is not trusted here",
                    BYTES_FMT(peer->id.trust_domain));
    if (expected_count && !one_of(peer->uri, expected, expected_count))
        return fail(why, FAIL_DENIED, "the peer is '%.*s', which is not the one expected here",
                    (int)(peer->uri.len < 300 ? peer->uri.len : 300), peer->uri.at);
    return true;
}

bool peer_read(X509 *leaf, struct arena *arena, struct peer *out, struct fail *why)
{
    struct x509_names names;
    if (!x509_names_read(leaf, arena, &names, why))
        return false;
    struct peer peer = {
        .uri = names.uri,
        .uri_count = names.uri_count,
        .dns = names.dns,
        .subject = x509_subject(leaf, arena),
        .serials = x509_serial(leaf, arena),
        .not_after_s = x509_seconds(X509_get0_notAfter(leaf)),
    };
    unsigned len = sizeof peer.sha256;
    if (X509_digest(leaf, EVP_sha256(), peer.sha256, &len) != 1)
        return x509_fail(why, FAIL_SELF, "the peer's certificate cannot be hashed");
    struct fail ignored;
    peer.spiffe = peer.uri_count && spiffe_id_parse(peer.uri, &peer.id, &ignored);
    *out = peer;
    return true;
}
