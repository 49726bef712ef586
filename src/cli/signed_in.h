/*
 * signed_in: what the commands of somebody who is signed in have in common: tokens
 * taken over from the provider, and renewed before they are stale.
 */
#ifndef CLI_SIGNED_IN_H
#define CLI_SIGNED_IN_H

#include "cli/provider.h"

#define STATE_HELP "where the sign-in is kept (~/.local/state/selvage)"

/* Judges the ID token, when there is one, and puts the tokens into *person; what is not renewed stays. */
bool signed_in_take(struct provider *provider, struct person *person, const struct oauth_tokens *tokens,
                    struct fail *why);
/* Says why on standard error and answers the exit code. */
int signed_in_failed(const char *command, const struct fail *why);

#endif
