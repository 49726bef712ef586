#include "crypt/x509.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "wire/spiffe_id.h"

bool x509_fail(struct fail *why, enum fail_kind kind, const char *format, ...)
{
    char sentence[300];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    unsigned long error = ERR_get_error(); /* the oldest is the cause */
    const char *reason = error ? ERR_reason_error_string(error) : NULL;
    ERR_clear_error();
    return reason ? fail(why, kind, "%s: %s", sentence, reason) : fail(why, kind, "%s", sentence);
}

static BIO *open_text(struct bytes pem, struct fail *why)
{
    ERR_clear_error();
    if (pem.len > X509_PEM_MAX) {
        fail(why, FAIL_LIMIT, "%zu bytes of PEM; at most %d are allowed", pem.len, X509_PEM_MAX);
        return NULL;
    }
    BIO *bio = BIO_new_mem_buf(pem.len ? pem.at : "", (int)pem.len);
    if (!bio)
        x509_fail(why, FAIL_SELF, "no memory for PEM");
    return bio;
}

/* Nobody is there to be asked for a pass phrase. */
static int refuse_phrase(char *buffer, int size, int writing, void *owner)
{
    (void)buffer;
    (void)size;
    (void)writing;
    *(bool *)owner = true;
    return -1;
}

void x509_stack_free(STACK_OF(X509) * certs)
{
    sk_X509_pop_free(certs, X509_free);
}

/* Answers whether the text ended where it may end. */
static bool read_each(BIO *bio, STACK_OF(X509) * certs, size_t max, struct fail *why)
{
    bool phrase = false;
    X509 *cert;
    while ((cert = PEM_read_bio_X509(bio, NULL, refuse_phrase, &phrase))) {
        if ((size_t)sk_X509_num(certs) >= max) {
            X509_free(cert);
            return fail(why, FAIL_LIMIT, "more than %zu certificates", max);
        }
        sk_X509_push(certs, cert);
    }
    int count = sk_X509_num(certs);
    unsigned long error = ERR_peek_last_error();
    if (ERR_GET_LIB(error) != ERR_LIB_PEM || ERR_GET_REASON(error) != PEM_R_NO_START_LINE)
        return x509_fail(why, FAIL_INPUT, "certificate %d of the PEM cannot be read", count + 1);
    ERR_clear_error();
    return count > 0 || fail(why, FAIL_INPUT, "no certificate: PEM with BEGIN CERTIFICATE is expected");
}

STACK_OF(X509) * x509_read_all(struct bytes pem, size_t max, struct fail *why)
{
    BIO *bio = open_text(pem, why);
    if (!bio)
        return NULL;
    STACK_OF(X509) *certs = sk_X509_new_null();
    bool good = read_each(bio, certs, max, why);
    BIO_free(bio);
    if (good)
        return certs;
    x509_stack_free(certs);
    return NULL;
}

EVP_PKEY *x509_key_read(struct bytes pem, struct fail *why)
{
    BIO *bio = open_text(pem, why);
    if (!bio)
        return NULL;
    bool phrase = false;
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, refuse_phrase, &phrase);
    BIO_free(bio);
    if (!key && phrase)
        fail(why, FAIL_INPUT, "the private key is under a pass phrase; give it without one");
    else if (!key)
        fail(why, FAIL_INPUT, "no private key: PEM with BEGIN PRIVATE KEY is expected");
    ERR_clear_error();
    return key;
}

X509_STORE *x509_store_new(STACK_OF(X509) * roots)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    for (int i = 0; i < sk_X509_num(roots); i++)
        X509_STORE_add_cert(store, sk_X509_value(roots, i));
    return store;
}

static struct bytes from_bio(BIO *bio, struct arena *arena)
{
    char *at = NULL;
    long len = BIO_get_mem_data(bio, &at);
    struct bytes out = arena_bytes(arena, bytes_make(at, len > 0 ? (size_t)len : 0));
    BIO_free(bio);
    return out;
}

struct bytes x509_pem(STACK_OF(X509) * certs, struct arena *arena)
{
    BIO *bio = BIO_new(BIO_s_mem());
    for (int i = 0; i < sk_X509_num(certs); i++)
        PEM_write_bio_X509(bio, sk_X509_value(certs, i));
    return from_bio(bio, arena);
}

struct bytes x509_key_pem(EVP_PKEY *key, struct arena *arena)
{
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    return from_bio(bio, arena);
}

struct bytes x509_subject(X509 *cert, struct arena *arena)
{
    BIO *bio = BIO_new(BIO_s_mem());
    X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253);
    return from_bio(bio, arena);
}

struct bytes x509_serial(X509 *cert, struct arena *arena)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
    struct text hex;
    text_init_arena(&hex, arena);
    text_add_hex(&hex, bytes_make(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)));
    return text_bytes(&hex);
}

bool x509_self_signed(X509 *cert)
{
    bool yes = X509_self_signed(cert, 0) == 1;
    ERR_clear_error();
    return yes;
}

int64_t x509_seconds(const ASN1_TIME *time)
{
    struct tm parts = {0};
    return ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

/* IA5String less its control characters: a NUL or a line break here has fooled others. */
static bool read_text(const ASN1_IA5STRING *text, struct bytes *out, struct fail *why)
{
    int len = ASN1_STRING_length(text);
    struct bytes b = bytes_make(ASN1_STRING_get0_data(text), len > 0 ? (size_t)len : 0);
    for (size_t i = 0; i < b.len; i++)
        if (b.at[i] < 0x21 || b.at[i] > 0x7e)
            return fail(why, FAIL_INPUT,
                        "a subject alternative name holds a byte that is no printable ASCII");
    *out = b;
    return true;
}

static bool take_name(const GENERAL_NAME *name, struct x509_names *names, struct fail *why)
{
    if (name->type != GEN_URI && name->type != GEN_DNS && name->type != GEN_EMAIL)
        return true;
    struct bytes b;
    if (!read_text(name->d.ia5, &b, why))
        return false;
    if (name->type == GEN_URI && names->uri_count++ == 0)
        names->uri = b;
    if (name->type == GEN_DNS && !names->dns.len)
        names->dns = b;
    return true;
}

bool x509_names_read(X509 *cert, struct arena *arena, struct x509_names *out, struct fail *why)
{
    int found;
    GENERAL_NAMES *all = X509_get_ext_d2i(cert, NID_subject_alt_name, &found, NULL);
    *out = (struct x509_names){0};
    if (!all && found == -1)
        return true;
    if (!all) {
        ERR_clear_error();
        return fail(why, FAIL_INPUT,
                    found == -2 ? "two extensions of subject alternative names"
                                : "the subject alternative names cannot be read");
    }
    struct x509_names names = {0};
    bool good = true;
    for (int i = 0; good && i < sk_GENERAL_NAME_num(all); i++)
        good = take_name(sk_GENERAL_NAME_value(all, i), &names, why);
    if (good)
        *out = (struct x509_names){arena_bytes(arena, names.uri), arena_bytes(arena, names.dns),
                                   names.uri_count};
    GENERAL_NAMES_free(all);
    return good;
}

/* OpenSSL keeps what it could not make sense of as one flag. */
static bool well_formed(X509 *cert, struct fail *why)
{
    bool bad = (X509_get_extension_flags(cert) & EXFLAG_INVALID) != 0;
    ERR_clear_error();
    return !bad || fail(why, FAIL_INPUT, "an extension of the certificate cannot be read");
}

static bool leaf_usage_check(X509 *leaf, struct fail *why)
{
    uint32_t usage = X509_get_key_usage(leaf);
    if (X509_get_extension_flags(leaf) & EXFLAG_CA)
        return fail(why, FAIL_INPUT, "CA is true, but a workload's certificate may not sign others");
    if (!(X509_get_extension_flags(leaf) & EXFLAG_KUSAGE))
        return fail(why, FAIL_INPUT, "no key usage; digitalSignature is required");
    if (usage & KU_KEY_CERT_SIGN)
        return fail(why, FAIL_INPUT,
                    "key usage has keyCertSign, which a workload's certificate may not have");
    if (usage & KU_CRL_SIGN)
        return fail(why, FAIL_INPUT, "key usage has cRLSign, which a workload's certificate may not have");
    if (!(usage & KU_DIGITAL_SIGNATURE))
        return fail(why, FAIL_INPUT, "key usage lacks digitalSignature");
    return true;
}

bool x509_leaf_check(X509 *leaf, const struct x509_names *names, struct fail *why)
{
    if (!well_formed(leaf, why) || !leaf_usage_check(leaf, why))
        return false;
    if (names->uri_count != 1)
        return fail(why, FAIL_INPUT, "%u URI names, but a workload's certificate has exactly one",
                    names->uri_count);
    struct spiffe_id id;
    if (!spiffe_id_parse(names->uri, &id, why))
        return fail_in(why, "the URI name");
    if (!id.path.len)
        return fail(why, FAIL_INPUT, "the URI name is a trust domain without the path of a workload");
    return true;
}

bool x509_signer_check(X509 *signer, struct fail *why)
{
    if (!well_formed(signer, why))
        return false;
    if (!(X509_get_extension_flags(signer) & EXFLAG_CA))
        return fail(why, FAIL_INPUT, "CA is not true");
    if (!(X509_get_extension_flags(signer) & EXFLAG_KUSAGE) ||
        !(X509_get_key_usage(signer) & KU_KEY_CERT_SIGN))
        return fail(why, FAIL_INPUT, "key usage lacks keyCertSign");
    return true;
}
