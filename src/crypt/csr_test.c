/* Tests of certificate requests: what of them counts, and what proves possession. */
#include "base/test.h"

#include <string.h>

#include "crypt/certificate.h"
#include "crypt/csr.h"

#define ID "spiffe://td/ns/a/sa/b"

static struct arena arena;
static struct fail why;

static void a_request_is_answered_for_its_key_and_the_name_given(void **state)
{
    (void)state;
    struct bytes csr, key;
    struct identity_pem pem;
    struct certificate_facts facts;
    struct authority *root = authority_new_root(BYTES("td"), 1, &why);
    assert_true(csr_make(&arena, &csr, &key, &why));
    assert_true(csr_answer(root, csr, BYTES(ID), 600, &arena, &pem, &why));
    assert_int_equal(pem.key.len, 0);
    assert_true(certificate_key_matches(pem.chain, key, &why));
    assert_true(certificate_shape_check(pem.chain, &why));
    assert_true(certificate_facts(pem.chain, &arena, &facts, &why));
    assert_true(bytes_equal(facts.uri, BYTES(ID)));
    authority_free(root);
}

static void what_proves_nothing_is_refused(void **state)
{
    (void)state;
    struct bytes csr, key;
    struct authority *root = authority_new_root(BYTES("td"), 1, &why);
    assert_true(csr_make(&arena, &csr, &key, &why));
    /* Another signature under the same key: the last full line of base64 is a part of it. */
    char *spoiled = (char *)(uintptr_t)arena_text(&arena, csr);
    char *end = strstr(spoiled, "-----END");
    end[-10] = end[-10] == 'A' ? 'B' : 'A';
    const struct {
        const char *csr;
        const char *told;
    } rows[] = {
        {spoiled, "the certificate request is not signed by its own key"},
        {"", "no certificate request: PEM with BEGIN CERTIFICATE REQUEST is expected"},
        {arena_text(&arena, key), "no certificate request: PEM with BEGIN CERTIFICATE REQUEST is expected"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct identity_pem pem = {.chain = BYTES("before")};
        assert_false(csr_answer(root, bytes_of(rows[i].csr), BYTES(ID), 600, &arena, &pem, &why));
        assert_string_equal(why.text, rows[i].told);
        assert_true(bytes_equal(pem.chain, BYTES("before")));
    }
    struct bytes huge = bytes_make(arena_alloc(&arena, CSR_BYTES_MAX + 1), CSR_BYTES_MAX + 1);
    struct identity_pem pem;
    assert_false(csr_answer(root, huge, BYTES(ID), 600, &arena, &pem, &why));
    assert_string_equal(why.text, "a certificate request of 8193 bytes; at most 8192 are read");
    authority_free(root);
}

static void an_endpoint_is_known_by_its_pin(void **state)
{
    (void)state;
    struct bytes cert, key;
    unsigned char one[32], two[32];
    assert_true(csr_endpoint(&arena, &cert, &key, &why));
    assert_true(certificate_key_matches(cert, key, &why));
    assert_true(certificate_pin(cert, one, &why));
    assert_true(csr_endpoint(&arena, &cert, &key, &why));
    assert_true(certificate_pin(cert, two, &why));
    assert_memory_not_equal(one, two, sizeof one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_answered_for_its_key_and_the_name_given),
        cmocka_unit_test(what_proves_nothing_is_refused),
        cmocka_unit_test(an_endpoint_is_known_by_its_pin),
    };
    arena_init(&arena);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    arena_stock_drop();
    return failed;
}
