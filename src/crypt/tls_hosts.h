/*
 * tls_hosts: the names by which a client knows the server it calls: one of them
 * must stand in the server's certificate. A name is a DNS name, an IP address or
 * a URI (anything with "://"), as in Istio's subjectAltNames.
 */
#ifndef CRYPT_TLS_HOSTS_H
#define CRYPT_TLS_HOSTS_H

#include <openssl/x509.h>

#include "base/fail.h"
#include "crypt/tls.h"

struct tls_hosts {
    char *at[TLS_HOSTS_MAX];
    size_t count;
};

bool tls_hosts_add(struct tls_hosts *hosts, struct bytes name, struct fail *why);
void tls_hosts_done(struct tls_hosts *hosts);
/* True when there are no names at all. */
bool tls_hosts_check(const struct tls_hosts *hosts, X509 *leaf, struct fail *why);

#endif
