#include "analyzer_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { SAID_MAX = 500 };

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

static size_t expected_list(struct analyzer_case *trial, const char **out)
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
    size_t count = json_array_size(trial->expected) < SAID_MAX ? json_array_size(trial->expected) : SAID_MAX;
    qsort(out, count, sizeof *out, compare);
    return count;
}

static size_t found_list(struct analyzer_case *trial, const struct findings *findings, const char **out)
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

/* What differs goes into *why. */
static bool lists_same(const char **want, size_t wanted, const char **have, size_t had, struct fail *why)
{
    struct text differs;
    size_t i = 0, j = 0;
    text_init_fixed(&differs, why->text, sizeof why->text);
    while (i < wanted || j < had) {
        int order = i == wanted ? 1 : j == had ? -1 : strcmp(want[i], have[j]);
        if (order)
            text_format(&differs, "%s%s %s", differs.len ? "; " : "",
                        order < 0 ? "not said:" : "said in vain:", order < 0 ? want[i] : have[j]);
        i += order <= 0;
        j += order >= 0;
    }
    return differs.len == 0;
}

/* Of what reading found, the resources that are refused. */
static void refusals_add(const struct resource_set *set, struct findings *findings)
{
    for (size_t i = 0; i < set->findings.count; i++) {
        const struct finding *each = &set->findings.at[i];
        struct report report = {.findings = findings,
                                .file = each->file,
                                .kind = each->kind,
                                .namespace = each->namespace,
                                .name = each->name};
        if (strcmp(each->code, FINDING_INVALID) == 0 && each->level == FINDING_ERROR)
            report_add(&report, each->level, each->code, NULL, "%.*s", BYTES_FMT(each->sentence));
    }
}

/* ---- the case --------------------------------------------------------- */

void analyzer_case_init(struct analyzer_case *trial, const char *analyzer, const json_t *expected)
{
    memset(trial, 0, sizeof *trial);
    arena_init(&trial->arena);
    resource_set_init(&trial->set);
    trial->analyzer = analyzer ? analyzer : "schemaValidation.CollectionValidationAnalyzer";
    trial->expected = expected;
}

void analyzer_case_done(struct analyzer_case *trial)
{
    resource_set_done(&trial->set);
    arena_done(&trial->arena);
}

const struct yaml_node *analyzer_case_tree(struct analyzer_case *trial, struct bytes text)
{
    struct yaml_stream stream;
    struct fail why;
    if (!text.len || !yaml_read("mesh", text, &trial->arena, &stream, &why) || !stream.count)
        return NULL;
    return stream.documents[0];
}

enum verdict analyzer_case_judge(struct analyzer_case *trial, struct fail *why)
{
    const struct analyzer *run[2];
    const char *want[SAID_MAX], *have[SAID_MAX];
    struct findings findings;
    struct analysis analysis;
    size_t count = analyzers_of(trial->analyzer, run);
    if (!count) {
        case_failed(why, "there is no analyzer %s", trial->analyzer);
        return SKIPPED;
    }
    resource_set_finish(&trial->set);
    findings_init(&findings, &trial->arena);
    analysis_init(&analysis, &trial->set, trial->mesh, trial->networks, &findings);
    analysis.present = UINT64_MAX; /* istioctl's judge also by what is not there */
    for (size_t i = 0; i < count; i++)
        run[i]->run(&analysis);
    analysis_done(&analysis);
    if (is_schemas(trial->analyzer))
        refusals_add(&trial->set, &findings);
    size_t wanted = expected_list(trial, want), had = found_list(trial, &findings, have);
    return lists_same(want, wanted, have, had, why) ? PASSED : FAILED;
}

enum verdict analyzer_row_judge(const json_t *item, struct fail *why)
{
    struct analyzer_case trial;
    const json_t *resource;
    size_t i;
    analyzer_case_init(&trial, json_string_value(json_object_get(item, "analyzer")),
                       json_object_get(item, "expect_messages"));
    json_array_foreach(json_object_get(item, "resources"), i, resource)
    {
        char *text = json_dumps(resource, 0);
        resource_set_add_file(&trial.set, "resources", bytes_of(text));
        free(text);
    }
    trial.mesh = analyzer_case_tree(&trial, case_text(item, "meshConfigFile"));
    trial.networks = analyzer_case_tree(&trial, case_text(item, "meshNetworksFile"));
    enum verdict verdict = analyzer_case_judge(&trial, why);
    analyzer_case_done(&trial);
    return verdict;
}
