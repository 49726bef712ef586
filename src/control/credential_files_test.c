/* Certificates in files: read when they change, kept while what is there cannot be used. */
#include "base/test.h"

#include <stdio.h>
#include <unistd.h>

#include "control/control_fixture.h"
#include "control/credential_files.h"
#include "crypt/authority.h"

static struct control_fixture fixture;
static struct credential_files files;
static struct compile_credential wanted;
static uint64_t now_ms;

static void begin(void)
{
    control_make(&fixture);
    files = (struct credential_files){0};
    now_ms = 1000000;
    wanted = (struct compile_credential){.id = 7,
                                         .name = BYTES("files"),
                                         .certificate_file = bytes_of(control_path(&fixture, "cert.pem")),
                                         .key_file = bytes_of(control_path(&fixture, "key.pem")),
                                         .ca_file = bytes_of(control_path(&fixture, "ca.pem"))};
}

static void end(void)
{
    credential_files_done(&files);
    control_drop(&fixture);
}

static void write_part(const char *name, struct bytes pem)
{
    unlink(control_path(&fixture, name)); /* another file, so that it looks touched within a clock's tick */
    control_write(&fixture, name, arena_text(&fixture.arena, pem));
}

static struct identity_pem issue(void)
{
    struct identity_pem pem;
    struct fail why;
    struct authority *authority = authority_new_root(BYTES("td"), 1, &why);
    assert_true(authority_issue(authority, BYTES("spiffe://td/ns/a/sa/b"), NULL, 0, 3600, &fixture.arena,
                                &pem, &why));
    authority_free(authority);
    return pem;
}

static void write_all(const struct identity_pem *pem)
{
    write_part("cert.pem", pem->chain);
    write_part("key.pem", pem->key);
    write_part("ca.pem", pem->roots);
}

static bool look_later(void)
{
    now_ms += CREDENTIAL_FILES_EVERY_MS;
    return credential_files_look(&files, &wanted, 1, now_ms);
}

static void key_is(const struct identity_pem *pem)
{
    struct keys_credential credential;
    assert_true(credential_files_get(&files, 7, &credential));
    assert_true(bytes_equal(credential.chain, pem->chain));
    assert_true(bytes_equal(credential.key, pem->key));
    assert_true(bytes_equal(credential.trust, pem->roots));
}

static void files_are_read_and_read_again_when_they_change(void **state)
{
    (void)state;
    struct keys_credential none;
    begin();
    struct identity_pem one = issue(), two = issue();
    write_all(&one);
    assert_false(credential_files_get(&files, 7, &none));
    assert_true(credential_files_look(&files, &wanted, 1, now_ms));
    key_is(&one);
    assert_false(look_later());
    write_all(&two);
    assert_false(credential_files_look(&files, &wanted, 1, now_ms + 1)); /* too early */
    key_is(&one);
    assert_true(look_later());
    key_is(&two);
    end();
}

static void what_cannot_be_used_replaces_nothing(void **state)
{
    (void)state;
    begin();
    struct identity_pem one = issue(), two = issue();
    write_all(&one);
    assert_true(credential_files_look(&files, &wanted, 1, now_ms));
    write_part("cert.pem", two.chain);
    assert_false(look_later()); /* the key is not there yet */
    key_is(&one);
    write_part("ca.pem", BYTES("none"));
    assert_false(look_later());
    unlink(control_path(&fixture, "key.pem"));
    assert_false(look_later());
    key_is(&one);
    write_all(&two);
    assert_true(look_later());
    key_is(&two);
    end();
}

static void what_is_not_there_comes_later(void **state)
{
    (void)state;
    struct keys_credential none;
    begin();
    struct identity_pem one = issue();
    wanted.certificate_file = wanted.key_file = (struct bytes){0};
    assert_false(credential_files_look(&files, &wanted, 1, now_ms));
    assert_false(credential_files_get(&files, 7, &none));
    write_part("ca.pem", one.roots);
    assert_true(look_later());
    assert_true(credential_files_get(&files, 7, &none));
    assert_true(bytes_equal(none.trust, one.roots));
    assert_int_equal(none.key.len, 0);
    end();
}

static void what_nobody_names_is_forgotten(void **state)
{
    (void)state;
    struct keys_credential found;
    begin();
    struct identity_pem one = issue();
    write_all(&one);
    assert_true(credential_files_look(&files, &wanted, 1, now_ms));
    for (int i = 0; i < 4; i++) {
        now_ms += CREDENTIAL_FILES_EVERY_MS;
        assert_int_equal(credential_files_get(&files, 7, &found), i < 2);
        assert_false(credential_files_look(&files, NULL, 0, now_ms));
    }
    assert_false(credential_files_get(&files, 7, &found));
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_read_and_read_again_when_they_change),
        cmocka_unit_test(what_cannot_be_used_replaces_nothing),
        cmocka_unit_test(what_is_not_there_comes_later),
        cmocka_unit_test(what_nobody_names_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
