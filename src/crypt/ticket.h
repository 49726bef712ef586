/*
 * ticket: keys of TLS session tickets, a set per server context. A key seals
 * new tickets for an hour and opens old ones for another, then it is wiped.
 */
#ifndef CRYPT_TICKET_H
#define CRYPT_TICKET_H

#include <openssl/ssl.h>

#define TICKET_LIFE_S 3600

struct ticket_keys;
struct ticket_keys *ticket_keys_new(void);
void ticket_keys_free(struct ticket_keys *keys);
/* The body of SSL_CTX_set_tlsext_ticket_key_evp_cb's callback. */
int ticket_keys_use(struct ticket_keys *keys, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                    EVP_MAC_CTX *mac, int seal);

#endif
