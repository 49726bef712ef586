/* Tests of identity and ca_directory: where a certificate comes from and when it is renewed. */
#include "base/test.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "control/ca_directory.h"
#include "control/control_fixture.h"
#include "control/identity.h"
#include "control/state_file.h"
#include "crypt/certificate.h"

static struct identity_letter *obtained(struct control_fixture *fixture)
{
    struct identity_letter *letter = letter_new(LETTER_IDENTITY, sizeof *letter);
    struct fail why;
    assert_true(identity_obtain(&fixture->settings, 0, &letter->letter.arena, letter, &why));
    return letter;
}

static void the_embedded_authority_is_made_once_and_shared(void **state)
{
    (void)state;
    struct control_fixture fixture;
    struct stat stat_of;
    struct bytes sealed;
    struct fail why;
    control_make(&fixture);
    control_settings(&fixture,
                     "identity: {ca: {directory: $/ca/of/all}}\nnamespace: shop\nserviceAccount: cart\n");
    struct identity_letter *one = obtained(&fixture), *two = obtained(&fixture);
    assert_true(bytes_equal(one->spiffe_uri, BYTES("spiffe://cluster.local/ns/shop/sa/cart")));
    assert_true(bytes_equal(one->pem.roots, two->pem.roots));
    assert_false(bytes_equal(one->serial, two->serial));
    assert_true(one->not_after_s <= clock_wall_s() + 24 * 3600);
    assert_int_equal(stat(control_path(&fixture, "ca/of/all/ca-keys.sealed"), &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0600);
    assert_int_equal(stat(control_path(&fixture, "ca/of/all/seal.key"), &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0600);
    assert_true(file_read(control_path(&fixture, "ca/of/all/ca-keys.sealed"), 1 << 16, &fixture.arena,
                          &sealed, &why));
    assert_int_equal(bytes_find_text(sealed, BYTES("PRIVATE")), sealed.len);
    letter_free(&one->letter);
    letter_free(&two->letter);
    control_drop(&fixture);
}

static void an_authority_whose_key_cannot_be_opened_is_not_replaced(void **state)
{
    (void)state;
    struct control_fixture fixture;
    struct identity_letter letter = {0};
    struct arena arena;
    struct fail why;
    control_make(&fixture);
    control_settings(&fixture, "identity: {ca: {directory: $/ca}}\n");
    letter_free(&obtained(&fixture)->letter);
    control_write(&fixture, "ca/seal.key", "0123456789abcdef0123456789abcdef");
    arena_init(&arena);
    assert_false(identity_obtain(&fixture.settings, 0, &arena, &letter, &why));
    assert_true(bytes_ends(
        bytes_of(why.text),
        BYTES("/ca/ca-keys.sealed: sealed with another key, for another purpose, or changed since")));
    assert_int_equal(letter.pem.key.len, 0);
    arena_done(&arena);
    control_drop(&fixture);
}

/* Istio's four files, made with an authority of our own. */
static void cacerts_write(struct control_fixture *fixture)
{
    struct fail why;
    struct arena *arena = &fixture->arena;
    struct authority *root = authority_new_root(BYTES("cluster.local"), 10, &why);
    struct authority *middle = authority_new_intermediate(root, BYTES("istiod"), 10, &why);
    assert_non_null(middle);
    struct bytes cert = authority_cert_pem(middle, arena);
    control_write(fixture, "cacerts/ca-cert.pem", arena_text(arena, cert));
    control_write(fixture, "cacerts/cert-chain.pem", arena_text(arena, cert));
    control_write(fixture, "cacerts/ca-key.pem", arena_text(arena, authority_key_pem(middle, arena)));
    control_write(fixture, "cacerts/root-cert.pem", arena_text(arena, authority_cert_pem(root, arena)));
    authority_free(middle);
    authority_free(root);
}

static void istios_cacerts_issue_too(void **state)
{
    (void)state;
    struct control_fixture fixture;
    struct arena arena;
    struct bytes root;
    struct fail why;
    control_make(&fixture);
    control_settings(&fixture, "identity: {cacerts: {directory: $/cacerts}}\n");
    cacerts_write(&fixture);
    struct identity_letter *letter = obtained(&fixture);
    assert_true(
        file_read(control_path(&fixture, "cacerts/root-cert.pem"), 1 << 16, &fixture.arena, &root, &why));
    assert_true(bytes_equal(letter->pem.roots, root));
    letter_free(&letter->letter);
    assert_int_equal(unlink(control_path(&fixture, "cacerts/ca-key.pem")), 0);
    struct identity_letter none = {0};
    arena_init(&arena);
    assert_false(identity_obtain(&fixture.settings, 0, &arena, &none, &why));
    assert_true(bytes_ends(bytes_of(why.text), BYTES("/cacerts/ca-key.pem: No such file or directory")));
    arena_done(&arena);
    control_drop(&fixture);
}

static void files_write(struct control_fixture *fixture, struct authority *authority)
{
    struct identity_pem pem;
    struct fail why;
    struct arena *arena = &fixture->arena;
    assert_true(authority_issue(authority, BYTES("spiffe://cluster.local/ns/a/sa/b"), NULL, 0, 3600, arena,
                                &pem, &why));
    control_write(fixture, "f/roots.pem", arena_text(arena, pem.roots));
    control_write(fixture, "f/key.pem", arena_text(arena, pem.key));
    control_write(fixture, "f/cert.pem", arena_text(arena, pem.chain));
}

static void files_of_somebody_else_are_read_and_judged(void **state)
{
    (void)state;
    struct control_fixture fixture;
    struct fail why;
    struct arena arena;
    struct identity_letter none = {0};
    control_make(&fixture);
    control_settings(
        &fixture, "identity: {files: {certificate: $/f/cert.pem, key: $/f/key.pem, roots: $/f/roots.pem}}\n");
    struct authority *authority = authority_new_root(BYTES("cluster.local"), 10, &why);
    files_write(&fixture, authority);
    struct identity_letter *letter = obtained(&fixture);
    assert_true(bytes_equal(letter->spiffe_uri, BYTES("spiffe://cluster.local/ns/a/sa/b")));
    letter_free(&letter->letter);
    const char *old = control_path(&fixture, "f/old.pem");
    assert_int_equal(rename(control_path(&fixture, "f/key.pem"), old), 0);
    files_write(&fixture, authority);
    assert_int_equal(rename(old, control_path(&fixture, "f/key.pem")), 0); /* a key of another certificate */
    arena_init(&arena);
    assert_false(identity_obtain(&fixture.settings, 0, &arena, &none, &why));
    assert_non_null(strstr(why.text, "/f/cert.pem: "));
    assert_null(strstr(why.text, "BEGIN"));
    arena_done(&arena);
    authority_free(authority);
    control_drop(&fixture);
}

static void a_failure_is_posted_and_tried_again(void **state)
{
    (void)state;
    struct control_fixture fixture;
    struct mailbox out;
    control_make(&fixture);
    control_settings(&fixture, "identity: {cacerts: {directory: $/cacerts}}\n");
    mailbox_init(&out);
    struct identity *identity = identity_start(&fixture.settings, &out);
    struct identity_letter *letter = (struct identity_letter *)control_letter(&out);
    assert_int_equal(letter->pem.chain.len, 0);
    assert_true(bytes_ends(letter->problem, BYTES("/cacerts/ca-cert.pem: No such file or directory")));
    letter_free(&letter->letter);
    cacerts_write(&fixture);
    letter = (struct identity_letter *)control_letter(&out);
    assert_true(letter->pem.chain.len > 0);
    letter_free(&letter->letter);
    identity_stop(identity);
    mailbox_done(&out);
    control_drop(&fixture);
}

static void it_is_renewed_at_half_its_life(void **state)
{
    (void)state;
    struct control_fixture fixture;
    struct mailbox out;
    control_make(&fixture);
    control_settings(&fixture, "identity: {ca: {directory: $/ca}}\n");
    fixture.settings.identity->certificate_lifetime_ms = 4000;
    mailbox_init(&out);
    struct identity *identity = identity_start(&fixture.settings, &out);
    struct identity_letter *one = (struct identity_letter *)control_letter(&out);
    struct identity_letter *two = (struct identity_letter *)control_letter(&out);
    assert_true(clock_wall_s() < one->not_after_s); /* before the old one ended */
    assert_true(two->not_after_s > one->not_after_s);
    letter_free(&one->letter);
    letter_free(&two->letter);
    identity_stop(identity);
    mailbox_done(&out);
    control_drop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_embedded_authority_is_made_once_and_shared),
        cmocka_unit_test(an_authority_whose_key_cannot_be_opened_is_not_replaced),
        cmocka_unit_test(istios_cacerts_issue_too),
        cmocka_unit_test(files_of_somebody_else_are_read_and_judged),
        cmocka_unit_test(a_failure_is_posted_and_tried_again),
        cmocka_unit_test(it_is_renewed_at_half_its_life),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
