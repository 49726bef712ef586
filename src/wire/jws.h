/*
 * jws: compact JSON Web Signatures. RFC 7515 3.1, 7.1; RFC 7519; RFC 8725.
 *
 * Reads and takes apart; the mathematics are crypt/signature's. Everything is
 * refused that two readers could see differently: padding, stray bits, empty or
 * extra parts, duplicate members (also after unescaping), `crit`, `b64`, `none`.
 */
#ifndef WIRE_JWS_H
#define WIRE_JWS_H

#include "base/arena.h"
#include "base/fail.h"
#include "wire/json.h"

enum jws_alg {
    JWS_NONE_KNOWN, /* what we do not verify: HS*, none, anything else */
    JWS_RS256,
    JWS_RS384,
    JWS_RS512,
    JWS_PS256,
    JWS_PS384,
    JWS_PS512,
    JWS_ES256,
    JWS_ES384,
    JWS_ES512,
    JWS_EDDSA,
    JWS_ALG_COUNT,
};

#define JWS_TOKEN_MAX (16 * 1024) /* bytes of a whole token */

struct jws {
    enum jws_alg alg;
    struct bytes kid;         /* at is NULL when the header has none; in the arena */
    struct bytes typ;         /* likewise */
    struct bytes signed_part; /* header.payload as it came: what the signature covers */
    struct bytes payload;     /* decoded, in the arena */
    struct bytes signature;   /* decoded, in the arena */
};

const char *jws_alg_name(enum jws_alg alg); /* "RS256"; "none known" otherwise */
enum jws_alg jws_alg_find(struct bytes name);

/* Token and arena must outlive *out. The sentence in *why is Istio's where Istio has one
 * ("Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections" and its like): clients
 * and dashboards know them. The payload may be any bytes, also none; see rules/decide/claims for what it must
 * say. */
bool jws_read(struct bytes token, struct arena *arena, struct jws *out, struct fail *why);
/* The same, but each part may carry its base64 padding: for issuers that only Istio's policies name. What is
 * signed stays what was sent. */
bool jws_read_padded(struct bytes token, struct arena *arena, struct jws *out, struct fail *why);
/* header and payload are JSON texts; `sign` makes the signature (see crypt/signature.h). */
struct bytes jws_signing_input(struct bytes header, struct bytes payload, struct arena *arena);
struct bytes jws_join(struct bytes signing_input, struct bytes signature, struct arena *arena);

#endif
