/*
 * login_discovery: what a provider's discovery document says that a login needs.
 * OpenID Connect Discovery 1.0, RFC 8414, RFC 9207.
 */
#ifndef CONTROL_LOGIN_DISCOVERY_H
#define CONTROL_LOGIN_DISCOVERY_H

#include "base/arena.h"
#include "base/fail.h"

struct login_provider {
    struct bytes authorization_endpoint;
    struct bytes token_endpoint;
    struct bytes end_session_endpoint; /* empty: none */
    struct bytes revocation_endpoint;  /* empty: none */
    bool takes_basic;                  /* client_secret_basic; else the secret stands in the form */
    bool says_issuer;                  /* `iss` is in its answers */
};

/* Texts lie in the arena. Every address must be as safe as the issuer's own. */
bool login_discovery_read(struct bytes text, struct bytes issuer, struct arena *arena,
                          struct login_provider *out, struct fail *why);

#endif
