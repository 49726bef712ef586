#include "crypt/ticket.h"

#include <pthread.h>
#include <string.h>

#include <openssl/core_names.h>

#include "base/clock.h"
#include "base/heap.h"
#include "crypt/digest.h"

enum { NAME_SIZE = 16, KEY_SIZE = 32, IV_SIZE = 16 };

struct ticket_key {
    unsigned char name[NAME_SIZE];
    unsigned char cipher[KEY_SIZE];
    unsigned char mac[KEY_SIZE];
    uint64_t born_ms; /* 0: no key */
};

struct ticket_keys {
    pthread_mutex_t lock;
    struct ticket_key now;
    struct ticket_key before;
};

struct ticket_keys *ticket_keys_new(void)
{
    struct ticket_keys *keys = heap_new(struct ticket_keys);
    pthread_mutex_init(&keys->lock, NULL);
    return keys;
}

void ticket_keys_free(struct ticket_keys *keys)
{
    if (!keys)
        return;
    pthread_mutex_destroy(&keys->lock);
    heap_wipe(keys, sizeof *keys);
    free(keys);
}

static bool aged(const struct ticket_key *key, uint64_t now_ms)
{
    return !key->born_ms || now_ms - key->born_ms >= (uint64_t)TICKET_LIFE_S * 1000;
}

static void turn_over(struct ticket_keys *keys, uint64_t now_ms)
{
    if (!aged(&keys->now, now_ms))
        return;
    keys->before = keys->now;
    random_bytes(&keys->now, sizeof keys->now);
    keys->now.born_ms = now_ms ? now_ms : 1;
}

static bool choose(struct ticket_keys *keys, const unsigned char *name, bool seal, struct ticket_key *out)
{
    uint64_t now_ms = clock_ms();
    bool found = true;
    pthread_mutex_lock(&keys->lock);
    turn_over(keys, now_ms);
    if (seal || memcmp(name, keys->now.name, NAME_SIZE) == 0)
        *out = keys->now;
    else if (keys->before.born_ms && now_ms - keys->before.born_ms < (uint64_t)TICKET_LIFE_S * 2000 &&
             memcmp(name, keys->before.name, NAME_SIZE) == 0)
        *out = keys->before;
    else
        found = false;
    pthread_mutex_unlock(&keys->lock);
    return found;
}

static bool prepare(struct ticket_key *key, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                    int seal)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof key->mac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv, seal) == 1 &&
           EVP_MAC_CTX_set_params(mac, params) == 1;
}

int ticket_keys_use(struct ticket_keys *keys, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                    EVP_MAC_CTX *mac, int seal)
{
    struct ticket_key key;
    if (!choose(keys, name, seal, &key))
        return 0; /* not ours any more: a full handshake */
    if (seal) {
        random_bytes(iv, IV_SIZE);
        memcpy(name, key.name, NAME_SIZE);
    }
    bool good = prepare(&key, iv, cipher, mac, seal);
    heap_wipe(&key, sizeof key);
    return good ? 1 : -1;
}
