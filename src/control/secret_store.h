/*
 * secret_store: the sealed local store of secrets, a file of the state folder.
 *
 * AES-256-GCM under the node's seal key (seal_file.h). Whoever changes it holds a lock, and replaces the file
 * as a whole: a reader sees what was there before or what is there now.
 */
#ifndef CONTROL_SECRET_STORE_H
#define CONTROL_SECRET_STORE_H

#include "control/secret_values.h"
#include "control/settings.h"

#define SECRET_STORE_FILE "secrets"
#define SECRET_STORE_MAX ((size_t)16 << 20)

/* What is in it, sorted, in the arena: heap_wipe each value after use. None when there is no store yet. */
bool secret_store_read(const struct settings *settings, struct arena *arena, struct secret_values *out,
                       struct fail *why);
/* Adds values or replaces those of the same place. All or nothing. */
bool secret_store_put(const struct settings *settings, const struct secret_value *values, size_t count,
                      struct fail *why);
/* Empty `key`: the whole Secret. Fails when there is nothing of that name. */
bool secret_store_delete(const struct settings *settings, struct bytes name_space, struct bytes name,
                         struct bytes key, struct fail *why);

#endif
