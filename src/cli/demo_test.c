#include "base/test.h"

#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/demo.h"
#include "cli/examples.h"
#include "cli/init.h"
#include "cli/paths.h"
#include "control/settings.h"

static void texts_get_directory_and_ports(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *out;
    } rows[] = {
        {"a: /tmp/selvage-demo/x", "a: /run/d/x"},
        {"port: 8443", "port: 8543"},
        {"{a: 8443, b: 15211}", "{a: 8543, b: 15311}"},
        {"\"15211\"", "\"15311\""},
        {"http://127.0.0.1:8400/jwks", "http://127.0.0.1:8500/jwks"},
        {"18443 84430 x8443 8443x 9443", "18443 84430 x8443 8443x 9443"},
        {"", ""},
    };
    struct arena arena;
    arena_init(&arena);
    const struct demo demo = {.directory = "/run/d", .offset = 100, .arena = &arena};
    for (size_t i = 0; i < ROWS(rows); i++) {
        const char *out = arena_text(&arena, demo_text(&demo, bytes_of(rows[i].text)));
        assert_string_equal(out, rows[i].out);
    }
    arena_done(&arena);
}

static void analyzed(const char *directory, const char *name)
{
    char path[600];
    struct resource_set set;
    struct fail why;
    resource_set_init(&set);
    snprintf(path, sizeof path, "%s/%s", directory, name);
    assert_true(paths_add(&set, path, true, &why));
    resource_set_finish(&set);
    if (set.findings.count)
        print_message("%s: %.*s\n", path, BYTES_FMT(set.findings.at[0].sentence));
    assert_true(set.count > 0);
    assert_int_equal(set.findings.count, 0);
    resource_set_done(&set);
}

static void settings_fine(const char *directory, const char *name)
{
    char path[600];
    struct arena arena;
    struct findings findings;
    struct settings settings;
    arena_init(&arena);
    findings_init(&findings, &arena);
    snprintf(path, sizeof path, "%s/%s", directory, name);
    bool good = settings_load(path, &findings, &settings);
    if (findings.count)
        print_message("%s: %.*s\n", path, BYTES_FMT(findings.at[0].sentence));
    assert_true(good);
    assert_int_equal(findings.count, 0);
    arena_done(&arena);
}

static void what_is_written_is_right(void **state)
{
    (void)state;
    static const char *const nodes[] = {"edge", "gateway", "sidecar"};
    struct arena arena;
    struct stat about;
    struct fail why;
    char path[200];
    arena_init(&arena);
    struct demo demo = {.offset = 1000, .arena = &arena, .directory = demo_directory_make(&arena, &why)};
    assert_non_null(demo.directory);
    assert_true(demo_files_write(&demo, &why));
    assert_int_equal(stat(demo.directory, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    snprintf(path, sizeof path, "%s/edge/certificate.yaml", demo.directory);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    for (size_t i = 0; i < ROWS(nodes); i++) {
        char file[32];
        snprintf(file, sizeof file, "%s.yaml", nodes[i]);
        analyzed(demo.directory, nodes[i]);
        settings_fine(demo.directory, file);
    }
    demo_directory_remove(demo.directory);
    assert_int_not_equal(stat(demo.directory, &about), 0);
    arena_done(&arena);
}

/* What people read in examples/ is what was built in. */
static void examples_are_those_of_the_sources(void **state)
{
    (void)state;
    const char *source = getenv("SELVAGE_SOURCE");
    char path[600], text[16384];
    for (size_t i = 0; i < example_count; i++) {
        snprintf(path, sizeof path, "%s/examples/%s", source ? source : ".", examples[i].path);
        FILE *file = fopen(path, "re");
        assert_non_null(file);
        size_t len = fread(text, 1, sizeof text, file);
        fclose(file);
        assert_true(bytes_equal(bytes_make(text, len), examples[i].text));
    }
}

static void a_taken_port_is_named(void **state)
{
    (void)state;
    struct sockaddr_in at = {.sin_family = AF_INET};
    struct fail why;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    /* Some offset at which all are free, then one of them is not. */
    int64_t offset = 12003;
    while (offset < DEMO_OFFSET_MAX && !demo_ports_free(offset, &why))
        offset += 7;
    at.sin_port = htons((uint16_t)(DEMO_EDGE + offset));
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_false(demo_ports_free(offset, &why));
    char sentence[200];
    snprintf(sentence, sizeof sentence,
             "port %lld, meant for the edge, is taken; `selvage demo --port-offset %lld` takes others",
             (long long)(DEMO_EDGE + offset), (long long)(offset + 1000) % DEMO_OFFSET_MAX);
    assert_string_equal(why.text, sentence);
    close(fd);
    assert_true(demo_ports_free(offset, &why));
}

static void init_writes_once(void **state)
{
    (void)state;
    char directory[] = "/tmp/selvage-init-XXXXXX";
    char command[] = "init";
    char *argv[] = {command, directory, NULL};
    assert_non_null(mkdtemp(directory));
    assert_int_equal(init_main(2, argv), 0);
    analyzed(directory, "rules");
    settings_fine(directory, "selvage.yaml");
    assert_int_equal(init_main(2, argv), 65); /* nothing is overwritten */
    demo_directory_remove(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_get_directory_and_ports),
        cmocka_unit_test(what_is_written_is_right),
        cmocka_unit_test(examples_are_those_of_the_sources),
        cmocka_unit_test(a_taken_port_is_named),
        cmocka_unit_test(init_writes_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
