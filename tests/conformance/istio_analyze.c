/*
 * istio_analyze: what analyzers say, against what istioctl's say.
 *
 * Two layouts: a folder of folders (expect.json beside the resources), or a
 * file istio-analyzers.json whose cases hold both. A case is judged by the one
 * analyzer that it names; codes and resources are compared, as multisets.
 */
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "rules/analyze/analysis.h"

enum { TEXT_MAX = 8 << 20, SAID_MAX = 500, REASONS_MAX = 8 };

struct tally {
    unsigned passed, failed, skipped;
    char reasons[REASONS_MAX][80];
    unsigned reason_count;
};

struct trial {
    struct arena arena;
    struct resource_set set;
    const char *name;
    const char *analyzer;
    const json_t *expected;
    const struct yaml_node *mesh, *networks;
};

static void skip(struct tally *tally, const char *reason)
{
    tally->skipped++;
    for (unsigned i = 0; i < tally->reason_count; i++)
        if (strcmp(tally->reasons[i], reason) == 0)
            return;
    if (tally->reason_count < REASONS_MAX)
        snprintf(tally->reasons[tally->reason_count++], sizeof tally->reasons[0], "%s", reason);
}

/* ---- which analyzer --------------------------------------------------- */

struct other_name {
    const char *theirs;
    const char *ours[2];
};

/* Names in the data that its extraction cut, and analyzers of which we have the part that is asked. */
static const struct other_name others[] = {
    {"annotations.K", {"annotations.K8sAnalyzer", NULL}},
    {"k", {"k8sgateway.CRDVersionAnalyzer", "k8sgateway.SelectorAnalyzer"}},
    {"auth.AuthorizationPoliciesAnalyzer", {"authz.AuthorizationPoliciesAnalyzer", NULL}},
    {"schemaValidation.CollectionValidationAnalyzer", {"schema.ValidationAnalyzer.VirtualService", NULL}},
    {"schema.CollectionValidationAnalyzer", {"schema.ValidationAnalyzer.VirtualService", NULL}},
};

static size_t analyzers_of(const char *name, const struct analyzer *out[2])
{
    size_t count = 0;
    out[0] = analyzer_find(bytes_of(name));
    if (out[0])
        return 1;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        for (size_t j = 0; j < 2 && strcmp(others[i].theirs, name) == 0 && others[i].ours[j]; j++)
            out[count++] = analyzer_find(bytes_of(others[i].ours[j]));
    return count;
}

/* Of what reading found only the resources that are refused are istioctl's to say, too. */
static bool is_schemas(const char *name)
{
    return strncmp(name, "schema", 6) == 0;
}

/* ---- comparing -------------------------------------------------------- */

/* "CODE Kind ns/name"; who stands in no namespace and who stands in `default` are one. */
static const char *said_text(struct arena *arena, struct bytes code, struct bytes resource)
{
    struct bytes name = resource, kind;
    bytes_cut(&name, ' ', &kind);
    if (bytes_starts(name, BYTES("default/")))
        name = bytes_part(name, 8, name.len);
    return arena_format(arena, "%.*s %.*s %.*s", BYTES_FMT(code), BYTES_FMT(kind), BYTES_FMT(name)).at;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t expected_list(struct trial *trial, const char **out)
{
    size_t i;
    const json_t *item;
    json_array_foreach(trial->expected, i, item)
    {
        const char *code = json_string_value(json_object_get(item, "code"));
        const char *resource = json_string_value(json_object_get(item, "resource"));
        if (i < SAID_MAX)
            out[i] = said_text(&trial->arena, bytes_of(code), bytes_of(resource));
    }
    size_t count = json_array_size(trial->expected);
    qsort(out, count, sizeof *out, compare);
    return count;
}

static size_t found_list(struct trial *trial, const struct findings *findings, const char **out)
{
    size_t count = 0;
    for (size_t i = 0; i < findings->count && count < SAID_MAX; i++) {
        const struct finding *each = &findings->at[i];
        struct bytes resource =
            arena_format(&trial->arena, "%.*s %.*s%s%.*s", BYTES_FMT(each->kind), BYTES_FMT(each->namespace),
                         each->namespace.len ? "/" : "", BYTES_FMT(each->name));
        out[count++] = said_text(&trial->arena, bytes_of(each->code), resource);
    }
    qsort(out, count, sizeof *out, compare);
    return count;
}

/* Prints what differs; answers whether nothing does. */
static bool lists_same(const char *name, const char **want, size_t wanted, const char **have, size_t had)
{
    size_t i = 0, j = 0, wrong = 0;
    while (i < wanted || j < had) {
        int order = i == wanted ? 1 : j == had ? -1 : strcmp(want[i], have[j]);
        if (order)
            printf("%s%s: %s %s\n", name, wrong++ ? " too" : "",
                   order < 0 ? "not said:" : "said in vain:", order < 0 ? want[i] : have[j]);
        i += order <= 0;
        j += order >= 0;
    }
    return wrong == 0;
}

static void trial_judge(struct trial *trial, struct tally *tally)
{
    const struct analyzer *run[2];
    const char *want[SAID_MAX], *have[SAID_MAX];
    struct findings findings;
    struct analysis analysis;
    size_t count = analyzers_of(trial->analyzer, run);
    if (!count) {
        skip(tally, trial->analyzer);
        return;
    }
    findings_init(&findings, &trial->arena);
    analysis_init(&analysis, &trial->set, trial->mesh, trial->networks, &findings);
    analysis.present = UINT64_MAX; /* istioctl's judge also by what is not there */
    for (size_t i = 0; i < count; i++)
        run[i]->run(&analysis);
    analysis_done(&analysis);
    for (size_t i = 0; is_schemas(trial->analyzer) && i < trial->set.findings.count; i++) {
        const struct finding *each = &trial->set.findings.at[i];
        struct report report = {.findings = &findings,
                                .file = each->file,
                                .kind = each->kind,
                                .namespace = each->namespace,
                                .name = each->name};
        if (strcmp(each->code, FINDING_INVALID) == 0 && each->level == FINDING_ERROR)
            report_add(&report, each->level, each->code, NULL, "%.*s", BYTES_FMT(each->sentence));
    }
    size_t wanted = expected_list(trial, want), had = found_list(trial, &findings, have);
    bool same = lists_same(trial->name, want, wanted, have, had);
    tally->passed += same;
    tally->failed += !same;
}

/* ---- reading ---------------------------------------------------------- */

static const struct yaml_node *tree_of(struct arena *arena, struct bytes text)
{
    struct yaml_stream stream;
    struct fail why;
    return text.len && yaml_read("mesh", text, arena, &stream, &why) && stream.count ? stream.documents[0]
                                                                                     : NULL;
}

static struct bytes file_of(struct arena *arena, const char *folder, const char *name)
{
    const char *path = arena_format(arena, "%s/%s", folder, name).at;
    FILE *file = name ? fopen(path, "rb") : NULL;
    if (!file)
        return (struct bytes){0};
    char *at = arena_raw(arena, TEXT_MAX);
    struct bytes text = bytes_make(at, fread(at, 1, TEXT_MAX, file));
    fclose(file);
    return text;
}

static void trial_init(struct trial *trial, const json_t *item, const char *name, const char *expected)
{
    const char *analyzer = json_string_value(json_object_get(item, "analyzer"));
    memset(trial, 0, sizeof *trial);
    arena_init(&trial->arena);
    resource_set_init(&trial->set);
    trial->name = name;
    trial->analyzer = analyzer ? analyzer : "schemaValidation.CollectionValidationAnalyzer";
    trial->expected = json_object_get(item, expected);
}

static void trial_done(struct trial *trial)
{
    resource_set_done(&trial->set);
    arena_done(&trial->arena);
}

static void folder_play(const char *folder, const char *name, struct tally *tally)
{
    json_error_t error;
    struct trial trial;
    size_t i;
    const json_t *input;
    char path[4096];
    snprintf(path, sizeof path, "%s/%s/expect.json", folder, name);
    json_t *item = json_load_file(path, 0, &error);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!item) {
        printf("%s: %s\n", name, error.text);
        tally->failed++;
        return;
    }
    trial_init(&trial, item, name, "expected");
    json_array_foreach(json_object_get(item, "input"), i, input) resource_set_add_file(
        &trial.set, json_string_value(input), file_of(&trial.arena, path, json_string_value(input)));
    const char *mesh = json_string_value(json_object_get(item, "meshConfig"));
    const char *networks = json_string_value(json_object_get(item, "meshNetworks"));
    trial.mesh = tree_of(&trial.arena, file_of(&trial.arena, path, mesh));
    trial.networks = tree_of(&trial.arena, file_of(&trial.arena, path, networks));
    resource_set_finish(&trial.set);
    trial_judge(&trial, tally);
    trial_done(&trial);
    json_decref(item);
}

static void row_play(const json_t *item, struct tally *tally)
{
    struct trial trial;
    struct bytes mesh = bytes_of(json_string_value(json_object_get(item, "meshConfigFile")));
    struct bytes networks = bytes_of(json_string_value(json_object_get(item, "meshNetworksFile")));
    const json_t *resource;
    size_t i;
    trial_init(&trial, item, json_string_value(json_object_get(item, "title")), "expect_messages");
    json_array_foreach(json_object_get(item, "resources"), i, resource)
    {
        char *text = json_dumps(resource, 0);
        resource_set_add_file(&trial.set, "resources", bytes_of(text));
        free(text);
    }
    trial.mesh = tree_of(&trial.arena, mesh);
    trial.networks = tree_of(&trial.arena, networks);
    resource_set_finish(&trial.set);
    trial_judge(&trial, tally);
    trial_done(&trial);
}

static int is_trial(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && !strchr(entry->d_name, '.');
}

static bool folders_play(const char *folder, struct tally *tally)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_trial, alphasort);
    for (int i = 0; i < count; i++) {
        folder_play(folder, entries[i]->d_name, tally);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return count >= 0;
}

/* The rows beside the other validations, where they are. */
static void rows_play(const char *path, struct tally *tally)
{
    json_error_t error;
    size_t i;
    const json_t *item;
    json_t *file = json_load_file(path, JSON_ALLOW_NUL, &error);
    json_array_foreach(json_object_get(file, "cases"), i, item) row_play(item, tally);
    json_decref(file);
}

int main(int argc, char **argv)
{
    struct tally tally = {0};
    char rows[4096];
    if (argc != 2 || !folders_play(argv[1], &tally)) {
        fprintf(stderr, "usage: conformance-istio-analyze DIR (a folder of cases)\n");
        return 2;
    }
    snprintf(rows, sizeof rows, "%s/../istio/validation/istio-analyzers.json", argv[1]);
    rows_play(rows, &tally);
    printf("istio-analyze: %u passed, %u failed", tally.passed, tally.failed);
    if (tally.skipped)
        printf(", %u skipped (no such analyzer: ", tally.skipped);
    for (unsigned i = 0; i < tally.reason_count; i++)
        printf("%s%s", i ? ", " : "", tally.reasons[i]);
    printf("%s\n", tally.skipped ? ")" : "");
    arena_stock_drop();
    return tally.failed || !tally.passed;
}
