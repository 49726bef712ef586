/* Unit tests of secrets: those of files, of systemd and of the sealed store, and what each refuses. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/control_fixture.h"
#include "control/secret_store.h"
#include "control/secrets.h"
#include "control/state_file.h"

static struct control_fixture fixture;
static struct settings_secrets where;
static struct settings_identity identity;

static void begin(const char *directory)
{
    control_make(&fixture);
    where = (struct settings_secrets){.directory =
                                          bytes_of(directory ? control_path(&fixture, directory) : NULL)};
    fixture.settings.secrets = &where;
    fixture.settings.identity = &identity;
    control_write(&fixture, "state/x", "");
    fixture.settings.state = bytes_of(control_path(&fixture, "state"));
    unsetenv("CREDENTIALS_DIRECTORY");
}

static void end(void)
{
    unsetenv("CREDENTIALS_DIRECTORY");
    control_drop(&fixture);
}

static struct source_files taken(struct digest *touched)
{
    struct source_files files = {0};
    secrets_add(&fixture.settings, -1, &fixture.arena, &files, touched);
    return files;
}

static void said_is(struct bytes text, const char *expected)
{
    assert_string_equal(arena_text(&fixture.arena, text), expected);
}

static void said_ends(struct bytes text, const char *end)
{
    if (!bytes_ends(text, bytes_of(end)))
        assert_string_equal(arena_text(&fixture.arena, text), end);
}

static void expect_document(const struct source_file *file, const char *name, const char *content)
{
    assert_true(bytes_ends(file->name, bytes_of(name)));
    said_is(file->error, "");
    said_is(file->content, content);
}

static struct secret_value value_of(const char *key, const char *value)
{
    return (struct secret_value){BYTES("default"), BYTES("web"), bytes_of(key), bytes_of(value), 1700000000};
}

/* ---- files ----------------------------------------------------------------------------- */

static void files_become_secrets(void **state)
{
    struct digest touched, now;
    (void)state;
    begin("secrets");
    control_write(&fixture, "secrets/default/web/..1/tls.crt", "chain");
    assert_int_equal(symlink("..1", control_path(&fixture, "secrets/default/web/..data")), 0);
    assert_int_equal(symlink("..data/tls.crt", control_path(&fixture, "secrets/default/web/tls.crt")), 0);
    control_write(&fixture, "secrets/default/web/tls.key", "key");
    control_write(&fixture, "secrets/b/a/token", "\n");
    struct source_files files = taken(&touched);
    assert_int_equal(files.count, 2);
    expect_document(
        &files.at[0], "/secrets/b/a",
        "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"namespace\":\"b\",\"name\":\"a\"},"
        "\"data\":{\"token\":\"Cg==\"}}\n");
    expect_document(
        &files.at[1], "/secrets/default/web",
        "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"namespace\":\"default\",\"name\":"
        "\"web\"},\"data\":{\"tls.crt\":\"Y2hhaW4=\",\"tls.key\":\"a2V5\"}}\n");
    now = secrets_touched(&fixture.settings);
    assert_memory_equal(&now, &touched, sizeof now);
    control_write(&fixture, "secrets/b/a/token", "more");
    now = secrets_touched(&fixture.settings);
    assert_memory_not_equal(&now, &touched, sizeof now);
    end();
}

static void what_cannot_be_read_is_an_error_of_the_provider(void **state)
{
    static const struct {
        const char *file; /* NULL: there is no directory */
        const char *error;
    } rows[] = {
        {NULL, "/secrets: the directory of secrets cannot be read: No such file or directory"},
        {"secrets/file", "/secrets/file: the directory of secrets cannot be read: Not a directory"},
        {"secrets/Default/web/tls.key", "/secrets/Default/web/tls.key: 'Default' is no namespace: 1 to 63 "
                                        "lower-case letters, digits and -, a letter "
                                        "or digit at both ends"},
        {"secrets/default/-web/tls.key", "/secrets/default/-web/tls.key: '-web' is no name of a Secret: 1 to "
                                         "253 lower-case letters, digits, - and ., "
                                         "a letter or digit at both ends"},
        {"secrets/default/web/tls key", "/secrets/default/web/tls key: 'tls key' is no key of a Secret: 1 to "
                                        "253 letters, digits, -, _ and ."},
        {"secrets/default/web/directory/x", "/secrets/default/web/directory: it is no regular file"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct digest touched;
        begin("secrets");
        if (rows[i].file)
            control_write(&fixture, rows[i].file, "x");
        struct source_files files = taken(&touched);
        assert_int_equal(files.count, 1);
        assert_true(bytes_ends(files.at[0].name, BYTES("/secrets")));
        said_ends(files.at[0].error, rows[i].error);
        end();
    }
}

static void credentials_are_found_by_their_names(void **state)
{
    struct digest touched;
    (void)state;
    begin(NULL);
    control_write(&fixture, "cred/seal-key", "no secret of a resource");
    control_write(&fixture, "cred/secret_default_web_client_secret", "s");
    setenv("CREDENTIALS_DIRECTORY", control_path(&fixture, "cred"), 1);
    struct source_files files = taken(&touched);
    assert_int_equal(files.count, 1);
    expect_document(
        &files.at[0], "credentials/default/web",
        "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"namespace\":\"default\",\"name\":"
        "\"web\"},\"data\":{\"client_secret\":\"cw==\"}}\n");
    control_write(&fixture, "cred/secret_default", "s");
    files = taken(&touched);
    assert_int_equal(files.count, 1);
    said_ends(files.at[0].error,
              "/cred/secret_default: a credential that is a secret is called secret_NAMESPACE_NAME_KEY");
    end();
}

/* ---- the store -------------------------------------------------------------------------- */

static void the_store_keeps_sealed(void **state)
{
    const struct secret_value two[] = {value_of("b", "topsecret"), value_of("a", "")};
    const struct secret_value again = value_of("b", "other");
    struct secret_values values;
    struct digest first, second;
    struct bytes sealed;
    struct fail why;
    (void)state;
    begin(NULL);
    assert_int_equal(taken(&first).count, 0);
    assert_true(secret_store_put(&fixture.settings, two, 2, &why));
    assert_true(secret_store_read(&fixture.settings, &fixture.arena, &values, &why));
    assert_int_equal(values.count, 2);
    said_is(values.at[0].key, "a");
    said_is(values.at[1].value, "topsecret");
    assert_int_equal(values.at[1].changed_s, 1700000000);
    assert_true(file_read(control_path(&fixture, "state/secrets"), 65536, &fixture.arena, &sealed, &why));
    assert_int_equal(bytes_find_text(sealed, BYTES("topsecret")), sealed.len);
    assert_int_equal(bytes_find_text(sealed, BYTES("web")), sealed.len);
    second = secrets_touched(&fixture.settings);
    assert_memory_not_equal(&first, &second, sizeof first);
    assert_true(secret_store_put(&fixture.settings, &again, 1, &why));
    assert_true(secret_store_read(&fixture.settings, &fixture.arena, &values, &why));
    assert_int_equal(values.count, 2);
    said_is(values.at[1].value, "other");
    assert_true(secret_store_delete(&fixture.settings, BYTES("default"), BYTES("web"), BYTES("a"), &why));
    assert_int_equal(taken(&first).count, 1);
    assert_true(
        secret_store_delete(&fixture.settings, BYTES("default"), BYTES("web"), (struct bytes){0}, &why));
    assert_int_equal(taken(&first).count, 0);
    end();
}

static void the_store_refuses(void **state)
{
    static char large[SECRET_VALUE_MAX + 2];
    struct secret_value value = value_of("k", "v");
    struct secret_values values;
    struct fail why;
    (void)state;
    begin(NULL);
    memset(large, 'x', sizeof large - 1);
    assert_false(secret_store_delete(&fixture.settings, BYTES("a"), BYTES("b"), BYTES("c"), &why));
    assert_string_equal(why.text, "the store has no secret a/b with a key c");
    assert_false(secret_store_delete(&fixture.settings, BYTES("a"), BYTES("b"), (struct bytes){0}, &why));
    assert_string_equal(why.text, "the store has no secret a/b");
    value.value = bytes_of(large);
    assert_false(secret_store_put(&fixture.settings, &value, 1, &why));
    assert_string_equal(why.text, "default/web would have 1048577 bytes, a Secret has at most 1048576");
    value = value_of("..", "v");
    assert_false(secret_store_put(&fixture.settings, &value, 1, &why));
    assert_string_equal(why.text, "'..' is no key of a Secret: 1 to 253 letters, digits, -, _ and .");
    control_write(&fixture, "state/secrets", "SLV1 but sealed by nobody at all, as it seems");
    assert_false(secret_store_read(&fixture.settings, &fixture.arena, &values, &why));
    struct digest touched;
    struct source_files files = taken(&touched);
    assert_int_equal(files.count, 1);
    assert_true(bytes_ends(files.at[0].name, BYTES("/state/secrets")));
    assert_true(files.at[0].error.len > 0);
    value = value_of("k", "v"); /* and nothing is lost by trying to change it */
    assert_false(secret_store_put(&fixture.settings, &value, 1, &why));
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_become_secrets),
        cmocka_unit_test(what_cannot_be_read_is_an_error_of_the_provider),
        cmocka_unit_test(credentials_are_found_by_their_names),
        cmocka_unit_test(the_store_keeps_sealed),
        cmocka_unit_test(the_store_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
