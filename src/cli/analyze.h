/*
 * analyze: `selvage analyze PATH...`, istioctl's habit on our reader.
 */
#ifndef CLI_ANALYZE_H
#define CLI_ANALYZE_H

#include "rules/resource.h"

/* argv[0] is "analyze". */
int analyze_main(int argc, char **argv);

/* Error [IST0106] (VirtualService default/x f.yaml:12) spec.http[0]: sentence */
void analyze_line(const struct finding *finding, bool color, struct text *out);

#endif
