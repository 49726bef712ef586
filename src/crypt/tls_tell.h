/*
 * tls_tell: why a TLS session ended, in one sentence for a person.
 */
#ifndef CRYPT_TLS_TELL_H
#define CRYPT_TLS_TELL_H

#include "base/fail.h"
#include "crypt/tls.h"

/* What a session saw that OpenSSL's errors do not tell. */
struct tls_story {
    bool server;
    bool ended;               /* end of file was read */
    bool cut;                 /* the bytes below broke */
    unsigned char opening[4]; /* the peer's first bytes */
    unsigned char opening_len;
    struct fail *refusal; /* our own reason, or NULL */
};

void tls_story_hear(struct tls_story *story, const char *at, size_t len);
/* The first refusal stays. */
void tls_story_refuse(struct tls_story *story, const struct fail *why);
/* After SSL_ERROR_SSL or _SYSCALL: fills *why from what is known and empties OpenSSL's queue. Answers
 * TLS_BROKEN, or TLS_CLOSED when the peer left before it said anything. */
enum tls_turn tls_story_tell(const struct tls_story *story, bool handshaken, struct fail *why);
void tls_story_done(struct tls_story *story);

/* The sentence for an X509_V_ERR_ at a depth of the peer's chain. */
void tls_tell_chain(int error, int depth, struct fail *why);

#endif
