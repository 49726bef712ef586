/*
 * ca_directory: where a certificate authority lies on disk.
 *
 * The embedded one: ca-cert.pem, the bundle of its roots, and ca-keys.sealed; the
 * nodes of a machine share it, whoever comes first makes it and whoever comes
 * first when something is due does that. Or Istio's cacerts.
 */
#ifndef CONTROL_CA_DIRECTORY_H
#define CONTROL_CA_DIRECTORY_H

#include "control/authority_keys.h"
#include "control/settings.h"

enum ca_rotate { CA_ROTATE_ROOT = 1, CA_ROTATE_INTERMEDIATE = 2 };

/* The embedded authority, its lock held and everything due done. */
struct ca_directory;
/* `rotate`: bits of enum ca_rotate. NULL with *why. */
struct ca_directory *ca_directory_open(const struct settings *settings, unsigned rotate, struct fail *why);
/* Borrowed. */
const struct authority *ca_directory_authority(const struct ca_directory *directory);
const struct authority_keys *ca_directory_keys(const struct ca_directory *directory);
/* To be called for each leaf, so that its root stays trusted for as long. */
bool ca_directory_issued(struct ca_directory *directory, int64_t not_after_s, struct fail *why);
void ca_directory_close(struct ca_directory *directory);

struct authority_plan ca_directory_plan(const struct settings *settings);

/* Istio's files. NULL with *why. */
struct authority *ca_directory_cacerts(struct bytes directory, struct fail *why);

#endif
