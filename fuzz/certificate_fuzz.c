/* Certificates: the input is a DER certificate, or PEM when it begins with a dash. */
#include <openssl/evp.h>

#include "base/text.h"
#include "crypt/certificate.h"
#include "crypt/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bytes pem_of(struct arena *arena, const uint8_t *der, size_t size)
{
    struct text pem;
    text_init_arena(&pem, arena);
    text_add_s(&pem, "-----BEGIN CERTIFICATE-----\n");
    for (size_t at = 0; at < size; at += 48) {
        unsigned char line[65];
        int len = EVP_EncodeBlock(line, der + at, (int)(size - at < 48 ? size - at : 48));
        text_add(&pem, bytes_make(line, (size_t)len));
        text_add_c(&pem, '\n');
    }
    text_add_s(&pem, "-----END CERTIFICATE-----\n");
    return text_bytes(&pem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct fail why;
    struct certificate_facts facts;
    struct peer peer;
    arena_init(&arena);
    struct bytes pem = size && data[0] == '-' ? bytes_make(data, size) : pem_of(&arena, data, size);
    certificate_facts(pem, &arena, &facts, &why);
    certificate_shape_check(pem, &why);
    certificate_key_matches(pem, pem, &why);
    STACK_OF(X509) *all = x509_read_all(pem, X509_CHAIN_MAX, &why);
    if (all)
        peer_read(sk_X509_value(all, 0), &arena, &peer, &why);
    x509_stack_free(all);
    arena_done(&arena);
    return 0;
}
