#include "crypt/key_set.h"

#include <stdlib.h>

#include "base/heap.h"

struct member {
    struct verifier *verifier;
    char *kid_text;
    struct bytes kid; /* empty: the key has none */
};

struct key_set {
    struct member *members;
    uint32_t count;
    uint32_t left_out;
    uint32_t quick;
    struct fail remark;
};

static void remark_first(struct key_set *set, const char *text)
{
    if (set->remark.kind == FAIL_NONE)
        fail(&set->remark, FAIL_INPUT, "%s", text);
}

static void member_add(struct key_set *set, const struct jwk *key, uint32_t index)
{
    struct fail why;
    struct verifier *verifier = verifier_new(key, &why);
    if (!verifier) {
        set->left_out++;
        fail_in(&why, "key %u is left out", index);
        remark_first(set, why.text);
        return;
    }
    if (set->quick < KEY_SET_QUICK_MAX)
        set->quick += verifier_quicken(verifier, key);
    char *kid = heap_text(key->kid);
    set->members[set->count++] = (struct member){verifier, kid, bytes_make(kid, key->kid.len)};
}

struct key_set *key_set_new(const struct jwk_set *from)
{
    struct key_set *set = heap_new(struct key_set);
    set->members = heap_alloc_array((size_t)from->count + 1, sizeof *set->members);
    set->left_out = from->left_out;
    if (from->remark.len) {
        fail(&set->remark, FAIL_INPUT, "%.*s", BYTES_FMT(from->remark));
    }
    for (uint32_t i = 0; i < from->count; i++)
        member_add(set, &from->keys[i], i);
    return set;
}

void key_set_free(struct key_set *set)
{
    if (!set)
        return;
    for (uint32_t i = 0; i < set->count; i++) {
        verifier_free(set->members[i].verifier);
        free(set->members[i].kid_text);
    }
    free(set->members);
    free(set);
}

uint32_t key_set_count(const struct key_set *set)
{
    return set->count;
}

uint32_t key_set_left_out(const struct key_set *set)
{
    return set->left_out;
}

struct bytes key_set_remark(const struct key_set *set)
{
    return bytes_of(set->remark.text);
}

static bool kid_known(const struct key_set *set, struct bytes kid)
{
    for (uint32_t i = 0; i < set->count; i++)
        if (bytes_equal(set->members[i].kid, kid))
            return true;
    return false;
}

enum rank { FITS_BY_KID, FITS_WITHOUT_KID, RANK_COUNT, FITS_NOT };

static enum rank rank_of(const struct member *member, const struct jws *jws)
{
    if (!verifier_fits(member->verifier, jws->alg))
        return FITS_NOT;
    if (!jws->kid.len || !member->kid.len)
        return FITS_WITHOUT_KID;
    return bytes_equal(member->kid, jws->kid) ? FITS_BY_KID : FITS_NOT;
}

/* The keys that carry the token's kid first, so that no number of others keeps them from being tried. */
enum key_set_answer key_set_verify(const struct key_set *set, const struct jws *jws, struct fail *why)
{
    int tries = 0;
    fail(why, FAIL_DENIED, "Jwks doesn't have key to match kid or alg from Jwt");
    for (int rank = 0; rank < RANK_COUNT; rank++) {
        for (uint32_t i = 0; i < set->count && tries < KEY_SET_TRIES_MAX; i++) {
            const struct member *member = &set->members[i];
            if ((int)rank_of(member, jws) != rank)
                continue;
            tries++;
            if (verifier_check(member->verifier, jws->alg, jws->signed_part, jws->signature, why))
                return KEY_SET_VERIFIED;
        }
    }
    return jws->kid.len && !kid_known(set, jws->kid) ? KEY_SET_UNKNOWN_KID : KEY_SET_REFUSED;
}
