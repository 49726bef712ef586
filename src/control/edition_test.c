#include "base/test.h"

#include "control/control_fixture.h"
#include "control/edition.h"

/* What analyzers find is told, and keeps nothing from being put in force. */
static void analysis_is_advice(void **state)
{
    (void)state;
    static const char text[] =
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\n"
        "metadata: {name: v, namespace: default}\n"
        "spec: {hosts: [x.y], gateways: [g], http: [{directResponse: {status: 200}}]}\n";
    struct control_fixture fixture;
    struct parsed_files parsed;
    control_make(&fixture);
    control_settings(&fixture, "admin: off\n");
    parsed_files_init(&parsed);
    struct source_file file = {
        .name = BYTES("v.yaml"), .content = bytes_of(text), .digest = digest_of(bytes_of(text))};
    struct source_files files = {&file, 1};
    for (uint64_t generation = 1; generation < 3; generation++) { /* the second shares what was parsed */
        struct edition *edition = edition_make(&fixture.settings, &files, &parsed, generation);
        assert_true(edition->compiled);
        assert_int_equal(edition->set.findings.errors, 0);
        const struct findings *analysis = edition_analysis(edition);
        assert_int_equal(analysis->errors, 1);
        assert_int_equal(analysis->count, 2);
        assert_string_equal(analysis->at[1].code, "IST0101");
        assert_int_equal(analysis->at[1].line, 4);
        assert_ptr_equal(edition_analysis(edition), analysis);
        edition_free(edition);
    }
    parsed_files_done(&parsed);
    control_drop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(analysis_is_advice)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
