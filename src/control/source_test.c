/* Unit tests of source_walk and source_directory: what is seen below a directory, and when. */
#include "base/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "control/control_fixture.h"
#include "control/source_directory.h"
#include "control/source_keep.h"

static const struct source_times quick = {20, 200, 300};

static struct source_files take(struct control_fixture *fixture, struct arena *arena)
{
    struct source_files files;
    struct digest touched;
    struct fail why;
    struct source_keep *keep = source_keep_new();
    arena_init(arena);
    assert_true(
        source_take(bytes_of(control_path(fixture, "rules")), -1, keep, arena, &files, &touched, &why));
    source_keep_free(keep);
    return files;
}

/* What nobody touched for a while is not read again, and what was touched is. */
static void only_what_was_touched_is_read_again(void **state)
{
    (void)state;
    struct control_fixture fixture;
    struct arena arena;
    struct source_files files;
    struct digest touched;
    struct fail why;
    struct source_keep *keep = source_keep_new();
    const struct timespec past[] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    arena_init(&arena);
    control_make(&fixture);
    control_write(&fixture, "rules/a.yaml", "one");
    struct bytes rules = bytes_of(control_path(&fixture, "rules"));
    for (int i = 0; i < 2; i++) {
        assert_true(source_take(rules, -1, keep, &arena, &files, &touched, &why));
        assert_true(bytes_equal(files.at[0].content, BYTES("one")));
    }
    struct source_file file = files.at[0];
    assert_false(
        source_keep_get(keep, &file)); /* just written: the file system may not have counted on yet */
    file.stamp.modified_s = file.stamp.changed_s = 1000000000;
    source_keep_put(keep, &file);
    assert_true(source_keep_get(keep, &file));
    assert_true(bytes_equal(file.content, BYTES("one")));
    file.stamp.size++;
    assert_false(source_keep_get(keep, &file));
    control_write(&fixture, "rules/a.yaml", "two"); /* as long, and its time set back */
    assert_int_equal(utimensat(AT_FDCWD, control_path(&fixture, "rules/a.yaml"), past, 0), 0);
    assert_true(source_take(rules, -1, keep, &arena, &files, &touched, &why));
    assert_true(bytes_equal(files.at[0].content, BYTES("two")));
    unlink(control_path(&fixture, "rules/a.yaml"));
    assert_true(source_take(rules, -1, keep, &arena, &files, &touched, &why));
    assert_int_equal(files.count, 0);
    source_keep_free(keep);
    arena_done(&arena);
    control_drop(&fixture);
}

static struct source_directory *start(struct control_fixture *fixture, const char *rules,
                                      const struct source_times *times, struct mailbox *out)
{
    static struct settings_secrets secrets;
    secrets.directory = (struct bytes){0};
    fixture->settings.rules = bytes_of(control_path(fixture, rules));
    fixture->settings.state = bytes_of(control_path(fixture, "state"));
    fixture->settings.secrets = &secrets;
    return source_directory_start(&fixture->settings, times, out);
}

static bool ends(struct bytes name, const char *end)
{
    return bytes_ends(name, bytes_of(end));
}

static void files_are_found_below_and_sorted(void **state)
{
    (void)state;
    struct control_fixture fixture;
    struct arena arena;
    control_make(&fixture);
    control_write(&fixture, "rules/b.yaml", "b");
    control_write(&fixture, "rules/a/z.json", "z");
    control_write(&fixture, "rules/c.yml", "c");
    control_write(&fixture, "rules/README.md", "no");
    control_write(&fixture, "rules/.hidden.yaml", "no");
    control_write(&fixture, "rules/.git/x.yaml", "no");
    assert_int_equal(symlink(".", control_path(&fixture, "rules/again")), 0);
    assert_int_equal(mkfifo(control_path(&fixture, "rules/d.yaml"), 0600), 0);
    assert_int_equal(symlink("nowhere", control_path(&fixture, "rules/e.yaml")), 0);
    struct source_files files = take(&fixture, &arena);
    assert_int_equal(files.count, 5);
    assert_true(ends(files.at[0].name, "rules/a/z.json"));
    assert_true(bytes_equal(files.at[1].content, BYTES("b")));
    assert_true(ends(files.at[2].name, "rules/c.yml"));
    assert_true(bytes_equal(files.at[3].error, BYTES("it is no regular file")));
    assert_true(bytes_equal(files.at[4].error, BYTES("it cannot be read: No such file or directory")));
    arena_done(&arena);
    control_drop(&fixture);
}

static void too_large_is_an_error_not_an_absence(void **state)
{
    (void)state;
    struct control_fixture fixture;
    struct arena arena;
    control_make(&fixture);
    control_write(&fixture, "rules/big.yaml", "x");
    assert_int_equal(truncate(control_path(&fixture, "rules/big.yaml"), (4 << 20) + 1), 0);
    struct source_files files = take(&fixture, &arena);
    assert_int_equal(files.count, 1);
    assert_true(bytes_equal(files.at[0].error, BYTES("4194305 bytes, at most 4194304 are read")));
    arena_done(&arena);
    control_drop(&fixture);
}

static void many_files_end_in_an_error(void **state)
{
    (void)state;
    struct control_fixture fixture;
    struct arena arena;
    char name[128];
    control_make(&fixture);
    control_write(&fixture, "rules/one.yaml", "x");
    for (int i = 0; i < SOURCE_FILES_MAX + 10; i++) {
        snprintf(name, sizeof name, "%s/rules/%05d.yaml", fixture.directory, i);
        assert_int_equal(symlink("one.yaml", name), 0);
    }
    struct source_files files = take(&fixture, &arena);
    assert_int_equal(files.count, SOURCE_FILES_MAX + 1);
    bool told = false;
    for (size_t i = 0; i < files.count; i++)
        told |= bytes_equal(files.at[i].error, BYTES("more than 20000 files: it and others are not read"));
    assert_true(told);
    arena_done(&arena);
    control_drop(&fixture);
}

static void a_missing_directory_is_told(void **state)
{
    (void)state;
    struct control_fixture fixture;
    struct mailbox out;
    control_make(&fixture);
    mailbox_init(&out);
    struct source_directory *source = start(&fixture, "rules", &quick, &out);
    struct source_letter *letter = (struct source_letter *)control_letter(&out);
    assert_true(
        ends(letter->gone, "the directory of the resources cannot be read: No such file or directory"));
    letter_free(&letter->letter);
    control_write(&fixture, "rules/a.yaml", "a");
    letter = (struct source_letter *)control_letter(&out);
    assert_int_equal(letter->gone.len, 0);
    assert_int_equal(letter->files.count, 1);
    letter_free(&letter->letter);
    source_directory_stop(source);
    mailbox_done(&out);
    control_drop(&fixture);
}

/* As kubelet does it: a new directory, then ..data renamed onto the old link. */
static void a_mount_is_swapped_as_a_whole(void **state)
{
    (void)state;
    struct control_fixture fixture;
    struct mailbox out;
    control_make(&fixture);
    mailbox_init(&out);
    control_write(&fixture, "rules/..1/a.yaml", "a1");
    control_write(&fixture, "rules/..1/b.yaml", "b1");
    control_write(&fixture, "rules/..2/a.yaml", "a2");
    control_write(&fixture, "rules/..2/b.yaml", "b2");
    assert_int_equal(symlink("..1", control_path(&fixture, "rules/..data")), 0);
    assert_int_equal(symlink("..data/a.yaml", control_path(&fixture, "rules/a.yaml")), 0);
    assert_int_equal(symlink("..data/b.yaml", control_path(&fixture, "rules/b.yaml")), 0);
    struct source_times slow = {20, 200, 60 * 1000}; /* so that inotify is what tells */
    struct source_directory *source = start(&fixture, "rules", &slow, &out);
    struct source_letter *letter = (struct source_letter *)control_letter(&out);
    assert_int_equal(letter->files.count, 2);
    assert_true(bytes_equal(letter->files.at[0].content, BYTES("a1")));
    letter_free(&letter->letter);
    uint64_t began = clock_ms();
    assert_int_equal(symlink("..2", control_path(&fixture, "rules/..data_tmp")), 0);
    assert_int_equal(
        rename(control_path(&fixture, "rules/..data_tmp"), control_path(&fixture, "rules/..data")), 0);
    letter = (struct source_letter *)control_letter(&out);
    assert_true(clock_ms() < began + 1000);
    assert_true(bytes_equal(letter->files.at[0].content, BYTES("a2")));
    assert_true(bytes_equal(letter->files.at[1].content, BYTES("b2")));
    letter_free(&letter->letter);
    source_directory_stop(source);
    mailbox_done(&out);
    control_drop(&fixture);
}

/* Watches hang on the directory of before. */
static void a_link_to_the_directory_is_swapped(void **state)
{
    (void)state;
    struct control_fixture fixture;
    struct mailbox out;
    control_make(&fixture);
    mailbox_init(&out);
    control_write(&fixture, "one/a.yaml", "a1");
    control_write(&fixture, "two/a.yaml", "a2");
    assert_int_equal(symlink("one", control_path(&fixture, "now")), 0);
    struct source_times slow = {20, 200, 60 * 1000};
    struct source_directory *source = start(&fixture, "now", &slow, &out);
    letter_free(control_letter(&out));
    uint64_t began = clock_ms();
    assert_int_equal(symlink("two", control_path(&fixture, "next")), 0);
    assert_int_equal(rename(control_path(&fixture, "next"), control_path(&fixture, "now")), 0);
    struct source_letter *letter = (struct source_letter *)control_letter(&out);
    assert_true(clock_ms() < began + 1000);
    assert_true(bytes_equal(letter->files.at[0].content, BYTES("a2")));
    letter_free(&letter->letter);
    control_write(&fixture, "two/a.yaml", "a3");
    letter = (struct source_letter *)control_letter(&out);
    assert_true(bytes_equal(letter->files.at[0].content, BYTES("a3")));
    letter_free(&letter->letter);
    assert_int_equal(unlink(control_path(&fixture, "now")), 0);
    letter = (struct source_letter *)control_letter(&out);
    assert_true(
        ends(letter->gone, "the directory of the resources cannot be read: No such file or directory"));
    letter_free(&letter->letter);
    source_directory_stop(source);
    mailbox_done(&out);
    control_drop(&fixture);
}

static void half_written_files_settle_and_same_content_is_no_news(void **state)
{
    (void)state;
    struct control_fixture fixture;
    struct mailbox out;
    control_make(&fixture);
    mailbox_init(&out);
    control_write(&fixture, "rules/a.yaml", "a");
    struct source_directory *source = start(&fixture, "rules", &quick, &out);
    letter_free(control_letter(&out));
    FILE *file = fopen(control_path(&fixture, "rules/b.yaml"), "w");
    fputs("half ", file);
    fflush(file);
    usleep(5000);
    fputs("whole", file);
    fclose(file);
    struct source_letter *letter = (struct source_letter *)control_letter(&out);
    assert_int_equal(letter->files.count, 2);
    assert_true(bytes_equal(letter->files.at[1].content, BYTES("half whole")));
    letter_free(&letter->letter);
    control_write(&fixture, "rules/a.yaml", "a"); /* touched, not changed */
    assert_false(mailbox_wait(&out, 500));
    source_directory_nudge(source); /* but asked for */
    letter_free(control_letter(&out));
    source_directory_stop(source);
    mailbox_done(&out);
    control_drop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_found_below_and_sorted),
        cmocka_unit_test(only_what_was_touched_is_read_again),
        cmocka_unit_test(too_large_is_an_error_not_an_absence),
        cmocka_unit_test(many_files_end_in_an_error),
        cmocka_unit_test(a_missing_directory_is_told),
        cmocka_unit_test(a_mount_is_swapped_as_a_whole),
        cmocka_unit_test(a_link_to_the_directory_is_swapped),
        cmocka_unit_test(half_written_files_settle_and_same_content_is_no_news),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
