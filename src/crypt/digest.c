#include "crypt/digest.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

struct digest_work; /* an EVP_MD_CTX by another name */

static const EVP_MD *sha256;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void must(int ok, const char *what)
{
    if (ok == 1)
        return;
    fprintf(stderr, "selvage: OpenSSL cannot %s\n", what);
    abort();
}

/* Fetched once: a fetch by name at each digest costs more than the digest. */
static void fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    must(sha256 != NULL, "provide SHA-256");
}

struct digest_work *digest_start(void)
{
    pthread_once(&once, fetch);
    EVP_MD_CTX *work = EVP_MD_CTX_new();
    must(work && EVP_DigestInit_ex2(work, sha256, NULL), "begin a digest");
    return (struct digest_work *)work;
}

void digest_more(struct digest_work *work, struct bytes b)
{
    must(EVP_DigestUpdate((EVP_MD_CTX *)work, b.at, b.len), "continue a digest");
}

static struct digest digest_take(struct digest_work *work)
{
    struct digest out;
    unsigned len = sizeof out.bytes;
    must(EVP_DigestFinal_ex((EVP_MD_CTX *)work, out.bytes, &len), "end a digest");
    return out;
}

void digest_free(struct digest_work *work)
{
    EVP_MD_CTX_free((EVP_MD_CTX *)work);
}

struct digest digest_end(struct digest_work *work)
{
    struct digest out = digest_take(work);
    digest_free(work);
    return out;
}

struct digest digest_again(struct digest_work *work, struct bytes b)
{
    must(EVP_DigestInit_ex2((EVP_MD_CTX *)work, NULL, NULL), "begin a digest again");
    digest_more(work, b);
    return digest_take(work);
}

struct digest digest_of(struct bytes b)
{
    struct digest_work *work = digest_start();
    digest_more(work, b);
    return digest_end(work);
}

void sha1_of(struct bytes b, unsigned char out[SHA1_SIZE])
{
    must(EVP_Digest(b.at, b.len, out, NULL, EVP_sha1(), NULL), "make a SHA-1");
}

void random_bytes(void *out, size_t size)
{
    must(RAND_bytes_ex(NULL, out, size, 0), "give random bytes");
}
