#include "base/test.h"

#include <stdlib.h>

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/text.h"
#include "crypt/certificate.h"
#include "crypt/draft.h"

static struct arena arena;
static struct fail why;

#define ID "spiffe://cluster.local/ns/shop/sa/cart"

static X509 *first(struct bytes pem)
{
    STACK_OF(X509) *all = x509_read_all(pem, 100, &why);
    assert_non_null(all);
    X509 *cert = sk_X509_shift(all);
    x509_stack_free(all);
    return cert;
}

static int verify(const struct identity_pem *identity, int purpose)
{
    STACK_OF(X509) *roots = x509_read_all(identity->roots, 100, &why);
    STACK_OF(X509) *chain = x509_read_all(identity->chain, 100, &why);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_add_cert(store, sk_X509_value(roots, 0));
    X509_STORE_CTX *work = X509_STORE_CTX_new();
    X509_STORE_CTX_init(work, store, sk_X509_value(chain, 0), chain);
    X509_STORE_CTX_set_purpose(work, purpose);
    X509_STORE_CTX_set_flags(work, X509_V_FLAG_X509_STRICT);
    X509_verify_cert(work);
    int error = X509_STORE_CTX_get_error(work);
    X509_STORE_CTX_free(work);
    X509_STORE_free(store);
    x509_stack_free(roots);
    x509_stack_free(chain);
    return error;
}

static void a_root_issues_what_verifies(void **state)
{
    (void)state;
    struct identity_pem identity;
    struct certificate_facts facts;
    struct authority *root = authority_new_root(BYTES("cluster.local"), 30, &why);
    assert_non_null(root);
    assert_true(authority_issue(root, BYTES(ID), NULL, 0, 3600, &arena, &identity, &why));
    assert_int_equal(verify(&identity, X509_PURPOSE_SSL_SERVER), X509_V_OK);
    assert_int_equal(verify(&identity, X509_PURPOSE_SSL_CLIENT), X509_V_OK);
    assert_true(certificate_shape_check(identity.chain, &why));
    assert_true(certificate_key_matches(identity.chain, identity.key, &why));
    assert_true(certificate_facts(identity.chain, &arena, &facts, &why));
    assert_true(bytes_equal(facts.uri, BYTES(ID)));
    assert_int_equal(facts.subject.len, 0);
    assert_int_equal(facts.serial.len, 32);
    assert_false(facts.is_ca);
    assert_in_range(facts.not_after_s - clock_wall_s(), 3595, 3605);
    assert_in_range(clock_wall_s() - facts.not_before_s, 58, 65);
    assert_true(certificate_facts(authority_cert_pem(root, &arena), &arena, &facts, &why));
    assert_true(facts.is_ca);
    assert_true(bytes_equal(facts.uri, BYTES("spiffe://cluster.local")));
    assert_true(bytes_equal(facts.subject, BYTES("CN=Selvage mesh root,O=cluster.local")));
    assert_false(certificate_shape_check(authority_cert_pem(root, &arena), &why));
    authority_free(root);
}

static void a_leaf_has_an_empty_subject_so_its_names_are_critical(void **state)
{
    (void)state;
    struct identity_pem identity;
    const struct bytes dns[] = {BYTES("edge.test"), BYTES("*.edge.test")};
    struct authority *root = authority_new_root(BYTES("cluster.local"), 30, &why);
    assert_true(authority_issue(root, BYTES(ID), dns, 2, 3600, &arena, &identity, &why));
    X509 *leaf = first(identity.chain);
    X509 *top = first(identity.roots);
    int critical = -1;
    GENERAL_NAMES_free(X509_get_ext_d2i(leaf, NID_subject_alt_name, &critical, NULL));
    assert_int_equal(critical, 1);
    GENERAL_NAMES_free(X509_get_ext_d2i(top, NID_subject_alt_name, &critical, NULL));
    assert_int_equal(critical, 0);
    assert_int_equal(X509_check_host(leaf, "a.edge.test", 0, 0, NULL), 1);
    assert_non_null(X509_get0_authority_key_id(leaf));
    assert_int_equal(ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(leaf), X509_get0_subject_key_id(top)),
                     0);
    X509_free(leaf);
    X509_free(top);
    authority_free(root);
}

static void an_intermediate_issues_below_its_root(void **state)
{
    (void)state;
    struct identity_pem identity;
    struct authority *root = authority_new_root(BYTES("cluster.local"), 30, &why);
    struct authority *middle = authority_new_intermediate(root, BYTES("istiod"), 10, &why);
    assert_non_null(middle);
    assert_true(authority_issue(middle, BYTES(ID), NULL, 0, 3600, &arena, &identity, &why));
    assert_int_equal(verify(&identity, X509_PURPOSE_SSL_SERVER), X509_V_OK);
    assert_true(certificate_shape_check(identity.chain, &why));
    assert_null(authority_new_intermediate(middle, BYTES("below"), 10, &why));
    assert_string_equal(why.text, "the issuing authority's path length is 0: it may sign workloads only");
    authority_free(root);
    authority_free(middle);
}

static void requests_that_make_no_workload_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *uri;
        const char *dns;
        int64_t seconds;
        const char *why;
    } rows[] = {
        {"spiffe://td", NULL, 60, "a workload's SPIFFE id has a path; 'spiffe://td' has none"},
        {"http://td/x", NULL, 60, "'http://td/x' does not begin with spiffe://"},
        {ID, NULL, 0, "a certificate for 0 seconds; 1 to 86400 are right"},
        {ID, NULL, -5, "a certificate for -5 seconds; 1 to 86400 are right"},
        {ID, "a,URI:spiffe", 60, "a DNS name has a byte 2 that is no letter, digit, '-' or '.'"},
        {ID, "", 60, "a DNS name of 0 bytes; 1 to 253 are right"},
    };
    struct authority *root = authority_new_root(BYTES("td"), 30, &why);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct identity_pem out = {.key = BYTES("untouched")};
        struct bytes dns = bytes_of(rows[i].dns);
        assert_false(authority_issue(root, bytes_of(rows[i].uri), &dns, rows[i].dns ? 1 : 0, rows[i].seconds,
                                     &arena, &out, &why));
        assert_string_equal(why.text, rows[i].why);
        assert_true(bytes_equal(out.key, BYTES("untouched")));
    }
    authority_free(root);
}

static void life_is_24_hours_and_never_beyond_the_issuer(void **state)
{
    (void)state;
    struct identity_pem identity;
    struct certificate_facts facts;
    struct authority *root = authority_new_root(BYTES("td"), 30, &why);
    assert_true(authority_issue(root, BYTES(ID), NULL, 0, 90 * 86400, &arena, &identity, &why));
    assert_true(certificate_facts(identity.chain, &arena, &facts, &why));
    assert_in_range(facts.not_after_s - clock_wall_s(), 86395, 86405);
    authority_free(root);
    assert_null(authority_new_root(BYTES("td"), 0, &why));
    assert_null(authority_new_root(BYTES("T D"), 1, &why));
}

/* A cacerts folder as Istio's tools make it: RSA, the chain file with the certificate and the root in it too.
 */
struct cacerts {
    struct bytes cert;
    struct bytes key;
    struct bytes chain;
    struct bytes roots;
};

static struct bytes one_pem(X509 *cert)
{
    STACK_OF(X509) *one = sk_X509_new_null();
    sk_X509_push(one, cert);
    struct bytes pem = x509_pem(one, &arena);
    sk_X509_free(one);
    return pem;
}

static struct bytes joined(struct bytes a, struct bytes b)
{
    return arena_format(&arena, "%.*s%.*s", BYTES_FMT(a), BYTES_FMT(b));
}

static void cacerts_make(struct cacerts *out, EVP_PKEY *root_key, EVP_PKEY *key, int64_t from_s, int64_t to_s,
                         bool ca)
{
    struct draft draft = {.common_name = BYTES("Root CA"),
                          .organization = BYTES("Istio"),
                          .is_ca = true,
                          .path_length = -1,
                          .key_usage = KU_KEY_CERT_SIGN,
                          .not_before_s = clock_wall_s() - 1000,
                          .not_after_s = clock_wall_s() + 864000};
    X509 *root = draft_sign(&draft, root_key, NULL, NULL, &why);
    draft.common_name = BYTES("Intermediate CA");
    draft.is_ca = ca;
    draft.path_length = 0;
    draft.not_before_s = clock_wall_s() + from_s;
    draft.not_after_s = clock_wall_s() + to_s;
    X509 *cert = draft_sign(&draft, key, root, root_key, &why);
    *out = (struct cacerts){.cert = one_pem(cert), .key = x509_key_pem(key, &arena), .roots = one_pem(root)};
    out->chain = joined(out->cert, out->roots);
    X509_free(root);
    X509_free(cert);
}

static void istio_cacerts_open(void **state)
{
    (void)state;
    struct cacerts files;
    struct identity_pem identity;
    EVP_PKEY *root_key = EVP_RSA_gen(2048);
    EVP_PKEY *key = EVP_RSA_gen(4096);
    cacerts_make(&files, root_key, key, -100, 86400, true);
    struct authority *authority = authority_open(files.cert, files.key, files.chain, files.roots, &why);
    assert_non_null(authority);
    assert_int_equal(authority_chain_pem(authority, &arena).len, 0);
    assert_true(authority_issue(authority, BYTES(ID), NULL, 0, 7200, &arena, &identity, &why));
    assert_int_equal(verify(&identity, X509_PURPOSE_SSL_CLIENT), X509_V_OK);
    struct authority *again =
        authority_open(authority_cert_pem(authority, &arena), authority_key_pem(authority, &arena),
                       authority_chain_pem(authority, &arena), authority_roots_pem(authority, &arena), &why);
    assert_non_null(again);
    authority_free(again);
    authority_free(authority);
    EVP_PKEY_free(root_key);
    EVP_PKEY_free(key);
}

static void opening_names_the_part_that_is_wrong(void **state)
{
    (void)state;
    EVP_PKEY *root_key = draft_key_new(&why);
    EVP_PKEY *key = draft_key_new(&why);
    struct cacerts good;
    struct cacerts other;
    struct cacerts old;
    struct cacerts early;
    struct cacerts leaf;
    cacerts_make(&good, root_key, key, -100, 86400, true);
    cacerts_make(&other, key, root_key, -100, 86400, true);
    cacerts_make(&old, root_key, key, -100, -50, true);
    cacerts_make(&early, root_key, key, 500, 86400, true);
    cacerts_make(&leaf, root_key, key, -100, 86400, false);
    const struct bytes none = BYTES("");
    const struct bytes junk = BYTES("junk\n");
    const struct {
        struct bytes cert, key, chain, roots;
        const char *why; /* how the sentence begins */
    } rows[] = {
        {good.cert, good.key, none, good.roots, NULL},
        {junk, good.key, none, good.roots, "the authority's certificate: no certificate: PEM with"},
        {good.cert, junk, none, good.roots,
         "the authority's key: no private key: PEM with BEGIN PRIVATE KEY"},
        {good.cert, other.key, none, good.roots, "the authority's key does not belong to its certificate"},
        {good.cert, good.key, junk, good.roots, "the authority's chain: no certificate: PEM with"},
        {good.cert, good.key, none, none, "the roots: no certificate: PEM with"},
        {good.cert, good.key, none, other.roots,
         "the authority's chain does not lead from its certificate to one of the roots: "},
        {old.cert, old.key, none, old.roots, "the authority's certificate: expired on 20"},
        {early.cert, early.key, none, early.roots, "the authority's certificate: not in force before 20"},
        {leaf.cert, leaf.key, none, leaf.roots, "the authority's certificate: CA is not true"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct authority *got = authority_open(rows[i].cert, rows[i].key, rows[i].chain, rows[i].roots, &why);
        assert_int_equal(got != NULL, rows[i].why == NULL);
        if (rows[i].why && !bytes_starts(bytes_of(why.text), bytes_of(rows[i].why)))
            assert_string_equal(why.text, rows[i].why);
        authority_free(got);
    }
    EVP_PKEY_free(root_key);
    EVP_PKEY_free(key);
}

static void a_key_under_a_pass_phrase_is_refused(void **state)
{
    (void)state;
    EVP_PKEY *key = draft_key_new(&why);
    BIO *bio = BIO_new(BIO_s_mem());
    char phrase[] = "phrase";
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_128_cbc(), phrase, 6, NULL, NULL), 1);
    char *at;
    long len = BIO_get_mem_data(bio, &at);
    assert_null(x509_key_read(bytes_make(at, (size_t)len), &why));
    assert_string_equal(why.text, "the private key is under a pass phrase; give it without one");
    BIO_free(bio);
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_root_issues_what_verifies),
        cmocka_unit_test(a_leaf_has_an_empty_subject_so_its_names_are_critical),
        cmocka_unit_test(an_intermediate_issues_below_its_root),
        cmocka_unit_test(requests_that_make_no_workload_are_refused),
        cmocka_unit_test(life_is_24_hours_and_never_beyond_the_issuer),
        cmocka_unit_test(istio_cacerts_open),
        cmocka_unit_test(opening_names_the_part_that_is_wrong),
        cmocka_unit_test(a_key_under_a_pass_phrase_is_refused),
    };
    arena_init(&arena);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    arena_stock_drop();
    return failed;
}
