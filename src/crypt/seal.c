#include "crypt/seal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/heap.h"
#include "crypt/digest.h"

enum {
    MAGIC_SIZE = 4,
    NONCE_SIZE = 12,
    TAG_SIZE = 16,
    HEAD_SIZE = MAGIC_SIZE + NONCE_SIZE,
    OVERHEAD = HEAD_SIZE + TAG_SIZE,
    PLAIN_MAX = 64 * 1024 * 1024, /* what is sealed are keys and small values */
};

static const struct bytes magic = BYTES_INIT("SLV1");
static EVP_CIPHER *aes_gcm;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fetch(void)
{
    aes_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
}

static bool read_hex(struct bytes content, struct seal_key *out, struct fail *why)
{
    struct seal_key key;
    for (size_t i = 0; i < SEAL_KEY_SIZE; i++) {
        int high = ascii_hex(content.at[2 * i]);
        int low = ascii_hex(content.at[2 * i + 1]);
        if (high < 0 || low < 0) {
            heap_wipe(&key, sizeof key);
            return fail(why, FAIL_INPUT, "sealing key: character %zu is no hex digit",
                        2 * i + (high < 0 ? 1 : 2));
        }
        key.bytes[i] = (unsigned char)(high * 16 + low);
    }
    *out = key;
    heap_wipe(&key, sizeof key);
    return true;
}

bool seal_key_read(struct bytes content, struct seal_key *out, struct fail *why)
{
    size_t hex = (size_t)2 * SEAL_KEY_SIZE;
    if (content.len == SEAL_KEY_SIZE) {
        memcpy(out->bytes, content.at, SEAL_KEY_SIZE);
        return true;
    }
    if (content.len == hex || (content.len == hex + 1 && content.at[hex] == '\n') ||
        (content.len == hex + 2 && bytes_ends(content, BYTES("\r\n"))))
        return read_hex(content, out, why);
    return fail(why, FAIL_INPUT, "sealing key: %zu bytes; 32 raw bytes or 64 hex digits are right",
                content.len);
}

bool seal_key_new(struct seal_key *out, struct fail *why)
{
    (void)why; /* without randomness the process ends */
    random_bytes(out->bytes, sizeof out->bytes);
    return true;
}

/* Starts one message in either direction: key, nonce, then magic and purpose as associated data. */
static EVP_CIPHER_CTX *begin(const struct seal_key *key, const unsigned char *nonce, struct bytes purpose,
                             int close)
{
    pthread_once(&once, fetch);
    EVP_CIPHER_CTX *work = EVP_CIPHER_CTX_new();
    int len;
    if (work && purpose.len <= PLAIN_MAX &&
        EVP_CipherInit_ex2(work, aes_gcm, key->bytes, nonce, close, NULL) == 1 &&
        EVP_CipherUpdate(work, NULL, &len, (const unsigned char *)magic.at, (int)magic.len) == 1 &&
        (!purpose.len ||
         EVP_CipherUpdate(work, NULL, &len, (const unsigned char *)purpose.at, (int)purpose.len) == 1))
        return work;
    EVP_CIPHER_CTX_free(work);
    return NULL;
}

static bool encrypt(EVP_CIPHER_CTX *work, struct bytes plain, unsigned char *out)
{
    int len = 0;
    if (plain.len && EVP_CipherUpdate(work, out, &len, (const unsigned char *)plain.at, (int)plain.len) != 1)
        return false;
    out += len;
    if (EVP_CipherFinal_ex(work, out, &len) != 1)
        return false;
    return EVP_CIPHER_CTX_ctrl(work, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, out + len) == 1;
}

bool seal_close(const struct seal_key *key, struct bytes purpose, struct bytes plain, struct arena *arena,
                struct bytes *out, struct fail *why)
{
    if (plain.len > PLAIN_MAX)
        return fail(why, FAIL_LIMIT, "%zu bytes are too many to seal; at most %d are allowed", plain.len,
                    PLAIN_MAX);
    size_t size = OVERHEAD + plain.len;
    char *at = arena_raw(arena, size);
    unsigned char nonce[NONCE_SIZE];
    random_bytes(nonce, sizeof nonce);
    memcpy(at, magic.at, MAGIC_SIZE);
    memcpy(at + MAGIC_SIZE, nonce, NONCE_SIZE);
    EVP_CIPHER_CTX *work = begin(key, nonce, purpose, 1);
    bool good = work && encrypt(work, plain, (unsigned char *)at + HEAD_SIZE);
    EVP_CIPHER_CTX_free(work);
    if (!good)
        return fail(why, FAIL_SELF, "AES-256-GCM is not to be had from OpenSSL");
    *out = bytes_make(at, size);
    return true;
}

static bool decrypt(EVP_CIPHER_CTX *work, struct bytes body, const char *tag, unsigned char *out)
{
    int len = 0;
    unsigned char expected[TAG_SIZE];
    memcpy(expected, tag, TAG_SIZE);
    if (EVP_CIPHER_CTX_ctrl(work, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, expected) != 1)
        return false;
    if (body.len && EVP_CipherUpdate(work, out, &len, (const unsigned char *)body.at, (int)body.len) != 1)
        return false;
    return EVP_CipherFinal_ex(work, out + len, &len) == 1;
}

bool seal_open(const struct seal_key *key, struct bytes purpose, struct bytes sealed, struct arena *arena,
               struct bytes *out, struct fail *why)
{
    if (!bytes_starts(sealed, magic))
        return fail(why, FAIL_INPUT, "this is nothing sealed: it does not begin with SLV1");
    if (sealed.len < OVERHEAD || sealed.len > OVERHEAD + (size_t)PLAIN_MAX)
        return fail(why, FAIL_INPUT, "sealed: %zu bytes cannot be whole", sealed.len);
    struct bytes body = bytes_part(sealed, HEAD_SIZE, sealed.len - TAG_SIZE);
    char *at = arena_raw(arena, body.len + 1);
    EVP_CIPHER_CTX *work = begin(key, (const unsigned char *)sealed.at + MAGIC_SIZE, purpose, 0);
    bool good = work && decrypt(work, body, sealed.at + sealed.len - TAG_SIZE, (unsigned char *)at);
    EVP_CIPHER_CTX_free(work);
    if (!good) {
        heap_wipe(at, body.len); /* what was decrypted before the tag proved it wrong */
        return fail(why, FAIL_DENIED, "sealed with another key, for another purpose, or changed since");
    }
    *out = bytes_make(at, body.len);
    return true;
}
