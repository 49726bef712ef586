#include "base/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/analyze.h"
#include "cli/analyze_filter.h"
#include "cli/analyze_print.h"
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

static void suppressions_are_istioctls(void **state)
{
    (void)state;
    static const struct finding finding = {.level = FINDING_WARNING,
                                           .code = "IST0103",
                                           .kind = BYTES_INIT("Pod"),
                                           .namespace = BYTES_INIT("testing"),
                                           .name = BYTES_INIT("mypod")};
    static const struct {
        const char *suppression;
        bool hits;
    } rows[] = {
        {"IST0103=Pod mypod.testing", true},
        {"IST0103=Pod testing/mypod", true},
        {"IST0103=Pod *.testing", true},
        {"IST0103=*", true},
        {"IST0103=Pod my*", true},
        {"IST0102=Pod mypod.testing", false},
        {"IST0103=Pod mypod.other", false},
        {"IST0103=Pod mypod", false},
        {"IST0103=Service *.testing", false},
        {"IST0103=Pod *.testing*x", false},
    };
    struct fail why;
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(suppression_hits(rows[i].suppression, &finding), rows[i].hits);
    assert_true(suppression_check("IST0103=*", &why));
    assert_false(suppression_check("IST0103", &why));
    assert_string_equal(why.text, "'IST0103' is no CODE=RESOURCE such as \"IST0103=Pod mypod.testing\"");
}

/* One VirtualService whose gateway does not exist: an Error of an analyzer. */
static void what_is_asked_for_decides(void **state)
{
    (void)state;
    static const char text[] =
        "{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: v, "
        "namespace: a}, spec: {hosts: [x.y], gateways: [g], http: [{directResponse: "
        "{status: 200}}]}}\n";
    static const struct {
        const char *options[2];
        int code;
    } rows[] = {
        {{"-R", "-A"}, EXIT_FINDINGS},
        {{"-S", "IST0101=VirtualService v.a"}, 0},
        {{"-S", "IST0101=VirtualService v.b"}, EXIT_FINDINGS},
        {{"-n", "a"}, EXIT_FINDINGS},
        {{"-n", "b"}, 0},
        {{"--analyzer=virtualservice.GatewayAnalyzer", "-R"}, EXIT_FINDINGS},
        {{"--analyzer", "gateway.SecretAnalyzer"}, 0},
        {{"--analyzer", "nobody"}, EXIT_USAGE},
        {{"--suppress", "IST0101"}, EXIT_USAGE},
        {{"--use-kube=false", "-R"}, EXIT_FINDINGS},
        {{"--use-kube=true", "-R"}, EXIT_USAGE},
        {{"--meshConfigFile", "/nowhere"}, EXIT_FAILURE},
        {{"--output-threshold=Error", "-ojson"}, EXIT_FINDINGS},
    };
    char path[] = "/tmp/selvage-analyze-XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    for (size_t i = 0; i < ROWS(rows); i++) {
        char name[] = "analyze", first[80], second[80];
        snprintf(first, sizeof first, "%s", rows[i].options[0]);
        snprintf(second, sizeof second, "%s", rows[i].options[1]);
        char *argv[] = {name, first, second, path, NULL};
        assert_int_equal(analyze_main(4, argv), rows[i].code);
    }
    unlink(path);
}

static void an_annotation_hides_no_refusal(void **state)
{
    (void)state;
    static const char text[] =
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\n"
        "metadata: {name: d, namespace: a, annotations: {galley.istio.io/analyze-suppress: "
        "'*'}}\nspec: {unheardOf: 1, host: 'not a host'}\n";
    struct resource_set set;
    struct texts none = {.count = 0};
    resource_set_init(&set);
    resource_set_add_file(&set, "f.yaml", bytes_of(text));
    resource_set_finish(&set);
    assert_true(set.findings.warnings > 0 && set.findings.errors > 0);
    size_t errors = set.findings.errors;
    analyze_filter(&set, &none, NULL);
    assert_int_equal(set.findings.warnings, 0);
    assert_int_equal(set.findings.errors, errors);
    assert_int_equal(set.findings.count, errors);
    resource_set_done(&set);
}

static void the_worst_is_said_first_and_machines_get_the_page(void **state)
{
    (void)state;
    static const char text[] =
        "{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {name: e, "
        "namespace: a}, spec: {hosts: [x], ports: [{number: 1, name: t, protocol: TCP}]}}\n";
    struct resource_set set;
    struct texts none = {.count = 0};
    struct text out;
    resource_set_init(&set);
    resource_set_add_file(&set, "f.yaml", bytes_of(text));
    struct report report = {.findings = &set.findings, .file = "f.yaml"};
    report_add(&report, FINDING_INFO, "SEL0001", NULL, "a");
    report_add(&report, FINDING_WARNING, "IST0134", NULL, "b");
    report_add(&report, FINDING_ERROR, "SEL0003", NULL, "c");
    set.findings.at += set.findings.count - 3;
    set.findings.count = 3;
    analyze_filter(&set, &none, NULL);
    text_init_arena(&out, &set.arena);
    analyze_print(&set.findings, FORM_JSON, FINDING_WARNING, false, &out);
    assert_string_equal(
        out.at, "[\n\t{\n\t\t\"code\": \"SEL0003\",\n\t\t\"level\": \"Error\",\n\t\t\"message\": "
                "\"c\",\n\t\t\"reference\": \"f.yaml\"\n\t},\n\t{\n\t\t\"code\": "
                "\"IST0134\",\n\t\t\"documentationUrl\": "
                "\"https://istio.io/latest/docs/reference/config/analysis/ist0134/\",\n\t\t\"level\": "
                "\"Warning\",\n\t\t\"message\": \"b\",\n\t\t\"reference\": \"f.yaml\"\n\t}\n]\n");
    resource_set_done(&set);
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
        cmocka_unit_test(suppressions_are_istioctls),
        cmocka_unit_test(what_is_asked_for_decides),
        cmocka_unit_test(an_annotation_hides_no_refusal),
        cmocka_unit_test(the_worst_is_said_first_and_machines_get_the_page),
        cmocka_unit_test(istios_samples_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
