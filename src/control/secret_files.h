/*
 * secret_files: secrets that others lay down as files, a value a file.
 */
#ifndef CONTROL_SECRET_FILES_H
#define CONTROL_SECRET_FILES_H

#include "control/secret_values.h"
#include "crypt/digest.h"

/*
 * DIRECTORY/NAMESPACE/NAME/KEY, as Kubernetes' mounts, Vault's agent and the CSI driver write them: hidden
 * names are passed over, links followed, other kinds of files refused. Directories get a watch in `inotify`
 * unless it is -1; what fstat says of all goes into `touched`. With `read` the values lie in the arena: wipe
 * them after use.
 */
bool secret_directory_read(struct bytes directory, int inotify, bool read, struct arena *arena,
                           struct secret_values *out, struct digest_work *touched, struct fail *why);

/* systemd's credentials of this process, those named secret_NAMESPACE_NAME_KEY: $CREDENTIALS_DIRECTORY. The
 * same. */
bool secret_credentials_read(bool read, struct arena *arena, struct secret_values *out,
                             struct digest_work *touched, struct fail *why);

#endif
