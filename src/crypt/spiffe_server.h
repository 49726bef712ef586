/*
 * spiffe_server: TLS to a server that is known by its SPIFFE id, for a client that
 * is not ours (libcurl). SPIFFE_Federation.md 5.2.2.
 */
#ifndef CRYPT_SPIFFE_SERVER_H
#define CRYPT_SPIFFE_SERVER_H

#include "base/bytes.h"
#include "base/fail.h"

struct spiffe_server;
/* The roots (PEM) that vouch for it, and its id. NULL with *why. */
struct spiffe_server *spiffe_server_new(struct bytes roots, struct bytes id, struct fail *why);
void spiffe_server_free(struct spiffe_server *server);
/* Makes the context (OpenSSL's SSL_CTX) take that server and no other; it borrows from `server`. */
void spiffe_server_demand(const struct spiffe_server *server, void *ssl_context);

#endif
