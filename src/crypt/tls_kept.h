/*
 * tls_kept: sessions with servers, kept to be resumed.
 *
 * They belong to one client context, so a session is never offered under another
 * trust or another certificate than it was made under. Bounded: the oldest goes.
 * One thread.
 */
#ifndef CRYPT_TLS_KEPT_H
#define CRYPT_TLS_KEPT_H

#include <openssl/ssl.h>

#include "base/bytes.h"

#define TLS_KEPT_MAX 64

struct tls_kept;
void tls_kept_free(struct tls_kept *kept);
/* A reference of the newest for that server, or NULL. *until_s: when a certificate that vouched for it ends.
 */
SSL_SESSION *tls_kept_get(const struct tls_kept *kept, uint64_t server, int64_t now_s, int64_t *until_s);
/* Takes the session. *kept NULL: it is made. */
void tls_kept_put(struct tls_kept **kept, uint64_t server, SSL_SESSION *take, int64_t until_s);

#endif
