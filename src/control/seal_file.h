/*
 * seal_file: the key that seals secrets at rest, and files sealed with it.
 */
#ifndef CONTROL_SEAL_FILE_H
#define CONTROL_SEAL_FILE_H

#include "control/settings.h"
#include "crypt/seal.h"

/*
 * The key from the file that the settings name, else from systemd's credential
 * `seal-key`, else from seal.key in `directory`, which is made (0600) when it is
 * missing. Wipe it after use.
 */
bool seal_key_obtain(const struct settings *settings, struct bytes directory, struct seal_key *out,
                     struct fail *why);
bool seal_file_write(const char *path, const struct seal_key *key, struct bytes purpose, struct bytes plain,
                     struct fail *why);
/* The plain text lies in the arena: heap_wipe it after use. */
bool seal_file_read(const char *path, const struct seal_key *key, struct bytes purpose, size_t max,
                    struct arena *arena, struct bytes *out, struct fail *why);

/* The same for the file `name` of the state folder and the node's own key. */
bool seal_state_write(const struct settings *settings, const char *name, struct bytes purpose,
                      struct bytes plain, struct fail *why);
/* True with empty *out when there is no such file. */
bool seal_state_read(const struct settings *settings, const char *name, struct bytes purpose, size_t max,
                     struct arena *arena, struct bytes *out, struct fail *why);

#endif
