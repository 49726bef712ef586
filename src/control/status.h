/*
 * status: what the main thread knows, written for people and machines.
 */
#ifndef CONTROL_STATUS_H
#define CONTROL_STATUS_H

#include "control/board.h"
#include "control/publish.h"

/* All pages of the board, and whether the node is ready. */
void status_update(const struct publish *publish, struct board *board);

void status_snapshot_write(const struct publish *publish, struct text *out);
void status_certs_write(const struct publish *publish, struct text *out);
void status_metrics_write(const struct publish *publish, struct text *out);

#endif
