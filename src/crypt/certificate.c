#include "crypt/certificate.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "crypt/x509.h"

static bool chain_shape_check(STACK_OF(X509) * chain, struct arena *scratch, struct fail *why)
{
    struct x509_names names;
    X509 *leaf = sk_X509_value(chain, 0);
    if (!x509_names_read(leaf, scratch, &names, why) || !x509_leaf_check(leaf, &names, why))
        return false;
    for (int i = 1; i < sk_X509_num(chain); i++)
        if (!x509_signer_check(sk_X509_value(chain, i), why))
            return fail_in(why, "certificate %d of the chain", i + 1);
    return true;
}

bool certificate_shape_check(struct bytes pem, struct fail *why)
{
    STACK_OF(X509) *chain = x509_read_all(pem, X509_CHAIN_MAX, why);
    if (!chain)
        return false;
    struct arena scratch;
    arena_init(&scratch);
    bool good = chain_shape_check(chain, &scratch, why);
    arena_done(&scratch);
    x509_stack_free(chain);
    return good;
}

static struct bytes algorithm_of(X509 *cert, struct arena *arena)
{
    EVP_PKEY *key = X509_get0_pubkey(cert);
    if (!key)
        return (struct bytes){0};
    if (EVP_PKEY_is_a(key, "EC"))
        return arena_format(arena, "ECDSA P-%d", EVP_PKEY_get_bits(key));
    if (EVP_PKEY_is_a(key, "RSA"))
        return arena_format(arena, "RSA %d", EVP_PKEY_get_bits(key));
    return arena_bytes(arena, EVP_PKEY_is_a(key, "ED25519") ? BYTES("Ed25519")
                                                            : bytes_of(EVP_PKEY_get0_type_name(key)));
}

static bool read_facts(X509 *cert, struct arena *arena, struct certificate_facts *out, struct fail *why)
{
    struct x509_names names;
    if (!x509_names_read(cert, arena, &names, why))
        return false;
    *out = (struct certificate_facts){
        .subject = x509_subject(cert, arena),
        .uri = names.uri,
        .serial = x509_serial(cert, arena),
        .algorithm = algorithm_of(cert, arena),
        .not_before_s = x509_seconds(X509_get0_notBefore(cert)),
        .not_after_s = x509_seconds(X509_get0_notAfter(cert)),
        .is_ca = (X509_get_extension_flags(cert) & EXFLAG_CA) != 0,
    };
    ERR_clear_error();
    return true;
}

bool certificate_facts(struct bytes pem, struct arena *arena, struct certificate_facts *out, struct fail *why)
{
    STACK_OF(X509) *chain = x509_read_all(pem, X509_BUNDLE_MAX, why);
    if (!chain)
        return false;
    bool good = read_facts(sk_X509_value(chain, 0), arena, out, why);
    x509_stack_free(chain);
    return good;
}

bool certificate_key_matches(struct bytes chain_pem, struct bytes key_pem, struct fail *why)
{
    EVP_PKEY *key = NULL;
    STACK_OF(X509) *chain = x509_read_all(chain_pem, X509_CHAIN_MAX, why);
    bool good = chain && (key = x509_key_read(key_pem, why));
    if (good && X509_check_private_key(sk_X509_value(chain, 0), key) != 1)
        good = fail(why, FAIL_INPUT, "the private key does not belong to the certificate");
    ERR_clear_error();
    EVP_PKEY_free(key);
    x509_stack_free(chain);
    return good;
}
