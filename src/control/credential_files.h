/*
 * credential_files: certificates, keys and authorities that DestinationRules name
 * by file. Looked at every few seconds; what cannot be used never replaces what
 * can, since files are changed one after the other.
 */
#ifndef CONTROL_CREDENTIAL_FILES_H
#define CONTROL_CREDENTIAL_FILES_H

#include "control/keys_image.h"
#include "rules/compile/compile.h"

enum { CREDENTIAL_FILES_EVERY_MS = 5000 };

struct credential_file;
struct credential_files {
    struct credential_file *first;
    uint64_t looked_ms;
};

void credential_files_done(struct credential_files *files);
/* Reads those that are new or were touched. Answers whether there is anything new to tell. */
bool credential_files_look(struct credential_files *files, const struct compile_credential *wanted,
                           size_t count, uint64_t now_ms);
/* False: never read, or never good. Texts are good until the next look. */
bool credential_files_get(const struct credential_files *files, uint64_t id, struct keys_credential *out);

#endif
