#include "rules/decide/facet.h"

uint64_t facet_hash(struct bytes text, enum facet_match match, bool fold)
{
    uint64_t hash = FACET_START;
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.at[match == FACET_SUFFIX ? text.len - 1 - i : i];
        hash = facet_step(hash, fold ? ascii_lower(byte) : byte);
    }
    return facet_end(hash, match);
}

uint64_t facet_hash_number(uint32_t number)
{
    return facet_hash(bytes_make((const char *)&number, sizeof number), FACET_EXACT, false);
}

uint64_t facet_hash_network(const unsigned char address[16], uint32_t bits)
{
    uint64_t hash = facet_step(FACET_START, (char)bits);
    for (uint32_t i = 0; i < bits / 8 && i < 16; i++)
        hash = facet_step(hash, (char)address[i]);
    if (bits % 8 && bits < 128)
        hash = facet_step(hash, (char)(address[bits / 8] & (0xFFu << (8 - bits % 8))));
    return facet_end(hash, FACET_NETWORK);
}
