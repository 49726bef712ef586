/*
 * token: tokens whose signature was verified, remembered for a while.
 *
 * Keyed by SHA-256 of the raw token, the key set and that set's version: when keys
 * change, nothing verified under the old ones is found any more. Bounded; the one
 * not used for the longest goes first. Expiry is judged at every use: claims that
 * were found good (rules/decide/claims) are not read again by the same rules
 * within the time for which that answer stands.
 */
#ifndef PROXY_TOKEN_H
#define PROXY_TOKEN_H

#include "crypt/digest.h"
#include "crypt/key_set.h"
#include "proxy/assertion_keep.h"
#include "proxy/worker.h"
#include "rules/decide/claims.h"

#define TOKEN_CACHE_MAX 4096

struct token_key {
    struct digest digest;
    uint64_t key_set;
    uint64_t version;
};

/* That its claims are good, by which rules and for how long. Zeroed: for no time at all. */
struct token_judgement {
    unsigned char rules[32]; /* hash of their image */
    uint32_t row;            /* of RULES_AUTHN */
    int64_t from_s;
    int64_t until_s;
};

struct token {
    uint32_t refs;
    struct token_key key;
    struct link recent;
    bool cached;
    json_t *claims;       /* the payload: an object */
    char *payload_base64; /* as it stood in the token, for outputPayloadToHeader */
    size_t payload_len;
    char *typ; /* NULL: none */
    struct token_judgement judgement;
    /* The assertion made from it, memoised (assertion.c). */
    char *assertion;
    size_t assertion_len;
    int64_t assertion_until_s;
    uint64_t assertion_for; /* what it was made from besides: keys, rules, peer */
    char assertion_id[ASSERTION_ID_SIZE];
};

struct token_cache *token_cache_new(void);
void token_cache_free(struct token_cache *cache);
size_t token_cache_count(const struct token_cache *cache);

enum token_answer { TOKEN_GOOD, TOKEN_UNKNOWN_KID, TOKEN_REFUSED };

/* Verifies, or remembers having verified. GOOD: *out is a reference. `why` has Istio's sentence. */
enum token_answer token_verify(struct worker *worker, const struct keys_set *row, struct key_set *set,
                               struct bytes raw, struct arena *arena, struct token **out, struct fail *why);
/* An ID token that lay in a session of ours: it was verified when it was put there. False: it is none. */
bool token_from_session(struct worker *worker, uint64_t login, struct bytes raw, struct arena *arena,
                        struct token **out);
/* Its claims were found good by that row of those rules, and that holds now. */
bool token_judged(const struct token *token, const struct image *rules, uint32_t row, int64_t now_s);
void token_judged_note(struct token *token, const struct image *rules, uint32_t row,
                       const struct claims_term *term);
void token_unref(struct token *token);

#endif
