/*
 * join: what a machine that joins and the authority say to each other, over TLS.
 *
 *   message  length in four bytes, most significant first, then JSON
 *   request  {"csr":PEM, "token":TEXT}; without a token the certificate of the
 *            connection says who it is; without a csr only the roots are wanted
 *   reply    {"chain":PEM, "roots":PEM, "refresh":SECONDS} or {"error":SENTENCE}
 *   token    "selvage-join-1." and base64url of a pin and a secret, 32 bytes each
 *
 * The pin is the SHA-256 of the authority's endpoint's certificate (DER): whoever
 * has the token need not trust anybody else to find it.
 */
#ifndef WIRE_JOIN_H
#define WIRE_JOIN_H

#include "base/arena.h"
#include "base/fail.h"
#include "base/text.h"

enum {
    JOIN_MESSAGE_MAX = 128 * 1024, /* a bundle of 64 roots */
    JOIN_REQUEST_MAX = 16 * 1024,
    JOIN_HEAD_SIZE = 4,
    JOIN_PIN_SIZE = 32,
    JOIN_SECRET_SIZE = 32,
};

struct join_request {
    struct bytes csr;   /* empty: only the roots */
    struct bytes token; /* empty: the connection's certificate says who it is */
};

struct join_reply {
    struct bytes error; /* a sentence; then nothing else is set */
    struct bytes chain; /* empty when no csr was sent */
    struct bytes roots;
    int64_t refresh_s; /* how soon to ask for the roots again */
};

struct join_token {
    unsigned char pin[JOIN_PIN_SIZE];
    unsigned char secret[JOIN_SECRET_SIZE];
};

/* The length of what follows. False: more than `max`, or nothing. */
bool join_head_read(const unsigned char head[JOIN_HEAD_SIZE], size_t max, size_t *len, struct fail *why);
void join_request_write(const struct join_request *request, struct text *out); /* with its head */
bool join_request_read(struct bytes json, struct arena *arena, struct join_request *out, struct fail *why);
void join_reply_write(const struct join_reply *reply, struct text *out);
bool join_reply_read(struct bytes json, struct arena *arena, struct join_reply *out, struct fail *why);

struct bytes join_token_write(const struct join_token *token, struct arena *arena);
/* A line break behind it is allowed; the sentence never shows any of it. */
bool join_token_read(struct bytes text, struct join_token *out, struct fail *why);

#endif
