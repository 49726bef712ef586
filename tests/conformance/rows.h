/*
 * rows: plays the cases of a folder of JSON files, {"cases": [...]} each, and
 * prints what failed and the count.
 */
#ifndef CONFORMANCE_ROWS_H
#define CONFORMANCE_ROWS_H

#include "base/arena.h"
#include "base/fail.h"
#include "wire/json.h"

enum row_verdict { ROW_PASSED, ROW_FAILED, ROW_SKIPPED };

/* Fills *why in unless it passed. The arena is emptied after each row. */
typedef enum row_verdict row_judge(const json_t *row, struct arena *arena, struct fail *why);

/* The exit status: 0 when rows were played and none failed. */
int rows_play(const char *group, const char *folder, row_judge *judge);

bool row_says(const json_t *row, const char *name, const char *value);
/* Any JSON value as its text; a string as its content. */
struct bytes row_text(const json_t *value, struct arena *arena);

#endif
