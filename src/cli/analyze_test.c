#include "base/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/analyze.h"
#include "cli/analyze_filter.h"
#include "cli/analyze_print.h"
#include "cli/fields.h"
#include "cli/options.h"
#include "cli/paths.h"

static void a_line_is_istioctls(void **state)
{
    (void)state;
    static const struct {
        struct finding finding;
        bool color;
        const char *line;
    } rows[] = {
        {{FINDING_ERROR, "IST0106", BYTES_INIT("VirtualService"), BYTES_INIT("default"), BYTES_INIT("x"),
          "f.yaml", 12, 3, BYTES_INIT("spec.hosts"), BYTES_INIT("is wrong")},
         false,
         "Error [IST0106] (VirtualService default/x f.yaml:12) spec.hosts: is wrong\n"},
        {{.level = FINDING_WARNING, .code = "SEL0003", .file = "f", .sentence = BYTES_INIT("is wrong")},
         true,
         "\033[33mWarning\033[0m [SEL0003] (f) is wrong\n"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char shown[300];
        struct text text;
        text_init_fixed(&text, shown, sizeof(shown));
        analyze_line(&rows[i].finding, rows[i].color, &text);
        assert_string_equal(shown, rows[i].line);
    }
}

static void exit_codes_are_istioctls(void **state)
{
    (void)state;
    static const struct {
        const char *file; /* NULL: it does not exist */
        const char *option;
        int code;
    } rows[] = {
        {"", "-R", 0},
        {"apiVersion: v1\nkind: Deployment\n", "-R", 0},
        {"apiVersion: v1\nkind: Deployment\n", "--failure-threshold=info", EXIT_FINDINGS},
        {"apiVersion: security.istio.io/v1\nkind: PeerAuthentication\n", "-R", EXIT_FINDINGS},
        {"a: [", "-R", EXIT_INPUT},
        {NULL, "-R", EXIT_FAILURE},
        {"", "--nothing", EXIT_USAGE},
        {"", "-oxml", EXIT_USAGE},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char path[] = "/tmp/selvage-analyze-XXXXXX";
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        if (rows[i].file)
            assert_int_equal(write(fd, rows[i].file, strlen(rows[i].file)), strlen(rows[i].file));
        else
            unlink(path);
        close(fd);
        char option[64];
        char name[] = "analyze";
        snprintf(option, sizeof(option), "%s", rows[i].option);
        char *argv[] = {name, option, path, NULL};
        assert_int_equal(analyze_main(3, argv), rows[i].code);
        unlink(path);
    }
}

static void fields_are_printed_from_the_tables(void **state)
{
    (void)state;
    char shown[4000];
    struct text text;
    text_init_fixed(&text, shown, sizeof(shown));
    assert_true(fields_write(BYTES("PeerAuthentication.spec.mtls"), &text));
    assert_string_equal(
        shown, "  mtls                       group            what holds for all ports\n"
               "  mode                       choice           UNSET inherits, PERMISSIVE takes both, "
               "STRICT takes mutual TLS only; UNSET, DISABLE, PERMISSIVE, STRICT\n");
    assert_false(fields_write(BYTES("PeerAuthentication.nothing"), &text));
    assert_false(fields_write(BYTES("Nothing"), &text));
    text_init_fixed(&text, shown, sizeof(shown));
    assert_true(fields_write(BYTES("settings.limits.request.headTimeout"), &text));
    assert_string_equal(
        shown,
        "  headTimeout                duration         from a head's first byte to its last; late is 408; "
        "10ms to 1h; default 10s\n");
    assert_false(fields_write(BYTES("settings.limits.nothing"), &text));
}

/* Istio's own samples, file by file, when the conformance data is there. */
static void read_below(const char *path)
{
    DIR *directory = opendir(path);
    if (!directory)
        return;
    for (struct dirent *entry; (entry = readdir(directory));) {
        char full[1024];
        snprintf(full, sizeof(full), "%s/%s", path, entry->d_name);
        if (entry->d_name[0] == '.')
            continue;
        if (entry->d_type == DT_DIR) {
            read_below(full);
        } else if (bytes_ends(bytes_of(full), BYTES(".yaml"))) {
            struct resource_set set;
            struct fail why;
            resource_set_init(&set);
            assert_true(paths_add(&set, full, false, &why));
            resource_set_finish(&set);
            if (set.findings.errors > 0)
                print_message("%s\n", full);
            assert_int_equal(set.findings.errors, 0);
            resource_set_done(&set);
        }
    }
    closedir(directory);
}

static void istios_samples_are_read(void **state)
{
    (void)state;
    char path[512];
    const char *source = getenv("SELVAGE_SOURCE");
    snprintf(path, sizeof(path), "%s/../shared/conformance/istio-samples", source ? source : ".");
    read_below(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_istioctls),
        cmocka_unit_test(exit_codes_are_istioctls),
        cmocka_unit_test(fields_are_printed_from_the_tables),
        cmocka_unit_test(istios_samples_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
