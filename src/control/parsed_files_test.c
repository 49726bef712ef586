#include "base/test.h"

#include "control/parsed_files.h"

static struct source_file file_of(const char *name, const char *content)
{
    return (struct source_file){
        .name = bytes_of(name), .content = bytes_of(content), .digest = digest_of(bytes_of(content))};
}

#define GATEWAY(name)                                                                                        \
    "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: " name "}\n"                        \
    "spec: {servers: [{port: {number: 80, name: h, protocol: HTTP}, hosts: ['*']}]}\n"

static void the_same_content_is_parsed_once(void **state)
{
    (void)state;
    struct parsed_files files;
    struct source_file one = file_of("a.yaml", GATEWAY("one")), two = file_of("a.yaml", GATEWAY("two"));
    parsed_files_init(&files);
    parsed_files_begin(&files);
    struct parsed_file *first = parsed_files_get(&files, &one), *again = parsed_files_get(&files, &one);
    assert_ptr_equal(first, again);
    assert_int_equal(first->set.count, 1);
    assert_true(first->set.at[0]->digested);
    struct parsed_file *other = parsed_files_get(&files, &two);
    assert_ptr_not_equal(first, other);
    assert_true(bytes_equal(first->set.at[0]->name, BYTES("one"))); /* who holds the old one still has it */
    parsed_file_unref(first);
    parsed_file_unref(again);
    parsed_file_unref(other);
    parsed_files_done(&files);
}

static void what_is_not_asked_for_any_more_is_forgotten(void **state)
{
    (void)state;
    struct parsed_files files;
    struct source_file a = file_of("a.yaml", GATEWAY("a")), b = file_of("b.yaml", GATEWAY("b"));
    parsed_files_init(&files);
    parsed_files_begin(&files);
    parsed_file_unref(parsed_files_get(&files, &a));
    parsed_file_unref(parsed_files_get(&files, &b));
    parsed_files_end(&files);
    assert_int_equal(files.by_name.count, 2);
    parsed_files_begin(&files);
    parsed_file_unref(parsed_files_get(&files, &b));
    parsed_files_end(&files);
    assert_int_equal(files.by_name.count, 1);
    parsed_files_done(&files);
}

/* Two sets that share a file: what one notes about its resources is not the other's. */
static void sets_share_what_was_read_and_not_what_they_note(void **state)
{
    (void)state;
    struct parsed_files files;
    struct resource_set once, twice;
    struct source_file a = file_of("a.yaml", GATEWAY("same")), b = file_of("b.yaml", GATEWAY("same"));
    parsed_files_init(&files);
    parsed_files_begin(&files);
    struct parsed_file *first = parsed_files_get(&files, &a), *second = parsed_files_get(&files, &b);
    resource_set_init(&twice);
    resource_set_add_set(&twice, &first->set);
    resource_set_add_set(&twice, &second->set);
    assert_false(resource_set_finish(&twice));
    assert_int_equal(twice.findings.errors, 1);
    resource_set_init(&once);
    resource_set_add_set(&once, &second->set);
    assert_true(resource_set_finish(&once));
    assert_false(once.at[0]->faulty);
    resource_set_done(&once);
    resource_set_done(&twice);
    parsed_file_unref(first);
    parsed_file_unref(second);
    parsed_files_done(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_content_is_parsed_once),
        cmocka_unit_test(what_is_not_asked_for_any_more_is_forgotten),
        cmocka_unit_test(sets_share_what_was_read_and_not_what_they_note),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
