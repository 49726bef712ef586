/*
 * rows: a list of flat JSON objects, shown as istioctl shows its lists: a table of
 * chosen columns, JSON, or YAML.
 */
#ifndef CLI_ROWS_H
#define CLI_ROWS_H

#include <stdio.h>

#include "base/text.h"
#include "wire/json.h"

enum rows_form { ROWS_SHORT, ROWS_JSON, ROWS_YAML };
extern const char *const rows_forms[]; /* short, json, yaml; for OPTION_CHOICE */

struct rows_column {
    const char *title; /* NAME */
    const char *key;
    const char *empty; /* shown for what is empty, or NULL */
};

/* JSON and YAML show every key. */
void rows_write(const json_t *rows, const struct rows_column *columns, size_t count, enum rows_form form,
                struct text *out);

#endif
