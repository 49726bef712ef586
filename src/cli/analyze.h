/*
 * analyze: `selvage analyze PATH...`, istioctl's habit on our reader.
 */
#ifndef CLI_ANALYZE_H
#define CLI_ANALYZE_H

#include "rules/resource.h"

/* Exit codes, istioctl's. */
#define EXIT_USAGE 64
#define EXIT_INPUT 65
#define EXIT_FINDINGS 79

/* argv[0] is "analyze". */
int analyze_main(int argc, char **argv);

/* Error [IST0106] (VirtualService default/x f.yaml:12) spec.http[0]: sentence */
void analyze_line(const struct finding *finding, bool color, struct text *out);

#endif
