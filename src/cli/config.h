/*
 * config: where a command finds the settings of the node it speaks of.
 */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include "control/settings.h"

/* What --help says of the option -c. */
#define CONFIG_HELP "the node's settings (selvage.yaml here, $SELVAGE_CONFIG, /etc/selvage/selvage.yaml)"

/* The habits of the field for -c: here, the environment, the system. NULL: there is none. */
const char *config_find(const char *given);
/* What is wrong, each finding a line on standard error. */
void config_findings_print(const struct findings *findings);
/* Found and read, into the arena. What goes wrong is said on standard error as `command`'s; answers what to
 * exit with, 0 when nothing did. */
int config_load(const char *command, const char *given, struct arena *arena, struct settings *out);

#endif
