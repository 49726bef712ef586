/* Tests of memory_available: the least of what the control groups above say. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/memory_available.h"

static void file_make(const char *root, const char *name, const char *text)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    fclose(file);
}

static void directory_below(const char *root, const char *name)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", root, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void the_least_of_a_group_and_those_above_holds(void **state)
{
    (void)state;
    char root[] = "/tmp/selvage-memory-XXXXXX", command[100];
    assert_non_null(mkdtemp(root));
    directory_below(root, "a");
    directory_below(root, "a/b");
    directory_below(root, "a/b/c");
    file_make(root, "a/memory.max", "5000000\n");
    file_make(root, "a/b/memory.max", "max\n");
    file_make(root, "a/b/c/memory.max", "7000000\n");
    assert_int_equal(memory_of_group(root, "/a/b/c"), 5000000);
    assert_int_equal(memory_of_group(root, "/a/b"), 5000000);
    file_make(root, "a/b/c/memory.max", "3000000\n");
    assert_int_equal(memory_of_group(root, "/a/b/c"), 3000000);
    assert_true(memory_of_group(root, "/") == INT64_MAX);
    assert_true(memory_of_group(root, "/nowhere") == INT64_MAX);
    file_make(root, "a/memory.max", "rubbish");
    assert_true(memory_of_group(root, "/a/b") == INT64_MAX);
    snprintf(command, sizeof command, "rm -r '%s'", root);
    assert_int_equal(system(command), 0);
}

static void there_is_always_an_answer(void **state)
{
    (void)state;
    assert_true(memory_available() > 1 << 20);
    assert_true(memory_available() < INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_of_a_group_and_those_above_holds),
        cmocka_unit_test(there_is_always_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
