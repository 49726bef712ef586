#include "cli/analyze_filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/analyze/analysis.h"
#include "rules/analyze/code.h"

bool suppression_check(const char *suppression, struct fail *why)
{
    struct bytes resource = bytes_of(suppression), code;
    if (!bytes_cut(&resource, '=', &code) || !code.len || !resource.len)
        return fail(why, FAIL_INPUT, "'%s' is no CODE=RESOURCE such as \"IST0103=Pod mypod.testing\"",
                    suppression);
    return true;
}

/* * stands for any text, also none. */
static bool glob_fits(struct bytes pattern, struct bytes text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, from = 0;
    while (t < text.len) {
        if (p < pattern.len && pattern.at[p] == '*') {
            star = p++;
            from = t;
        } else if (p < pattern.len && pattern.at[p] == text.at[t]) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.at[p] == '*')
        p++;
    return p == pattern.len;
}

bool suppression_hits(const char *suppression, const struct finding *finding)
{
    struct bytes pattern = bytes_of(suppression), code;
    char dotted[512], slashed[512];
    bytes_cut(&pattern, '=', &code);
    if (!bytes_equal(code, bytes_of(finding->code)) || !finding->name.len)
        return false;
    bool within = finding->namespace.len > 0;
    snprintf(dotted, sizeof dotted, "%.*s %.*s%s%.*s", BYTES_FMT(finding->kind), BYTES_FMT(finding->name),
             within ? "." : "", BYTES_FMT(finding->namespace));
    snprintf(slashed, sizeof slashed, "%.*s %.*s%s%.*s", BYTES_FMT(finding->kind),
             BYTES_FMT(finding->namespace), within ? "/" : "", BYTES_FMT(finding->name));
    return glob_fits(pattern, bytes_of(dotted)) || glob_fits(pattern, bytes_of(slashed));
}

/* ---- annotations ------------------------------------------------------ */

struct filter {
    const struct yaml_node **annotated; /* documents that say what is not to be said about them */
    size_t annotated_count;
    const struct texts *suppressions;
    const char *name_space;
};

static void annotated_find(struct resource_set *set, struct filter *filter)
{
    filter->annotated = arena_array(&set->arena, const struct yaml_node *, set->document_count + 1);
    for (size_t i = 0; i < set->document_count; i++) {
        const struct yaml_node *node = set->documents[i].node;
        const struct yaml_node *annotations = tree_at(node, "metadata.annotations");
        if (yaml_get(annotations, "galley.istio.io/analyze-suppress"))
            filter->annotated[filter->annotated_count++] = node;
    }
}

static bool is_of(const struct finding *finding, const struct yaml_node *document)
{
    struct bytes namespace = tree_text(document, "metadata.namespace");
    return bytes_equal(finding->kind, tree_text(document, "kind")) &&
           bytes_equal(finding->name, tree_text(document, "metadata.name")) &&
           (!namespace.len || bytes_equal(finding->namespace, namespace));
}

/* What keeps a resource from being put in force is said whatever it says about itself. */
static bool is_annotated(const struct filter *filter, const struct finding *finding)
{
    if (finding->level == FINDING_ERROR || !finding->name.len)
        return false;
    for (size_t i = 0; i < filter->annotated_count; i++)
        if (analysis_suppressed(filter->annotated[i], finding->code) && is_of(finding, filter->annotated[i]))
            return true;
    return false;
}

static bool is_wanted(const struct finding *finding, void *with)
{
    const struct filter *filter = with;
    for (size_t i = 0; i < filter->suppressions->count; i++)
        if (suppression_hits(filter->suppressions->at[i], finding))
            return false;
    if (filter->name_space && finding->namespace.len &&
        !bytes_equal(finding->namespace, bytes_of(filter->name_space)))
        return false;
    return !is_annotated(filter, finding);
}

/* ---- order ------------------------------------------------------------ */

static int compare(const void *a, const void *b)
{
    const struct finding *x = a, *y = b;
    if (x->level != y->level)
        return x->level > y->level ? -1 : 1;
    int order = strcmp(x->code, y->code);
    if (order == 0)
        order = bytes_compare(x->kind, y->kind);
    if (order == 0)
        order = bytes_compare(x->namespace, y->namespace);
    if (order == 0)
        order = bytes_compare(x->name, y->name);
    if (order == 0)
        order = strcmp(x->file ? x->file : "", y->file ? y->file : "");
    if (order == 0 && x->line != y->line)
        order = x->line < y->line ? -1 : 1;
    return order ? order : bytes_compare(x->sentence, y->sentence);
}

void analyze_filter(struct resource_set *set, const struct texts *suppressions, const char *name_space)
{
    struct filter filter = {.suppressions = suppressions, .name_space = name_space};
    annotated_find(set, &filter);
    findings_keep(&set->findings, is_wanted, &filter);
    if (set->findings.count > 1)
        qsort(set->findings.at, set->findings.count, sizeof(*set->findings.at), compare);
}
