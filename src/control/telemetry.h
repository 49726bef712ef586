/*
 * telemetry: the thread that empties the workers' rings: access lines and metrics.
 */
#ifndef CONTROL_TELEMETRY_H
#define CONTROL_TELEMETRY_H

#include "control/mailbox.h"
#include "control/metrics.h"

/* LETTER_RING */
struct ring_letter {
    struct letter letter;
    uint32_t index;
    int fd; /* closed with the letter */
};

struct telemetry;
/* `access_log`: a path, "stdout", or empty for none. */
struct telemetry *telemetry_start(struct bytes access_log, struct metrics *metrics);
/* Takes the descriptor. A ring of the same worker takes the place of the one before, which is emptied first.
 */
void telemetry_ring(struct telemetry *telemetry, uint32_t index, int take);
/* Somebody moved the access log away. */
void telemetry_reopen(struct telemetry *telemetry);
/* Empties all rings once more. */
void telemetry_stop(struct telemetry *telemetry);

#endif
