/*
 * name_keep: the last good addresses of names, kept over restarts.
 *
 * So that a control process that begins while no name server answers takes no
 * endpoints away from workers that serve them. Sealed, since nobody else may
 * write where requests go. What is older than a day is not taken.
 */
#ifndef CONTROL_NAME_KEEP_H
#define CONTROL_NAME_KEEP_H

#include "control/name_table.h"
#include "control/settings.h"

bool name_keep_write(const struct settings *settings, const struct name_table *table, struct fail *why);
/* Fills the names of the table that have no addresses yet. */
bool name_keep_read(const struct settings *settings, struct name_table *table, int64_t now_s,
                    struct fail *why);

#endif
