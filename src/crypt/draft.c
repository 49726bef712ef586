#include "crypt/draft.h"

#include <openssl/x509v3.h>

#include "crypt/digest.h"

enum { KEY_ID_SIZE = 20 };

EVP_PKEY *draft_key_new(struct fail *why)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (!key)
        x509_fail(why, FAIL_SELF, "OpenSSL makes no P-256 key");
    return key;
}

/* 127 random bits: unguessable, and positive in 16 bytes. */
static bool set_serial(X509 *cert)
{
    unsigned char random[16];
    random_bytes(random, sizeof random);
    random[0] = (unsigned char)((random[0] & 0x7f) | 0x40);
    BIGNUM *number = BN_bin2bn(random, sizeof random, NULL);
    bool good = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
    BN_free(number);
    return good;
}

static bool add_name(X509_NAME *name, const char *field, struct bytes value)
{
    return !value.len ||
           X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, (const unsigned char *)value.at,
                                      (int)value.len, -1, 0) == 1;
}

static bool add_extension(X509 *cert, int nid, void *value, bool critical)
{
    return value && X509_add1_ext_i2d(cert, nid, value, critical, X509V3_ADD_APPEND) == 1;
}

static bool add_constraints(X509 *cert, const struct draft *draft)
{
    BASIC_CONSTRAINTS *value = BASIC_CONSTRAINTS_new();
    value->ca = draft->is_ca ? 0xff : 0;
    if (draft->is_ca && draft->path_length >= 0) {
        value->pathlen = ASN1_INTEGER_new();
        ASN1_INTEGER_set(value->pathlen, draft->path_length);
    }
    bool good = add_extension(cert, NID_basic_constraints, value, true);
    BASIC_CONSTRAINTS_free(value);
    return good;
}

/* The bits that RFC 5280 4.2.1.3 numbers from the left, in the order of OpenSSL's flags. */
static bool add_key_usage(X509 *cert, uint32_t usage)
{
    static const uint32_t flags[] = {KU_DIGITAL_SIGNATURE, KU_NON_REPUDIATION, KU_KEY_ENCIPHERMENT,
                                     KU_DATA_ENCIPHERMENT, KU_KEY_AGREEMENT,   KU_KEY_CERT_SIGN,
                                     KU_CRL_SIGN};
    if (!usage)
        return true;
    ASN1_BIT_STRING *value = ASN1_BIT_STRING_new();
    for (int i = 0; i < (int)(sizeof flags / sizeof flags[0]); i++)
        if (usage & flags[i])
            ASN1_BIT_STRING_set_bit(value, i, 1);
    bool good = add_extension(cert, NID_key_usage, value, true);
    ASN1_BIT_STRING_free(value);
    return good;
}

static bool add_purposes(X509 *cert, const int *purposes)
{
    if (!purposes)
        return true;
    EXTENDED_KEY_USAGE *value = EXTENDED_KEY_USAGE_new();
    for (; *purposes; purposes++)
        sk_ASN1_OBJECT_push(value, OBJ_nid2obj(*purposes));
    bool good = add_extension(cert, NID_ext_key_usage, value, false);
    EXTENDED_KEY_USAGE_free(value);
    return good;
}

static void push_names(GENERAL_NAMES *names, int type, const struct bytes *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        GENERAL_NAME *name = GENERAL_NAME_new();
        ASN1_IA5STRING *text = ASN1_IA5STRING_new();
        ASN1_STRING_set(text, items[i].at, (int)items[i].len);
        GENERAL_NAME_set0_value(name, type, text);
        sk_GENERAL_NAME_push(names, name);
    }
}

/* Critical only when the subject is empty (RFC 5280 4.2.1.6), which X509-SVID.md leaves to it. */
static bool add_names(X509 *cert, const struct draft *draft)
{
    if (!draft->uri_count && !draft->dns_count)
        return true;
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    push_names(names, GEN_URI, draft->uris, draft->uri_count);
    push_names(names, GEN_DNS, draft->dns, draft->dns_count);
    bool critical = X509_NAME_entry_count(X509_get_subject_name(cert)) == 0;
    bool good = add_extension(cert, NID_subject_alt_name, names, critical);
    GENERAL_NAMES_free(names);
    return good;
}

/* RFC 7093 2: the first 160 bits of SHA-256 over the public key. */
static bool add_key_id(X509 *cert)
{
    const ASN1_BIT_STRING *key = X509_get0_pubkey_bitstr(cert);
    struct digest digest = digest_of(bytes_make(ASN1_STRING_get0_data(key), (size_t)ASN1_STRING_length(key)));
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(value, digest.bytes, KEY_ID_SIZE);
    bool good = add_extension(cert, NID_subject_key_identifier, value, false);
    ASN1_OCTET_STRING_free(value);
    return good;
}

static bool add_issuer_id(X509 *cert, X509 *issuer)
{
    const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(issuer);
    if (!id)
        return true; /* an authority of somebody else's without one */
    AUTHORITY_KEYID *value = AUTHORITY_KEYID_new();
    value->keyid = ASN1_OCTET_STRING_dup(id);
    bool good = add_extension(cert, NID_authority_key_identifier, value, false);
    AUTHORITY_KEYID_free(value);
    return good;
}

static bool fill(X509 *cert, const struct draft *draft, EVP_PKEY *key)
{
    return X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
           add_name(X509_get_subject_name(cert), "O", draft->organization) &&
           add_name(X509_get_subject_name(cert), "CN", draft->common_name) &&
           ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)draft->not_before_s) &&
           ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)draft->not_after_s) &&
           X509_set_pubkey(cert, key) == 1 && add_constraints(cert, draft) &&
           add_key_usage(cert, draft->key_usage) && add_purposes(cert, draft->purposes) &&
           add_names(cert, draft) && add_key_id(cert);
}

/* Ed25519 and Ed448 bring their own digest. */
static const EVP_MD *digest_for(EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448") ? NULL : EVP_sha256();
}

X509 *draft_sign(const struct draft *draft, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key,
                 struct fail *why)
{
    X509 *cert = X509_new();
    EVP_PKEY *signer = issuer ? issuer_key : key;
    if (fill(cert, draft, key) &&
        X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert)) == 1 &&
        add_issuer_id(cert, issuer ? issuer : cert) && X509_sign(cert, signer, digest_for(signer)) > 0)
        return cert;
    x509_fail(why, FAIL_SELF, "OpenSSL signs no such certificate");
    X509_free(cert);
    return NULL;
}
