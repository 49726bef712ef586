/*
 * code: what analyzers can say, one row a code.
 *
 * IST codes and their levels are istioctl's, so that scripts and habits keep;
 * SEL codes are ours. The manual's table and `selvage analyze --list-analyzers`
 * come from here.
 */
#ifndef RULES_ANALYZE_CODE_H
#define RULES_ANALYZE_CODE_H

#include "rules/finding.h"

struct code {
    const char *code;
    enum finding_level level;
    const char *name; /* istioctl's for its own */
    const char *help;
};

extern const struct code codes[];
extern const size_t code_count;

const struct code *code_find(struct bytes code); /* NULL when there is none; any letter case */

#endif
