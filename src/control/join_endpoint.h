/*
 * join_endpoint: the certificate by which machines that join know the authority's
 * endpoint: its own, made once, its key sealed in the authority's directory.
 */
#ifndef CONTROL_JOIN_ENDPOINT_H
#define CONTROL_JOIN_ENDPOINT_H

#include "control/settings.h"

/* Made when it is missing. PEM in the arena; wipe the key after use. */
bool join_endpoint_obtain(const struct settings *settings, struct arena *arena, struct bytes *cert,
                          struct bytes *key, struct fail *why);

#endif
