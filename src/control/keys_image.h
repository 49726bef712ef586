/*
 * keys_image: builds the keys image from what is known at the moment: the node's
 * certificate, Secrets' certificates, providers' key sets, signing keys.
 */
#ifndef CONTROL_KEYS_IMAGE_H
#define CONTROL_KEYS_IMAGE_H

#include "control/identity.h"
#include "control/session_tickets.h"
#include "control/signing.h"
#include "crypt/envelope.h"
#include "rules/snapshot.h"

struct keys_credential {
    uint64_t id;
    struct bytes name;
    struct bytes chain;
    struct bytes key;
    struct bytes trust;
};

struct keys_source {
    uint64_t id;
    struct bytes name; /* issuer */
    struct bytes text; /* the key set; empty: never read */
};

struct keys_login_source {
    uint64_t id;
    struct bytes authorization_endpoint;
    struct bytes end_session_endpoint;
    bool says_issuer;
};

/* Roots of another trust domain. */
struct keys_trusted {
    struct bytes name;
    struct bytes roots; /* PEM */
};

struct keys_parts {
    const struct identity_letter *identity; /* NULL or without a chain: none yet */
    const struct keys_credential *credentials;
    size_t credential_count;
    const struct keys_source *sets;
    size_t set_count;
    const struct signing_letter *signing; /* NULL: none */
    const struct session_tickets *tickets;
    const struct envelope_keys *sessions; /* NULL: no session is sealed or opened */
    const struct keys_login_source *logins;
    size_t login_count;
    const struct keys_trusted *domains;
    size_t domain_count;
    struct bytes *revoked; /* sorted here */
    size_t revoked_count;
};

/* On the heap, hash filled in; wipe it before it is freed. The first of equal ids wins. */
struct image_head *keys_image_build(const struct keys_parts *parts, uint64_t generation, size_t *size);

#endif
