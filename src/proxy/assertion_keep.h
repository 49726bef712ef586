/*
 * assertion_keep: assertions made lately, found by what they say.
 *
 * Of one user several tokens may be about, and each is renewed; what the mesh is
 * told about him stays the same. So that neither the edge signs nor the mesh
 * verifies it once more for each token, the same words are sent again for as long
 * as a token's own assertion would be. Bounded; the one not used for the longest
 * goes first. How long one may be used is judged by whoever asks.
 */
#ifndef PROXY_ASSERTION_KEEP_H
#define PROXY_ASSERTION_KEEP_H

#include "base/list.h"
#include "crypt/digest.h"

#define ASSERTION_KEEP_MAX 4096
#define ASSERTION_ID_SIZE 33 /* of hexadecimal digits, NUL included */

struct assertion {
    struct digest said; /* all of it but its times and its id, and the key that signed */
    char *text;         /* the JWT */
    size_t len;
    int64_t until_s;            /* when to make another */
    char id[ASSERTION_ID_SIZE]; /* jti */
    struct link recent;
};

struct assertion_keep;

struct assertion_keep *assertion_keep_new(void);
void assertion_keep_free(struct assertion_keep *keep);

struct digest assertion_keep_digest(struct assertion_keep *keep, struct bytes said);
/* Borrowed until the next put; NULL when there is none. */
const struct assertion *assertion_keep_find(struct assertion_keep *keep, const struct digest *said);
/* Takes the place of the one that said the same. Copies `text`. */
const struct assertion *assertion_keep_put(struct assertion_keep *keep, const struct digest *said,
                                           struct bytes text, int64_t until_s,
                                           const char id[ASSERTION_ID_SIZE]);

#endif
