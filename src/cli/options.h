/*
 * options: what stands behind a command's name, read by a table.
 *
 * The table is the help text too. Options and operands may be mixed, as GNU's
 * are; `--` ends the options. Values go into a struct of the command's own,
 * which holds the presets before.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit codes: sysexits.h's where it has one, else istioctl's. */
#define EXIT_USAGE 64
#define EXIT_INPUT 65
#define EXIT_FINDINGS 79

#define TEXTS_MAX 32

enum option_type {
    OPTION_FLAG,   /* bool */
    OPTION_TEXT,   /* const char * */
    OPTION_TEXTS,  /* struct texts: may be repeated */
    OPTION_NUMBER, /* int64_t from min to max */
    OPTION_CHOICE, /* int, the place in choices; any letter case */
};

struct texts {
    const char *at[TEXTS_MAX];
    size_t count;
};

struct option {
    const char *name;
    char letter; /* 0: none */
    enum option_type type;
    size_t offset;
    const char *value; /* what the help calls the value */
    const char *help;
    const char *const *choices;
    int64_t min;
    int64_t max;
    const char *bare; /* the value may be left out and is then this; only --name=VALUE gives another */
};

struct command_line {
    const char *command;  /* demo */
    const char *operands; /* "PATH...", "" */
    size_t operands_min;
    size_t operands_max;
    const char *about; /* paragraphs behind the usage line, each with its newline */
    const struct option *options;
    size_t count;
};

struct operands {
    char **at; /* within argv */
    size_t count;
};

/*
 * False: nothing more is to be done; *code is what to exit with (--help prints to
 * standard output: 0; a wrong line says so on standard error: 64). argv[0] is the
 * command's name; operands are moved to its front.
 */
bool options_read(const struct command_line *line, int argc, char **argv, void *into,
                  struct operands *operands, int *code);

#endif
