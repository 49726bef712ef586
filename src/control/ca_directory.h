/*
 * ca_directory: where a certificate authority lies on disk.
 *
 * The embedded one (ca-cert.pem, ca-key.sealed; the nodes of a machine share it,
 * whoever comes first makes it) or Istio's cacerts.
 */
#ifndef CONTROL_CA_DIRECTORY_H
#define CONTROL_CA_DIRECTORY_H

#include "control/settings.h"
#include "crypt/authority.h"

#define CA_DAYS 3650

/* Opens the embedded authority, or makes it under a lock. NULL with *why. */
struct authority *ca_directory_embedded(const struct settings *settings, struct fail *why);
/* Istio's files. NULL with *why. */
struct authority *ca_directory_cacerts(struct bytes directory, struct fail *why);

#endif
