/*
 * analyze_print: findings as istioctl prints its messages.
 */
#ifndef CLI_ANALYZE_PRINT_H
#define CLI_ANALYZE_PRINT_H

#include "rules/finding.h"

enum analyze_form { FORM_LOG, FORM_JSON, FORM_YAML };

/* One line: Error [IST0106] (VirtualService default/x file.yaml:12) what is wrong */
void analyze_line(const struct finding *finding, bool color, struct text *out);
/* Those from a level on. */
void analyze_print(const struct findings *findings, enum analyze_form form, enum finding_level from,
                   bool color, struct text *out);

#endif
