/*
 * facet: by which hashes a value of a policy, and what a request has there, meet in
 * an index of policies (struct rules_facet).
 *
 * Equal hashes mean "it may match": whoever found a candidate still judges it, so
 * collisions cost time and nothing else.
 */
#ifndef RULES_DECIDE_FACET_H
#define RULES_DECIDE_FACET_H

#include "rules/snapshot.h"

enum facet_match { FACET_EXACT, FACET_PREFIX, FACET_SUFFIX, FACET_NETWORK };

/* Fed byte by byte, so that all beginnings of a text cost one walk: FNV-1a. */
#define FACET_START 0xcbf29ce484222325U

static inline uint64_t facet_step(uint64_t hash, char byte)
{
    return (hash ^ (unsigned char)byte) * 0x100000001b3U;
}

static inline uint64_t facet_end(uint64_t hash, enum facet_match match)
{
    hash ^= (uint64_t)match + 1;
    hash ^= hash >> 32;
    hash *= 0xd6e8feb86659fd93U;
    return hash ^ hash >> 32;
}

/* Letter case does not count in hosts. */
static inline bool facet_folds(uint32_t attribute)
{
    return attribute == ATTRIBUTE_HOST;
}

/* Of a value; FACET_SUFFIX is fed from the end. */
uint64_t facet_hash(struct bytes text, enum facet_match match, bool fold);
uint64_t facet_hash_number(uint32_t number);
/* Of the first `bits` (of 128 at most) of an address. */
uint64_t facet_hash_network(const unsigned char address[16], uint32_t bits);

/* Where a hash belongs among `count` places; the next is one further on, round. */
static inline uint32_t facet_place(uint64_t hash, uint32_t count)
{
    return (uint32_t)((hash >> 32) * count >> 32);
}

#endif
