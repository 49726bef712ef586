/*
 * ticket: the keys by which a server's TLS session tickets are sealed and opened.
 *
 * They come from outside, the same for every process of a node. Shared by
 * reference and changed while contexts use them, so there is a lock inside.
 */
#ifndef CRYPT_TICKET_H
#define CRYPT_TICKET_H

#include <openssl/ssl.h>

#include "base/bytes.h"

#define TICKET_LIFE_S 3600 /* a session is good for resuming that long, if the keys are */
#define TICKET_KEY_SIZE 80 /* random bytes */
#define TICKET_KEYS_MAX 4

struct ticket_keys;
/* Without keys: no ticket is given, none is opened. */
struct ticket_keys *ticket_keys_new(void);
struct ticket_keys *ticket_keys_ref(struct ticket_keys *keys);
void ticket_keys_unref(struct ticket_keys *keys);
/* In place of those that it has: the first seals and opens, the others open. Texts of another length, and
 * those that are too many, are left out. */
void ticket_keys_set(struct ticket_keys *keys, const struct bytes *at, size_t count);
bool ticket_keys_any(struct ticket_keys *keys);
/* The body of SSL_CTX_set_tlsext_ticket_key_evp_cb's callback. */
int ticket_keys_use(struct ticket_keys *keys, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                    EVP_MAC_CTX *mac, int seal);

#endif
