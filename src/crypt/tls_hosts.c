#include "crypt/tls_hosts.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "base/heap.h"

enum { NAME_MAX_HERE = 2048 }; /* of a SPIFFE id */

static bool is_address(const char *name)
{
    struct in6_addr address;
    return inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1;
}

static bool is_uri(const char *name)
{
    return strstr(name, "://") != NULL;
}

bool tls_hosts_add(struct tls_hosts *hosts, struct bytes name, struct fail *why)
{
    if (!name.len || name.len > NAME_MAX_HERE || memchr(name.at, '\0', name.len))
        return fail(why, FAIL_INPUT, "the host name to be verified is none");
    if (hosts->count == TLS_HOSTS_MAX)
        return fail(why, FAIL_LIMIT, "more than %d names to be verified", TLS_HOSTS_MAX);
    char *text = heap_text(name);
    if (!is_uri(text) && name.len > 253) {
        free(text);
        return fail(why, FAIL_INPUT, "the host name to be verified is none");
    }
    hosts->at[hosts->count++] = text;
    return true;
}

void tls_hosts_done(struct tls_hosts *hosts)
{
    for (size_t i = 0; i < hosts->count; i++)
        free(hosts->at[i]);
    hosts->count = 0;
}

static bool has_uri(X509 *leaf, const char *name)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    size_t len = strlen(name);
    bool found = false;
    for (int i = 0; i < sk_GENERAL_NAME_num(all) && !found; i++) {
        const GENERAL_NAME *each = sk_GENERAL_NAME_value(all, i);
        if (each->type != GEN_URI)
            continue;
        const ASN1_STRING *uri = each->d.uniformResourceIdentifier;
        found = (size_t)ASN1_STRING_length(uri) == len && memcmp(ASN1_STRING_get0_data(uri), name, len) == 0;
    }
    GENERAL_NAMES_free(all);
    return found;
}

static bool has_name(X509 *leaf, const char *name)
{
    if (is_uri(name))
        return has_uri(leaf, name);
    if (is_address(name))
        return X509_check_ip_asc(leaf, name, 0) == 1;
    return X509_check_host(leaf, name, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
}

bool tls_hosts_check(const struct tls_hosts *hosts, X509 *leaf, struct fail *why)
{
    for (size_t i = 0; i < hosts->count; i++)
        if (has_name(leaf, hosts->at[i]))
            return true;
    if (!hosts->count)
        return true;
    return fail(why, FAIL_PEER, "%s",
                is_address(hosts->at[0]) ? "it is for another address" : "it is for another host name");
}
