#include "crypt/tls_vouch.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/heap.h"
#include "crypt/x509.h"
#include "wire/spiffe_id.h"

struct tls_vouch_domain {
    char *name;
    STACK_OF(X509) * roots;
};

static int text_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool domains_take(struct tls_vouch *vouch, const struct tls_settings *settings, struct fail *why)
{
    vouch->domains = heap_alloc_array(settings->domain_count + 1, sizeof *vouch->domains);
    for (size_t i = 0; i < settings->domain_count; i++) {
        const struct tls_domain *from = &settings->domains[i];
        STACK_OF(X509) *roots = x509_read_all(from->roots, X509_BUNDLE_MAX, why);
        if (!roots)
            return fail_in(why, "roots of the trust domain %.*s", BYTES_FMT(from->name));
        vouch->domains[vouch->domain_count++] = (struct tls_vouch_domain){heap_text(from->name), roots};
    }
    return true;
}

bool tls_vouch_init(struct tls_vouch *vouch, const struct tls_settings *settings, struct fail *why)
{
    *vouch = (struct tls_vouch){0};
    vouch->revoked = heap_alloc_array(settings->revoked_count + 1, sizeof *vouch->revoked);
    for (; vouch->revoked_count < settings->revoked_count; vouch->revoked_count++)
        vouch->revoked[vouch->revoked_count] = heap_text(settings->revoked[vouch->revoked_count]);
    qsort(vouch->revoked, vouch->revoked_count, sizeof *vouch->revoked, text_order);
    return domains_take(vouch, settings, why);
}

void tls_vouch_done(struct tls_vouch *vouch)
{
    for (size_t i = 0; i < vouch->domain_count; i++) {
        free(vouch->domains[i].name);
        x509_stack_free(vouch->domains[i].roots);
    }
    for (size_t i = 0; i < vouch->revoked_count; i++)
        free(vouch->revoked[i]);
    free(vouch->domains);
    free(vouch->revoked);
    *vouch = (struct tls_vouch){0};
}

static void feed(struct digest_work *work, const void *at, size_t len)
{
    uint64_t size = len;
    digest_more(work, bytes_make(&size, sizeof size));
    digest_more(work, bytes_make(at, len));
}

void tls_vouch_feed(const struct tls_vouch *vouch, struct digest_work *work)
{
    for (size_t i = 0; i < vouch->domain_count; i++) {
        const struct tls_vouch_domain *domain = &vouch->domains[i];
        feed(work, domain->name, strlen(domain->name));
        for (int k = 0; k < sk_X509_num(domain->roots); k++) {
            unsigned char digest[32];
            unsigned len = sizeof digest;
            if (X509_digest(sk_X509_value(domain->roots, k), EVP_sha256(), digest, &len) == 1)
                feed(work, digest, len);
        }
    }
    for (size_t i = 0; i < vouch->revoked_count; i++)
        feed(work, vouch->revoked[i], strlen(vouch->revoked[i]));
}

void tls_vouch_each(const struct tls_vouch *vouch, void (*each)(X509 *root, void *self), void *self)
{
    for (size_t i = 0; i < vouch->domain_count; i++)
        for (int k = 0; k < sk_X509_num(vouch->domains[i].roots); k++)
            each(sk_X509_value(vouch->domains[i].roots, k), self);
}

static STACK_OF(X509) * domain_roots(const struct tls_vouch *vouch, struct bytes name)
{
    for (size_t i = 0; i < vouch->domain_count; i++)
        if (bytes_equal(bytes_of(vouch->domains[i].name), name))
            return vouch->domains[i].roots;
    return NULL;
}

/* What has no name, or several, is nobody of another domain: it is refused for that later. */
STACK_OF(X509) * tls_vouch_roots(const struct tls_vouch *vouch, X509 *leaf)
{
    struct arena arena;
    struct x509_names names;
    struct spiffe_id id;
    struct fail ignored;
    STACK_OF(X509) *roots = NULL;
    if (!vouch->domain_count)
        return NULL;
    arena_init(&arena);
    if (x509_names_read(leaf, &arena, &names, &ignored) && names.uri_count == 1 &&
        spiffe_id_parse(names.uri, &id, &ignored))
        roots = domain_roots(vouch, id.trust_domain);
    arena_done(&arena);
    return roots;
}

bool tls_vouch_check(const struct tls_vouch *vouch, STACK_OF(X509) * chain, struct fail *why)
{
    bool good = true;
    struct arena arena;
    if (!vouch->revoked_count)
        return true;
    arena_init(&arena);
    for (int i = 0; good && i < sk_X509_num(chain); i++) {
        const char *serial = arena_text(&arena, x509_serial(sk_X509_value(chain, i), &arena));
        if (bsearch(&serial, vouch->revoked, vouch->revoked_count, sizeof *vouch->revoked, text_order))
            good = fail(why, FAIL_DENIED, "the certificate with serial %s is revoked", serial);
    }
    arena_done(&arena);
    return good;
}
