/* Unit tests of person.c: the file of who is signed in, and who may touch it. */
#include "base/test.h"

#include "cli/person.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/selvage-person-XXXXXX";
static struct arena arena;
static struct person_store store;

static const char *at(const char *name)
{
    return arena_format(&arena, "%s/%s", folder, name).at;
}

static int begin(void **state)
{
    (void)state;
    arena_init(&arena);
    return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", folder);
    arena_done(&arena);
    return system(command);
}

static void open_here(void)
{
    struct fail why;
    assert_true(person_open(at("state"), &arena, &store, &why));
}

static const struct person joe = {.issuer = BYTES_INIT("https://op"),
                                  .client = BYTES_INIT("selvage"),
                                  .access_token = BYTES_INIT("a\"b"),
                                  .refresh_token = BYTES_INIT("r"),
                                  .until_s = 1700000000};

static void nobody_is_signed_in(void **state)
{
    (void)state;
    struct person person = {.until_s = 7};
    struct fail why;
    open_here();
    assert_false(person_read(&store, &arena, &person, &why));
    assert_int_equal(why.kind, FAIL_DENIED);
    assert_string_equal(why.text, "nobody is signed in; `selvage login` does it");
    person_close(&store);
}

static void who_is_signed_in_is_kept(void **state)
{
    (void)state;
    struct person person;
    struct stat about;
    struct fail why;
    open_here();
    assert_true(person_write(&store, &joe, &why));
    assert_true(person_read(&store, &arena, &person, &why));
    assert_true(bytes_equal(person.access_token, joe.access_token) && person.until_s == joe.until_s);
    assert_true(!person.id_token.len && bytes_equal(person.refresh_token, BYTES("r")));
    assert_int_equal(stat(store.path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_int_equal(stat(at("state"), &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    assert_true(person_remove(&store, &why));
    assert_false(person_read(&store, &arena, &person, &why));
    person_close(&store);
}

static void links_are_not_followed(void **state)
{
    (void)state;
    struct person person;
    struct stat about;
    struct fail why;
    open_here();
    assert_true(person_write(&store, &joe, &why));
    assert_int_equal(rename(store.path, at("elsewhere")), 0);
    assert_int_equal(symlink(at("elsewhere"), store.path), 0);
    assert_false(person_read(&store, &arena, &person, &why));
    assert_true(person_write(&store, &joe, &why)); /* replaces the link, not what it leads to */
    assert_int_equal(lstat(store.path, &about), 0);
    assert_true(S_ISREG(about.st_mode));
    person_close(&store);
}

static void what_others_can_touch_is_not_believed(void **state)
{
    (void)state;
    struct person person;
    struct fail why;
    open_here();
    assert_true(person_write(&store, &joe, &why));
    assert_int_equal(chmod(store.path, 0640), 0);
    assert_false(person_read(&store, &arena, &person, &why));
    assert_non_null(strstr(why.text, "login.json can be read by others; `chmod go-rwx` it"));
    person_close(&store);
    assert_int_equal(chmod(at("state"), 0720), 0);
    assert_false(person_open(at("state"), &arena, &store, &why));
    assert_non_null(strstr(why.text, "state can be written by others; `chmod go-rwx` it"));
    assert_int_equal(chmod(at("state"), 0700), 0);
}

static void nonsense_is_no_sign_in(void **state)
{
    (void)state;
    static const char *const rows[] = {"", "{", "[]", "{\"issuer\": \"x\"}",
                                       "{\"issuer\": 1, \"client\": 2}"};
    struct person person;
    struct fail why;
    open_here();
    for (size_t i = 0; i < ROWS(rows); i++) {
        int fd = open(store.path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        assert_int_equal(write(fd, rows[i], strlen(rows[i])), strlen(rows[i]));
        fchmod(fd, 0600);
        close(fd);
        assert_false(person_read(&store, &arena, &person, &why));
        assert_non_null(strstr(why.text, "keeps no sign-in that could be read; `selvage login` again"));
    }
    person_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_signed_in),    cmocka_unit_test(who_is_signed_in_is_kept),
        cmocka_unit_test(links_are_not_followed), cmocka_unit_test(what_others_can_touch_is_not_believed),
        cmocka_unit_test(nonsense_is_no_sign_in),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
