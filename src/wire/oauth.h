/*
 * oauth: what an OAuth provider answers to a program at a terminal: its metadata,
 * a device authorization, tokens, and errors. RFC 8414, 8628, 6749 5, 7009.
 *
 * The provider is believed in what it grants, not in form: lengths, characters and
 * numbers are bounded, and its addresses must be as safe as its own.
 */
#ifndef WIRE_OAUTH_H
#define WIRE_OAUTH_H

#include "base/arena.h"
#include "base/fail.h"

#define OAUTH_TOKEN_MAX (16 * 1024)

struct oauth_provider {
    struct bytes device_endpoint; /* empty: it has no device grant */
    struct bytes token_endpoint;
    struct bytes revocation_endpoint; /* empty: none */
    struct bytes jwks_uri;            /* empty: none */
};

struct oauth_device {
    struct bytes device_code;
    struct bytes user_code;
    struct bytes verification_uri;
    struct bytes verification_uri_complete; /* empty: none */
    int64_t lifetime_s;
    int64_t interval_s; /* between two questions */
};

struct oauth_tokens {
    struct bytes access_token;
    struct bytes id_token;      /* empty: none */
    struct bytes refresh_token; /* empty: none */
    int64_t lifetime_s;         /* of the access token; 0: not said */
};

/* The "error" of an answer (RFC 6749 5.2, RFC 8628 3.5). */
enum oauth_error {
    OAUTH_PENDING,
    OAUTH_SLOW_DOWN,
    OAUTH_DENIED,
    OAUTH_EXPIRED,
    OAUTH_INVALID_GRANT,
    OAUTH_OTHER,
};

/* https, or http to this very machine: nothing else is ever sent a token. */
bool oauth_issuer_check(struct bytes issuer, struct fail *why);
/* Texts of all three lie in the arena; *out is untouched when they fail. */
bool oauth_provider_read(struct bytes text, struct bytes issuer, struct arena *arena,
                         struct oauth_provider *out, struct fail *why);
bool oauth_device_read(struct bytes text, struct bytes issuer, struct arena *arena, struct oauth_device *out,
                       struct fail *why);
bool oauth_tokens_read(struct bytes text, struct arena *arena, struct oauth_tokens *out, struct fail *why);
/* Always fills *why in, with the provider's own name of the error. */
enum oauth_error oauth_error_read(struct bytes text, struct fail *why);

#endif
