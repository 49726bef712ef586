/*
 * jwk_pem: public keys that come as PEM: SubjectPublicKeyInfo or the key of a
 * certificate. RFC 7468. Nothing else of a certificate is judged: whoever
 * publishes it (Google's x509 form) vouches for it by the channel it came over.
 */
#ifndef WIRE_JWK_PEM_H
#define WIRE_JWK_PEM_H

#include "wire/jwk.h"

/* Type, a and b of *out are set, in the arena; kid and alg stay as they are. */
bool jwk_pem_read(struct bytes pem, struct arena *arena, struct jwk *out, struct fail *why);

#endif
