/*
 * base64: RFC 4648, strict: no white space, no odd lengths, no stray bits.
 */
#ifndef WIRE_BASE64_H
#define WIRE_BASE64_H

#include "base/arena.h"

/* base64url without padding (section 5): the only form JWS knows. */
bool base64url_decode(struct bytes in, struct arena *arena, struct bytes *out);
/* The same, but the right number of "=" may follow: what Istio's proxies let pass. */
bool base64url_decode_padded(struct bytes in, struct arena *arena, struct bytes *out);
struct bytes base64url_encode(struct bytes in, struct arena *arena);
/* The classic alphabet with padding (section 4): Kubernetes Secrets, PEM. White space and newlines are
 * allowed when `loose`. */
bool base64_decode(struct bytes in, bool loose, struct arena *arena, struct bytes *out);
struct bytes base64_encode(struct bytes in, struct arena *arena);

#endif
