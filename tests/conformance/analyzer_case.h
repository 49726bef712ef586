/*
 * analyzer_case: resources, the analyzer of istioctl that looks at them, and the
 * messages it gives: codes and resources, compared as multisets.
 */
#ifndef CONFORMANCE_ANALYZER_CASE_H
#define CONFORMANCE_ANALYZER_CASE_H

#include "rules/analyze/analysis.h"
#include "runner.h"

struct analyzer_case {
    struct arena arena;
    struct resource_set set; /* filled by the caller, not finished */
    const char *analyzer;
    const json_t *expected; /* [{code, resource}] */
    const struct yaml_node *mesh, *networks;
};

/* `analyzer` NULL: what istioctl's validation says. */
void analyzer_case_init(struct analyzer_case *trial, const char *analyzer, const json_t *expected);
void analyzer_case_done(struct analyzer_case *trial);
/* A YAML text as a tree in the case's arena; NULL when there is none. */
const struct yaml_node *analyzer_case_tree(struct analyzer_case *trial, struct bytes text);
enum verdict analyzer_case_judge(struct analyzer_case *trial, struct fail *why);
/* A row that holds resources, analyzer and expect_messages itself. */
enum verdict analyzer_row_judge(const json_t *item, struct fail *why);

#endif
