/*
 * keys: key sets of token issuers, certificates, the day's signing keys, roots of other
 * trust domains, revoked serials: an image of its own, never on disk.
 */
#ifndef RULES_SNAPSHOT_KEYS_H
#define RULES_SNAPSHOT_KEYS_H

#include "wire/image.h"

enum keys_table {
    KEYS_ROOT,
    KEYS_SET,
    KEYS_KEY,
    KEYS_CERTIFICATE,
    KEYS_SIGNER,
    KEYS_TICKET,
    KEYS_DOMAIN,
    KEYS_REVOKED,
    KEYS_SESSION,
    KEYS_LOGIN,
    KEYS_TABLE_COUNT
};

struct keys_root {
    uint64_t self;               /* KEYS_CERTIFICATE id of the node's own mesh identity; 0: none yet */
    struct image_text published; /* the assertion's key set as JSON */
    uint32_t published_max_age_s;
    uint32_t spare;
};

/* Sorted by id. */
struct keys_set {
    uint64_t id; /* hash of "inline:DIGEST" or of the issuer and its jwksUri */
    struct image_rows keys;
    uint32_t fetched; /* 0: not once read so far */
    uint32_t spare;
    struct image_text name; /* issuer, for messages */
    uint64_t version;       /* hash of the content: tokens verified under another are dropped */
};

struct keys_key {
    uint32_t type; /* enum jwk_type */
    uint32_t alg;  /* enum jws_alg */
    struct image_text kid;
    struct image_text a;
    struct image_text b;
};

/* Sorted by id. */
struct keys_certificate {
    uint64_t id;
    struct image_text name;
    struct image_text chain; /* PEM */
    struct image_text key;   /* PEM */
    struct image_text trust; /* PEM */
    int64_t not_after_s;
    uint64_t version; /* hash of the content: contexts are reused while it stays */
};

/* The day's signing keys, the one in use first. */
struct keys_signer {
    struct image_text kid;
    struct image_text der; /* private; only control and the workers ever see it */
    int64_t from_s;
    int64_t until_s;
};

/* Of the servers' TLS session tickets: the first seals, the others still open. */
struct keys_ticket {
    struct image_text key; /* TICKET_KEY_SIZE bytes */
};

/* Of browsers' sessions (crypt/envelope.h): the first seals, the others still open. */
struct keys_session {
    uint64_t id;
    struct image_text key; /* SEAL_KEY_SIZE bytes */
};

/* What discovery told about a Login's provider. */
struct keys_login {
    uint64_t id;                              /* rules_login.id */
    struct image_text authorization_endpoint; /* empty: not known yet */
    struct image_text end_session_endpoint;   /* empty: it has none */
    uint32_t says_issuer;                     /* RFC 9207: its answers have `iss` */
    uint32_t spare;
};

/* A trust domain that is not the node's, whose peers its own roots vouch for, and for nobody else. */
struct keys_domain {
    struct image_text name;
    struct image_text roots; /* PEM */
};

/* Sorted by serial. */
struct keys_revoked {
    struct image_text serial; /* lower-case hex */
};

extern const struct image_schema keys_schema;

#endif
