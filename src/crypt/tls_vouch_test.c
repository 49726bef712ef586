/* Tests of whose word counts for which peer, and of revoked certificates. */
#include "base/test.h"

#include <openssl/x509v3.h>

#include "crypt/tls_fixture.h"

#define PARTNER_ID "spiffe://partner/ns/a/sa/client"

static struct identity_pem leaf_of(const struct authority *root, const char *uri)
{
    struct bytes name = bytes_of(uri);
    struct draft draft = fixture_draft(&name);
    return fixture_odd(root, &draft);
}

static struct bytes serial_of(const struct identity_pem *identity)
{
    struct certificate_facts facts;
    struct fail why;
    assert_true(certificate_facts(identity->chain, &fixture_arena, &facts, &why));
    return facts.serial;
}

/* The client shows that certificate; the server trusts fixture_root for its own and, for others, `domains`.
 */
static struct meeting *meet(const struct identity_pem *client, const struct tls_domain *domains,
                            size_t domain_count, const struct bytes *revoked, size_t revoked_count)
{
    struct identity_pem own = fixture_identity(SERVER_ID);
    struct tls_settings client_settings = fixture_settings(client, true, TLS_VERIFY_REQUIRED);
    struct tls_settings server_settings = fixture_settings(&own, true, TLS_VERIFY_REQUIRED);
    client_settings.trust = own.roots;
    server_settings.domains = domains;
    server_settings.domain_count = domain_count;
    server_settings.revoked = revoked;
    server_settings.revoked_count = revoked_count;
    struct meeting *meeting =
        meeting_new(fixture_client(&client_settings), "server.test", fixture_server(&server_settings));
    meeting_go(meeting);
    return meeting;
}

static void a_root_vouches_for_its_own_domain_alone(void **state)
{
    (void)state;
    const struct {
        const char *name;
        const struct authority *root;
        const char *uri;
        bool federated;
        const char *why; /* NULL: let in */
    } rows[] = {
        {"our root, our domain", fixture_root, CLIENT_ID, true, NULL},
        {"the partner's root, the partner's domain", fixture_other, PARTNER_ID, true, NULL},
        {"the partner's root, our domain", fixture_other, CLIENT_ID, true,
         "no authority trusted here issued it"},
        {"our root, the partner's domain", fixture_root, PARTNER_ID, true,
         "no authority trusted here issued it"},
        {"the partner's root, a third domain", fixture_other, "spiffe://third/ns/a/sa/b", true,
         "no authority trusted here issued it"},
        {"the partner's root, without a bundle", fixture_other, PARTNER_ID, false,
         "no authority trusted here issued it"},
        {"the partner's root, a domain that begins alike", fixture_other, "spiffe://partner.x/ns/a/sa/b",
         true, "no authority trusted here issued it"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("  %s\n", rows[i].name);
        struct identity_pem client = leaf_of(rows[i].root, rows[i].uri);
        const struct tls_domain partner = {BYTES("partner"),
                                           authority_cert_pem(fixture_other, &fixture_arena)};
        struct meeting *meeting = meet(&client, &partner, rows[i].federated ? 1 : 0, NULL, 0);
        assert_int_equal(meeting->server_turn == TLS_DONE, rows[i].why == NULL);
        if (rows[i].why)
            assert_non_null(strstr(meeting->server_why.text, rows[i].why));
        else
            assert_true(bytes_equal(tls_peer(meeting->server)->uri, bytes_of(rows[i].uri)));
        meeting_free(meeting);
    }
}

static void two_names_of_two_domains_are_nobody(void **state)
{
    (void)state;
    struct bytes names[] = {BYTES(PARTNER_ID), BYTES(CLIENT_ID)};
    struct draft draft = fixture_draft(names);
    draft.uri_count = 2;
    struct identity_pem client = fixture_odd(fixture_other, &draft);
    const struct tls_domain partner = {BYTES("partner"), authority_cert_pem(fixture_other, &fixture_arena)};
    struct meeting *meeting = meet(&client, &partner, 1, NULL, 0);
    assert_int_equal(meeting->server_turn, TLS_BROKEN);
    meeting_free(meeting);
}

static void a_chain_with_a_revoked_certificate_is_refused(void **state)
{
    (void)state;
    struct fail why;
    struct identity_pem middle_pem, root_pem = {.chain = authority_cert_pem(fixture_root, &fixture_arena)};
    struct authority *middle = authority_new_intermediate(fixture_root, BYTES("middle"), 1, &why);
    assert_non_null(middle);
    assert_true(authority_issue(middle, BYTES(CLIENT_ID), NULL, 0, 600, &fixture_arena, &middle_pem, &why));
    struct identity_pem above = {.chain = authority_cert_pem(middle, &fixture_arena)};
    const struct {
        const char *name;
        struct bytes serial;
        bool refused;
    } rows[] = {
        {"its own", serial_of(&middle_pem), true},
        {"the intermediate's", serial_of(&above), true},
        {"the root's", serial_of(&root_pem), true},
        {"another", BYTES("0a0b"), false},
        {"one that begins alike", bytes_part(serial_of(&middle_pem), 0, 8), false},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("  %s\n", rows[i].name);
        const struct bytes list[] = {BYTES("ff"), rows[i].serial, BYTES("00")};
        struct meeting *meeting = meet(&middle_pem, NULL, 0, list, 3);
        assert_int_equal(meeting->server_turn == TLS_DONE, !rows[i].refused);
        if (rows[i].refused)
            assert_non_null(strstr(meeting->server_why.text, " is revoked"));
        else
            assert_true(bytes_starts(tls_peer(meeting->server)->serials, serial_of(&middle_pem)));
        meeting_free(meeting);
    }
    authority_free(middle);
}

static void roots_that_cannot_be_read_make_no_context(void **state)
{
    (void)state;
    struct identity_pem own = fixture_identity(SERVER_ID);
    struct tls_settings settings = fixture_settings(&own, true, TLS_VERIFY_REQUIRED);
    const struct tls_domain broken = {BYTES("partner"), BYTES("nothing")};
    struct fail why;
    settings.domains = &broken;
    settings.domain_count = 1;
    assert_null(tls_context_new_server(&settings, &why));
    assert_string_equal(why.text, "roots of the trust domain partner: no certificate: PEM with BEGIN "
                                  "CERTIFICATE is expected");
}

int main(void)
{
    fixture_begin();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_root_vouches_for_its_own_domain_alone),
        cmocka_unit_test(two_names_of_two_domains_are_nobody),
        cmocka_unit_test(a_chain_with_a_revoked_certificate_is_refused),
        cmocka_unit_test(roots_that_cannot_be_read_make_no_context),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fixture_end();
    return failed;
}
