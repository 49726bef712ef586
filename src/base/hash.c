#include "base/hash.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static uint64_t key[2];
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static void key_draw(void)
{
    if (getrandom(key, sizeof key, 0) != (ssize_t)sizeof key)
        abort();
}

static uint64_t rotl(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[0] = rotl(v[0], 32);
    v[2] += v[3];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[2] = rotl(v[2], 32);
}

/* SipHash-1-3 (Aumasson and Bernstein). */
uint64_t hash_keyed(struct bytes b)
{
    pthread_once(&key_once, key_draw);
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575U, key[1] ^ 0x646f72616e646f6dU, key[0] ^ 0x6c7967656e657261U,
                     key[1] ^ 0x7465646279746573U};
    uint64_t word, last = (uint64_t)b.len << 56;
    size_t whole = b.len & ~(size_t)7;
    for (size_t i = 0; i < whole; i += 8) {
        memcpy(&word, b.at + i, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    for (size_t i = whole; i < b.len; i++)
        last |= (uint64_t)(unsigned char)b.at[i] << (8 * (i - whole));
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t hash_stable(struct bytes b)
{
    uint64_t h = 0xcbf29ce484222325U;
    for (size_t i = 0; i < b.len; i++)
        h = (h ^ (unsigned char)b.at[i]) * 0x100000001b3U;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93U;
    return h ^ h >> 32;
}
