/*
 * tls_vouch: whose word counts for which peer: roots by trust domain, and a deny
 * list of serials.
 *
 * A peer of a trust domain that is not ours is verified by that domain's roots
 * alone, and they are never asked about anybody else (SPIFFE Federation 5.2, 6): a
 * root of one domain cannot vouch for another.
 */
#ifndef CRYPT_TLS_VOUCH_H
#define CRYPT_TLS_VOUCH_H

#include <openssl/x509.h>

#include "crypt/digest.h"
#include "crypt/tls.h"

struct tls_vouch_domain;
struct tls_vouch {
    struct tls_vouch_domain *domains;
    size_t domain_count;
    char **revoked; /* sorted */
    size_t revoked_count;
};

/* Of the settings' domains and revoked. False with *why; done is good for what is half made too. */
bool tls_vouch_init(struct tls_vouch *vouch, const struct tls_settings *settings, struct fail *why);
void tls_vouch_done(struct tls_vouch *vouch);
/* All of it: sessions are resumed under the same list only, so that revoking ends them. */
void tls_vouch_feed(const struct tls_vouch *vouch, struct digest_work *work);
/* Those that judge this leaf alone; NULL: our own do. Borrowed. */
STACK_OF(X509) * tls_vouch_roots(const struct tls_vouch *vouch, X509 *leaf);
/* How many certificates the other domains' roots are; *at each, one behind the other. */
void tls_vouch_each(const struct tls_vouch *vouch, void (*each)(X509 *root, void *self), void *self);
/* False: a certificate of the chain is on the list. */
bool tls_vouch_check(const struct tls_vouch *vouch, STACK_OF(X509) * chain, struct fail *why);

#endif
