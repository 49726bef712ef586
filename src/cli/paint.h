/*
 * paint: colours for people, on a terminal that wants them.
 *
 * https://no-color.org; a terminal that is "dumb" gets none either.
 */
#ifndef CLI_PAINT_H
#define CLI_PAINT_H

#include <stdbool.h>

enum paint { PAINT_NONE, PAINT_BOLD, PAINT_DIM, PAINT_RED, PAINT_GREEN, PAINT_YELLOW, PAINT_BLUE };

/* Whether what is written to the descriptor shall be coloured. */
bool paint_wanted(int fd);
/* The sequences, or "" when `on` is false. */
const char *paint_begin(enum paint paint, bool on);
const char *paint_end(bool on);

#endif
