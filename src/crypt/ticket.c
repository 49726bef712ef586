#include "crypt/ticket.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>

#include "base/heap.h"
#include "crypt/digest.h"

enum { NAME_SIZE = 16, KEY_SIZE = 32, IV_SIZE = 16 };

/* What the callback answers. */
enum { BROKEN = -1, NOT_OURS = 0, GOOD = 1, GOOD_AND_NEW_TICKET = 2 };

struct ticket_key {
    unsigned char name[NAME_SIZE];
    unsigned char cipher[KEY_SIZE];
    unsigned char mac[KEY_SIZE];
};

_Static_assert(sizeof(struct ticket_key) == TICKET_KEY_SIZE, "a key is what it is made of");

struct ticket_keys {
    pthread_mutex_t lock;
    unsigned refs;
    size_t count;
    struct ticket_key at[TICKET_KEYS_MAX];
};

struct ticket_keys *ticket_keys_new(void)
{
    struct ticket_keys *keys = heap_new(struct ticket_keys);
    pthread_mutex_init(&keys->lock, NULL);
    keys->refs = 1;
    return keys;
}

struct ticket_keys *ticket_keys_ref(struct ticket_keys *keys)
{
    pthread_mutex_lock(&keys->lock);
    keys->refs++;
    pthread_mutex_unlock(&keys->lock);
    return keys;
}

void ticket_keys_unref(struct ticket_keys *keys)
{
    if (!keys)
        return;
    pthread_mutex_lock(&keys->lock);
    bool last = --keys->refs == 0;
    pthread_mutex_unlock(&keys->lock);
    if (!last)
        return;
    pthread_mutex_destroy(&keys->lock);
    heap_wipe(keys, sizeof *keys);
    free(keys);
}

void ticket_keys_set(struct ticket_keys *keys, const struct bytes *at, size_t count)
{
    pthread_mutex_lock(&keys->lock);
    heap_wipe(keys->at, sizeof keys->at);
    keys->count = 0;
    for (size_t i = 0; i < count && keys->count < TICKET_KEYS_MAX; i++)
        if (at[i].len == TICKET_KEY_SIZE)
            memcpy(&keys->at[keys->count++], at[i].at, TICKET_KEY_SIZE);
    pthread_mutex_unlock(&keys->lock);
}

bool ticket_keys_any(struct ticket_keys *keys)
{
    pthread_mutex_lock(&keys->lock);
    bool any = keys->count > 0;
    pthread_mutex_unlock(&keys->lock);
    return any;
}

/* A copy, as it may be replaced while it is used. False: there is none of that name. */
static bool choose(struct ticket_keys *keys, const unsigned char *name, bool seal, struct ticket_key *out)
{
    bool found = false;
    pthread_mutex_lock(&keys->lock);
    for (size_t i = 0; i < keys->count && !found; i++) {
        found = seal || memcmp(name, keys->at[i].name, NAME_SIZE) == 0;
        if (found)
            *out = keys->at[i];
    }
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
        return seal ? BROKEN : NOT_OURS; /* not any more: a full handshake */
    if (seal) {
        random_bytes(iv, IV_SIZE);
        memcpy(name, key.name, NAME_SIZE);
    }
    bool good = prepare(&key, iv, cipher, mac, seal);
    heap_wipe(&key, sizeof key);
    if (!good)
        return BROKEN;
    return seal ? GOOD : GOOD_AND_NEW_TICKET; /* RFC 8446 C.4: clients use a ticket once */
}
