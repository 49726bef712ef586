/*
 * key_keep: the last good key sets of providers, kept over restarts.
 *
 * So that a control process that begins while a provider cannot be read goes on
 * with what the one before it knew. Sealed, like all of the state: not because
 * key sets are secret, but because nobody else may write them. Sets older than a
 * day are not taken.
 */
#ifndef CONTROL_KEY_KEEP_H
#define CONTROL_KEY_KEEP_H

#include "control/key_table.h"
#include "control/settings.h"

bool key_keep_write(const struct settings *settings, const struct key_table *table, struct fail *why);
/* Fills the sets of the table that have no text yet. */
bool key_keep_read(const struct settings *settings, struct key_table *table, int64_t now_s, struct fail *why);

#endif
