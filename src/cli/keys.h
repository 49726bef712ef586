/*
 * keys: the command that lists a running node's keys and replaces them.
 */
#ifndef CLI_KEYS_H
#define CLI_KEYS_H

#include "base/text.h"

enum keys_form { KEYS_SHORT, KEYS_JSON, KEYS_YAML };
/* The admin server's JSON for people or machines; false: it is none. */
bool keys_print(struct bytes json, enum keys_form form, struct text *out);

int keys_main(int argc, char **argv);

#endif
