/*
 * issuer: `selvage issuer`, an issuer of tokens for development.
 *
 * FOR DEVELOPMENT ONLY: whoever can reach it gets any identity it has. It serves
 * loopback addresses and unix sockets alone, and its key lives as long as the
 * process.
 */
#ifndef CLI_ISSUER_H
#define CLI_ISSUER_H

#include "base/fail.h"
#include "base/text.h"

/* argv[0] is "issuer". */
int issuer_main(int argc, char **argv);

/* Who it knows. */
struct issuer_identity {
    const char *name;   /* dev */
    const char *about;  /* a developer */
    const char *claims; /* members of the payload, JSON */
};
extern const struct issuer_identity issuer_identities[];
extern const size_t issuer_identity_count;

struct signer;
/* A token for that identity; false when there is none of the name. */
bool issuer_token(const struct signer *signer, const char *issuer, struct bytes name, struct bytes audience,
                  int64_t now_s, struct arena *arena, struct bytes *out, struct fail *why);

#endif
