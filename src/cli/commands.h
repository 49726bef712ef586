/*
 * commands: everything that `selvage` can do, one table.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include <stddef.h>

struct command {
    const char *name;
    int (*main)(int argc, char **argv); /* argv[0] is the command's name */
    const char *about;                  /* one sentence; NULL: not for people, so not listed */
};

/* Runs argv[1] of the table; help, version and completion come by themselves. */
int commands_run(const struct command *commands, size_t count, int argc, char **argv);

#endif
