/*
 * key_deposit: the directory where the nodes of one authority lay down their
 * signing keys' public halves, a file a node, each key with its last moment.
 */
#ifndef CONTROL_KEY_DEPOSIT_H
#define CONTROL_KEY_DEPOSIT_H

#include "control/signing_keys.h"

#define DEPOSIT_FILES_MAX 256

/* Writes `directory`/NODE.json. */
bool key_deposit_write(struct bytes directory, struct bytes node, const struct signing_keys *keys,
                       const struct signing_plan *plan, struct fail *why);
/*
 * {"keys":[...]}: ours and those of the others that are not past, each once,
 * sorted by kid, so that every node publishes the same. `directory` may be empty:
 * ours alone. A file that cannot be read costs its own keys and a warning.
 */
struct bytes key_deposit_union(struct bytes directory, const struct signing_keys *ours, int64_t now_s,
                               struct arena *arena);

#endif
