#include "crypt/authority.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/heap.h"
#include "crypt/authority_inside.h"
#include "crypt/draft.h"
#include "wire/spiffe_id.h"

enum {
    BACKDATE_S = 60, /* clocks of peers run behind a little */
    DAY_S = 24 * 60 * 60,
    DAYS_MAX = 100 * 366,
    DNS_MAX = 100,
};

struct authority {
    X509 *cert;
    EVP_PKEY *key;
    STACK_OF(X509) * chain; /* above cert, without roots */
    STACK_OF(X509) * roots;
};

void authority_free(struct authority *authority)
{
    if (!authority)
        return;
    X509_free(authority->cert);
    EVP_PKEY_free(authority->key);
    x509_stack_free(authority->chain);
    x509_stack_free(authority->roots);
    free(authority);
}

static bool days_check(int64_t days, struct fail *why)
{
    return (days > 0 && days <= DAYS_MAX) ||
           fail(why, FAIL_INPUT, "an authority for %lld days; 1 to %d are right", (long long)days, DAYS_MAX);
}

static void push_ref(STACK_OF(X509) * stack, X509 *cert)
{
    X509_up_ref(cert);
    sk_X509_push(stack, cert);
}

static struct authority *authority_blank(void)
{
    struct authority *authority = heap_new(struct authority);
    authority->chain = sk_X509_new_null();
    authority->roots = sk_X509_new_null();
    return authority;
}

/* A fresh key and its certificate, below `parent` or below nobody. */
static bool authority_make(struct authority *authority, const struct draft *draft,
                           const struct authority *parent, struct fail *why)
{
    authority->key = draft_key_new(why);
    if (!authority->key)
        return false;
    authority->cert =
        draft_sign(draft, authority->key, parent ? parent->cert : NULL, parent ? parent->key : NULL, why);
    return authority->cert != NULL;
}

struct authority *authority_new_root(struct bytes trust_domain, int64_t days, struct fail *why)
{
    char uri[SPIFFE_TRUST_DOMAIN_MAX + 16];
    if (!days_check(days, why) || !spiffe_trust_domain_check(trust_domain, why))
        return NULL;
    snprintf(uri, sizeof uri, "spiffe://%.*s", BYTES_FMT(trust_domain));
    struct bytes name = bytes_of(uri);
    struct draft draft = {
        .common_name = BYTES("Selvage mesh root"),
        .organization = bytes_part(trust_domain, 0, 64), /* X.520's bound */
        .uris = &name,
        .uri_count = 1,
        .is_ca = true,
        .path_length = -1,
        .key_usage = KU_KEY_CERT_SIGN | KU_CRL_SIGN,
        .not_before_s = clock_wall_s() - BACKDATE_S,
        .not_after_s = clock_wall_s() + days * DAY_S,
    };
    struct authority *authority = authority_blank();
    if (!authority_make(authority, &draft, NULL, why)) {
        authority_free(authority);
        return NULL;
    }
    push_ref(authority->roots, authority->cert);
    return authority;
}

/* What stands between a leaf of this authority and the roots. */
static void push_above(STACK_OF(X509) * stack, const struct authority *authority)
{
    if (!x509_self_signed(authority->cert))
        push_ref(stack, authority->cert);
    for (int i = 0; i < sk_X509_num(authority->chain); i++)
        push_ref(stack, sk_X509_value(authority->chain, i));
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The first end among this authority's certificate and what stands above it. */
static int64_t authority_end_s(const struct authority *authority)
{
    int64_t end = x509_seconds(X509_get0_notAfter(authority->cert));
    for (int i = 0; i < sk_X509_num(authority->chain); i++)
        end = sooner(end, x509_seconds(X509_get0_notAfter(sk_X509_value(authority->chain, i))));
    return end;
}

struct authority *authority_new_intermediate(const struct authority *parent, struct bytes name, int64_t days,
                                             struct fail *why)
{
    if (!days_check(days, why))
        return NULL;
    if (X509_get_pathlen(parent->cert) == 0) {
        fail(why, FAIL_INPUT, "the issuing authority's path length is 0: it may sign workloads only");
        return NULL;
    }
    struct draft draft = {
        .common_name = bytes_part(name, 0, 64),
        .is_ca = true,
        .path_length = 0,
        .key_usage = KU_KEY_CERT_SIGN | KU_CRL_SIGN,
        .not_before_s = clock_wall_s() - BACKDATE_S,
        .not_after_s = sooner(clock_wall_s() + days * DAY_S, authority_end_s(parent)),
    };
    struct authority *authority = authority_blank();
    if (!authority_make(authority, &draft, parent, why)) {
        authority_free(authority);
        return NULL;
    }
    push_above(authority->chain, parent);
    for (int i = 0; i < sk_X509_num(parent->roots); i++)
        push_ref(authority->roots, sk_X509_value(parent->roots, i));
    return authority;
}

static bool in_force(X509 *cert, struct fail *why)
{
    char at[CLOCK_TEXT_SIZE];
    int64_t now = clock_wall_s();
    int64_t from = x509_seconds(X509_get0_notBefore(cert));
    int64_t until = x509_seconds(X509_get0_notAfter(cert));
    clock_text((now < from ? from : until) * 1000000, at);
    if (now < from)
        return fail(why, FAIL_INPUT, "not in force before %.10s", at);
    return now <= until || fail(why, FAIL_INPUT, "expired on %.10s", at);
}

static bool signer_part_check(const struct authority *authority, struct fail *why)
{
    if (!x509_signer_check(authority->cert, why) || !in_force(authority->cert, why))
        return fail_in(why, "the authority's certificate");
    for (int i = 0; i < sk_X509_num(authority->chain); i++)
        if (!x509_signer_check(sk_X509_value(authority->chain, i), why) ||
            !in_force(sk_X509_value(authority->chain, i), why))
            return fail_in(why, "the authority's chain: certificate %d above it", i + 1);
    for (int i = 0; i < sk_X509_num(authority->roots); i++)
        if (!x509_signer_check(sk_X509_value(authority->roots, i), why) &&
            !x509_self_signed(sk_X509_value(authority->roots, i)))
            return fail_in(why, "the roots: certificate %d", i + 1);
    return true;
}

static bool leads_to_a_root(const struct authority *authority, struct fail *why)
{
    X509_STORE *store = x509_store_new(authority->roots);
    X509_STORE_CTX *work = X509_STORE_CTX_new();
    X509_STORE_CTX_init(work, store, authority->cert, authority->chain);
    X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(work),
                                     2); /* as peers will in their handshakes */
    bool good = X509_verify_cert(work) == 1;
    if (!good)
        fail(why, FAIL_INPUT,
             "the authority's chain does not lead from its certificate to one of the roots: %s",
             X509_verify_cert_error_string(X509_STORE_CTX_get_error(work)));
    X509_STORE_CTX_free(work);
    X509_STORE_free(store);
    ERR_clear_error();
    return good;
}

static bool contains(STACK_OF(X509) * stack, X509 *cert)
{
    for (int i = 0; i < sk_X509_num(stack); i++)
        if (X509_cmp(sk_X509_value(stack, i), cert) == 0)
            return true;
    return false;
}

static bool open_chain(struct authority *authority, struct bytes pem, struct fail *why)
{
    if (!bytes_trim(pem).len)
        return true;
    STACK_OF(X509) *all = x509_read_all(pem, X509_CHAIN_MAX, why);
    if (!all)
        return fail_in(why, "the authority's chain");
    for (int i = 0; i < sk_X509_num(all); i++) {
        X509 *cert = sk_X509_value(all, i);
        if (X509_cmp(cert, authority->cert) != 0 && !x509_self_signed(cert) &&
            !contains(authority->roots, cert) && !contains(authority->chain, cert))
            push_ref(authority->chain, cert);
    }
    x509_stack_free(all);
    return true;
}

static bool open_cert(struct authority *authority, struct bytes pem, struct fail *why)
{
    STACK_OF(X509) *all = x509_read_all(pem, X509_CHAIN_MAX, why);
    if (!all)
        return fail_in(why, "the authority's certificate");
    authority->cert = sk_X509_value(all, 0);
    X509_up_ref(authority->cert);
    x509_stack_free(all);
    return true;
}

static bool open_key(struct authority *authority, struct bytes pem, struct fail *why)
{
    authority->key = x509_key_read(pem, why);
    if (!authority->key)
        return fail_in(why, "the authority's key");
    bool good = X509_check_private_key(authority->cert, authority->key) == 1;
    ERR_clear_error();
    return good || fail(why, FAIL_INPUT, "the authority's key does not belong to its certificate");
}

static bool open_roots(struct authority *authority, struct bytes pem, struct fail *why)
{
    STACK_OF(X509) *all = x509_read_all(pem, X509_BUNDLE_MAX, why);
    if (!all)
        return fail_in(why, "the roots");
    x509_stack_free(authority->roots);
    authority->roots = all;
    return true;
}

struct authority *authority_open(struct bytes cert, struct bytes key, struct bytes chain, struct bytes roots,
                                 struct fail *why)
{
    struct authority *authority = authority_blank();
    if (open_cert(authority, cert, why) && open_key(authority, key, why) &&
        open_roots(authority, roots, why) && open_chain(authority, chain, why) &&
        signer_part_check(authority, why) && leads_to_a_root(authority, why))
        return authority;
    authority_free(authority);
    return NULL;
}

struct bytes authority_cert_pem(const struct authority *authority, struct arena *arena)
{
    STACK_OF(X509) *one = sk_X509_new_null();
    sk_X509_push(one, authority->cert);
    struct bytes pem = x509_pem(one, arena);
    sk_X509_free(one);
    return pem;
}

struct bytes authority_key_pem(const struct authority *authority, struct arena *arena)
{
    return x509_key_pem(authority->key, arena);
}

struct bytes authority_chain_pem(const struct authority *authority, struct arena *arena)
{
    return x509_pem(authority->chain, arena);
}

struct bytes authority_roots_pem(const struct authority *authority, struct arena *arena)
{
    return x509_pem(authority->roots, arena);
}

static bool dns_check(struct bytes name, struct fail *why)
{
    if (!name.len || name.len > 253)
        return fail(why, FAIL_INPUT, "a DNS name of %zu bytes; 1 to 253 are right", name.len);
    struct bytes rest = bytes_starts(name, BYTES("*.")) ? bytes_part(name, 2, name.len) : name;
    for (size_t i = 0; i < rest.len; i++)
        if (!ascii_is_alpha(rest.at[i]) && !ascii_is_digit(rest.at[i]) && rest.at[i] != '-' &&
            rest.at[i] != '.')
            return fail(why, FAIL_INPUT, "a DNS name has a byte %zu that is no letter, digit, '-' or '.'",
                        i + 1);
    return true;
}

static bool request_check(struct bytes uri, const struct bytes *dns, size_t dns_count, int64_t seconds,
                          struct fail *why)
{
    struct spiffe_id id;
    if (!spiffe_id_parse(uri, &id, why))
        return false;
    if (!id.path.len)
        return fail(why, FAIL_INPUT, "a workload's SPIFFE id has a path; '%.*s' has none", BYTES_FMT(uri));
    if (seconds <= 0)
        return fail(why, FAIL_INPUT, "a certificate for %lld seconds; 1 to %d are right", (long long)seconds,
                    AUTHORITY_SECONDS_MAX);
    if (dns_count > DNS_MAX)
        return fail(why, FAIL_LIMIT, "%zu DNS names; at most %d are allowed", dns_count, DNS_MAX);
    for (size_t i = 0; i < dns_count; i++)
        if (!dns_check(dns[i], why))
            return false;
    return true;
}

static void identity_write(const struct authority *authority, X509 *leaf, EVP_PKEY *key, struct arena *arena,
                           struct identity_pem *out)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    push_ref(chain, leaf);
    push_above(chain, authority);
    *out = (struct identity_pem){
        .chain = x509_pem(chain, arena),
        .roots = x509_pem(authority->roots, arena),
    };
    if (key)
        out->key = x509_key_pem(key, arena);
    x509_stack_free(chain);
}

struct wanted {
    struct bytes spiffe_uri;
    const struct bytes *dns;
    size_t dns_count;
    int64_t seconds;
};

/* For somebody's key. NULL with *why. */
static X509 *leaf_sign(const struct authority *authority, const struct wanted *wanted, EVP_PKEY *key,
                       struct fail *why)
{
    static const int purposes[] = {NID_server_auth, NID_client_auth, 0};
    int64_t now = clock_wall_s();
    int64_t end = authority_end_s(authority);
    if (!request_check(wanted->spiffe_uri, wanted->dns, wanted->dns_count, wanted->seconds, why))
        return NULL;
    if (end <= now) {
        fail(why, FAIL_SELF, "the authority's certificate or its chain has expired");
        return NULL;
    }
    /* No subject, as Istio issues them: the name is the URI. */
    struct draft draft = {
        .uris = &wanted->spiffe_uri,
        .uri_count = 1,
        .dns = wanted->dns,
        .dns_count = wanted->dns_count,
        .key_usage = KU_DIGITAL_SIGNATURE,
        .purposes = purposes,
        .not_before_s = now - BACKDATE_S,
        .not_after_s = sooner(now + sooner(wanted->seconds, AUTHORITY_SECONDS_MAX), end),
    };
    return draft_sign(&draft, key, authority->cert, authority->key, why);
}

bool authority_certify(const struct authority *authority, EVP_PKEY *key, struct bytes spiffe_uri,
                       int64_t seconds, struct arena *arena, struct identity_pem *out, struct fail *why)
{
    const struct wanted wanted = {.spiffe_uri = spiffe_uri, .seconds = seconds};
    X509 *leaf = leaf_sign(authority, &wanted, key, why);
    if (leaf)
        identity_write(authority, leaf, NULL, arena, out);
    X509_free(leaf);
    return leaf != NULL;
}

bool authority_issue(const struct authority *authority, struct bytes spiffe_uri, const struct bytes *dns,
                     size_t dns_count, int64_t seconds, struct arena *arena, struct identity_pem *out,
                     struct fail *why)
{
    const struct wanted wanted = {spiffe_uri, dns, dns_count, seconds};
    EVP_PKEY *key = draft_key_new(why);
    X509 *leaf = key ? leaf_sign(authority, &wanted, key, why) : NULL;
    if (leaf)
        identity_write(authority, leaf, key, arena, out);
    X509_free(leaf);
    EVP_PKEY_free(key);
    return leaf != NULL;
}
