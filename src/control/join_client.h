/*
 * join_client: a certificate from the authority of another machine: for a join token
 * the first time, for the one that is there from then on. It is kept, sealed, with
 * the pin of the authority's endpoint, so that the token is not needed again.
 */
#ifndef CONTROL_JOIN_CLIENT_H
#define CONTROL_JOIN_CLIENT_H

#include "control/settings.h"
#include "crypt/authority.h"

/*
 * A certificate that is good now and the newest roots; *ask_again_s is when to ask
 * next. When the authority cannot be reached, or refuses, what is kept is answered
 * for as long as it is good, and *problem says what was wrong (else it is empty).
 * `fresh`: a new certificate even if half of the old one's life is not over.
 */
bool join_client_obtain(const struct settings *settings, bool fresh, struct arena *arena,
                        struct identity_pem *out, int64_t *ask_again_s, struct bytes *problem,
                        struct fail *why);

#endif
