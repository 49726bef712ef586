/*
 * provider: talking to the OAuth provider that a person signs in with, one question
 * after another, each with a deadline and over verified TLS.
 */
#ifndef CLI_PROVIDER_H
#define CLI_PROVIDER_H

#include "cli/person.h"
#include "control/fetch.h"
#include "wire/json.h"
#include "wire/oauth.h"

struct provider {
    struct arena *arena;
    struct fetch_trust trust;
    const struct person *person; /* whose issuer, client, scope; borrowed */
    struct oauth_provider about;
};

/* Reads the issuer's metadata. */
bool provider_open(struct provider *provider, const struct person *person, struct arena *arena,
                   struct fail *why);
void provider_close(struct provider *provider);

bool provider_device(struct provider *provider, struct oauth_device *out, struct fail *why);
/* One question for the tokens of a device code. False: *error says whether to ask again. */
bool provider_device_tokens(struct provider *provider, struct bytes device_code, struct oauth_tokens *out,
                            enum oauth_error *error, struct fail *why);
bool provider_refresh(struct provider *provider, struct oauth_tokens *out, enum oauth_error *error,
                      struct fail *why);
/* RFC 7009. */
bool provider_revoke(struct provider *provider, struct bytes token, const char *hint, struct fail *why);
/* The ID token's claims, when the provider signed it and it is for this client; NULL with *why. */
json_t *provider_claims(struct provider *provider, struct bytes id_token, int64_t now_s, struct fail *why);

#endif
