/*
 * runner: what the conformance programs share: every JSON file of a folder,
 * every case in it, a line for each that fails, one line at the end.
 */
#ifndef CONFORMANCE_RUNNER_H
#define CONFORMANCE_RUNNER_H

#include <jansson.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/fail.h"

enum verdict { PASSED, FAILED, SKIPPED };

/* Judges one case; FAILED and SKIPPED with a reason in *why. The arena is emptied after each. */
typedef enum verdict case_judge(const json_t *item, struct arena *arena, struct fail *why);

/* The same for cases that refer to the rest of their file. */
typedef enum verdict file_case_judge(const json_t *item, const json_t *file, struct arena *arena,
                                     struct fail *why);

/* For main: the exit code. `group` as in "identity/certs". */
int conformance_run(const char *group, case_judge *judge, int argc, char **argv);
int conformance_run_files(const char *group, file_case_judge *judge, int argc, char **argv);

/* A member's text (NULs inside allowed), or empty. */
struct bytes case_text(const json_t *item, const char *name);
enum verdict case_failed(struct fail *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
