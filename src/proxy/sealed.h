/*
 * sealed: TLS records that were made of a connection's bytes and wait for the socket.
 *
 * OpenSSL writes each record by itself. Here several are collected, so that they
 * leave in one write; and a few bytes (a head, a frame's first nine) share a
 * record with what follows them. What was sealed stays among the bytes to send
 * until all of it has left: nobody takes it for sent too early.
 */
#ifndef PROXY_SEALED_H
#define PROXY_SEALED_H

#include "crypt/tls.h"
#include "proxy/slices.h"

/* Zeroed is empty. */
struct sealed {
    struct slices records;
    size_t plain; /* bytes that the records were made of */
    bool making;  /* what TLS writes belongs here */
};

/* Seals what `out`, which is not empty, begins with. DONE: there are records; else as tls_write. */
enum tls_turn sealed_make(struct sealed *sealed, struct tls_session *tls, const struct slices *out,
                          struct fail *why);
/* They have left. Answers how many bytes that were. */
size_t sealed_gone(struct sealed *sealed);
void sealed_drop(struct sealed *sealed);

#endif
