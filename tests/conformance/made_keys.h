/*
 * made_keys: key pairs for rows that name keys but hold none, and a token signed
 * with one of them.
 */
#ifndef CONFORMANCE_MADE_KEYS_H
#define CONFORMANCE_MADE_KEYS_H

#include "crypt/key_set.h"
#include "wire/json.h"

/*
 * The keys of the row's `bundle`, each under its name, and the token that its `header`,
 * `payload` and `signed_by` describe; a signer that is none of them signs with a key
 * of nobody's. The key set is the caller's.
 */
struct key_set *made_keys(const json_t *row, struct arena *arena, struct bytes *token);

#endif
