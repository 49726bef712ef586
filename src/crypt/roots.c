#include "crypt/roots.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/heap.h"
#include "crypt/x509.h"

static pthread_once_t load_once = PTHREAD_ONCE_INIT;
static pthread_once_t parse_once = PTHREAD_ONCE_INIT;
static struct bytes text;
static X509_STORE *store;

static struct bytes read_whole(FILE *file)
{
    char *at = heap_alloc(X509_PEM_MAX);
    size_t len = fread(at, 1, X509_PEM_MAX, file);
    return bytes_make(heap_grow(at, len, 1), len);
}

/* Where distributions keep them; SSL_CERT_FILE comes first, as for OpenSSL itself. */
static void load(void)
{
    const char *const places[] = {
        secure_getenv("SSL_CERT_FILE"),
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    };
    for (size_t i = 0; !text.len && i < sizeof places / sizeof places[0]; i++) {
        FILE *file = places[i] ? fopen(places[i], "re") : NULL;
        if (!file)
            continue;
        text = read_whole(file);
        fclose(file);
    }
}

static void parse(void)
{
    struct fail ignored;
    roots_load();
    STACK_OF(X509) *all = x509_read_all(text, X509_BUNDLE_MAX, &ignored);
    if (all)
        store = x509_store_new(all);
    x509_stack_free(all);
}

void roots_load(void)
{
    pthread_once(&load_once, load);
}

X509_STORE *roots_store(struct fail *why)
{
    pthread_once(&parse_once, parse);
    if (!store) {
        fail(why, FAIL_SELF,
             "the system has no trusted roots (package ca-certificates); name a trust bundle");
        return NULL;
    }
    X509_STORE_up_ref(store);
    return store;
}
