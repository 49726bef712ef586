#include "rules/kind/server_tls.h"

static const char *const mode_choices[] = {"PASSTHROUGH",  "SIMPLE",          "MUTUAL", "AUTO_PASSTHROUGH",
                                           "ISTIO_MUTUAL", "OPTIONAL_MUTUAL", NULL};
static const char *const version_choices[] = {"TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3", NULL};

static const struct field certificate_fields[] = {
    {"serverCertificate", FIELD_TEXT, 0, offsetof(struct server_certificate, certificate), .help = "a file"},
    {"privateKey", FIELD_TEXT, 0, offsetof(struct server_certificate, key), .help = "a file"},
    {"caCertificates", FIELD_TEXT, 0, .help = "a file"},
};
static FIELD_TABLE(certificate, struct server_certificate);

static const struct field server_tls_fields[] = {
    {"httpsRedirect", FIELD_BOOL, 0, offsetof(struct server_tls, https_redirect),
     .help = "answer every request with a redirect to https"},
    {"mode", FIELD_CHOICE, 0, offsetof(struct server_tls, mode), .choices = mode_choices,
     .choices_not_yet = 1u << SERVER_TLS_AUTO_PASSTHROUGH | 1u << SERVER_TLS_OPTIONAL_MUTUAL,
     .help = "how TLS is terminated and whether clients need a certificate"},
    {"credentialName", FIELD_TEXT, 0, offsetof(struct server_tls, credential_name),
     .help = "the Secret with the server's certificate and key, for MUTUAL also the clients' CA"},
    {"credentialNames", FIELD_TEXT, FIELD_LIST | FIELD_FILLED | FIELD_NOT_YET,
     offsetof(struct server_tls, credential_names), .oneof = 1, .help = "several Secrets, for RSA and ECDSA"},
    {"tlsCertificates", FIELD_GROUP, FIELD_LIST | FIELD_FILLED | FIELD_NOT_YET,
     offsetof(struct server_tls, certificates), &certificate_table, .oneof = 1,
     .help = "several certificates in files"},
    {"serverCertificate", FIELD_TEXT, FIELD_NOT_YET, offsetof(struct server_tls, server_certificate),
     .help = "a file with the server's certificate"},
    {"privateKey", FIELD_TEXT, FIELD_NOT_YET, offsetof(struct server_tls, private_key),
     .help = "a file with the server's key"},
    {"caCertificates", FIELD_TEXT, FIELD_NOT_YET | FIELD_GUARD, offsetof(struct server_tls, ca_certificates),
     .help = "a file with the clients' CA"},
    {"caCertCredentialName", FIELD_TEXT, FIELD_NOT_YET | FIELD_GUARD,
     .help = "a Secret with the clients' CA"},
    {"caCrl", FIELD_TEXT, FIELD_NOT_YET | FIELD_GUARD, offsetof(struct server_tls, ca_crl),
     .help = "a file with certificates revoked"},
    {"subjectAltNames", FIELD_TEXT, FIELD_LIST, offsetof(struct server_tls, subject_alt_names),
     .help = "names of which a client's certificate must carry one"},
    {"verifyCertificateSpki", FIELD_TEXT, FIELD_LIST | FIELD_NOT_YET | FIELD_GUARD,
     .help = "hashes of clients' public keys"},
    {"verifyCertificateHash", FIELD_TEXT, FIELD_LIST | FIELD_NOT_YET | FIELD_GUARD,
     .help = "hashes of clients' certificates"},
    {"minProtocolVersion", FIELD_CHOICE, 0, offsetof(struct server_tls, min_version),
     .choices = version_choices, .choices_not_yet = 1u << TLS_VERSION_1_0 | 1u << TLS_VERSION_1_1,
     .help = "the oldest TLS accepted"},
    {"maxProtocolVersion", FIELD_CHOICE, 0, offsetof(struct server_tls, max_version),
     .choices = version_choices, .choices_not_yet = 1u << TLS_VERSION_1_0 | 1u << TLS_VERSION_1_1,
     .help = "the newest TLS accepted"},
    {"cipherSuites", FIELD_TEXT, FIELD_LIST | FIELD_NOT_YET, offsetof(struct server_tls, ciphers),
     .help = "ciphers of TLS 1.2"},
    {"ecdhCurves", FIELD_TEXT, FIELD_LIST | FIELD_NOT_YET, .help = "groups of the key exchange"},
    {"insecureSkipVerify", FIELD_BOOL, FIELD_NOT_YET, .help = "not verifying clients"},
};
FIELD_TABLE(server_tls, struct server_tls);

/* ---- checks ---- */

static const char *const known_ciphers[] = {
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES256-SHA",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-SHA",
    "AES256-SHA",
    "DES-CBC3-SHA",
    "ALL",
};

/* What begins with a sign is an expression of OpenSSL's. */
static bool is_cipher(struct bytes name)
{
    bool known = name.len == 0 || (!ascii_is_alpha(name.at[0]) && !ascii_is_digit(name.at[0]));
    for (size_t i = 0; i < sizeof known_ciphers / sizeof known_ciphers[0]; i++)
        known = known || bytes_equal(name, bytes_of(known_ciphers[i]));
    return known;
}

static void check_ciphers(const struct server_tls *tls, struct report *report)
{
    const struct yaml_node *list = yaml_get(tls->group.node, "cipherSuites");
    for (size_t i = 0; i < tls->ciphers.count; i++)
        if (!is_cipher(tls->ciphers.at[i]))
            report_warning(report, yaml_item(list, i), "'%.*s' is no cipher", BYTES_FMT(tls->ciphers.at[i]));
}

/* In how many ways a certificate is named. */
static int sources(const struct server_tls *tls)
{
    return (tls->server_certificate.len && tls->private_key.len) + (tls->credential_name.len > 0) +
           (tls->credential_names.count > 0) + (tls->certificates.count > 0);
}

static bool names_anything(const struct server_tls *tls)
{
    return sources(tls) > 0 || tls->server_certificate.len || tls->private_key.len ||
           tls->ca_certificates.len;
}

static void check_pair(const struct server_tls *tls, const struct group *group, struct bytes certificate,
                       struct bytes key, struct report *report)
{
    const char *mode = mode_choices[tls->mode];
    if (!certificate.len && !key.len && group == &tls->group)
        report_error(report, group->node, "mode %s needs a credentialName", mode);
    else if (!certificate.len)
        report_error(report, group->node, "mode %s needs a serverCertificate", mode);
    else if (!key.len)
        report_error(report, group->node, "mode %s needs a privateKey", mode);
}

/* Of a mode that ends TLS, whose certificates are files. */
static void check_files(const struct server_tls *tls, struct report *report)
{
    if (tls->mode != SERVER_TLS_SIMPLE && !tls->ca_certificates.len && names_anything(tls))
        report_error(report, tls->group.node, "mode %s needs caCertificates", mode_choices[tls->mode]);
    if (tls->certificates.count > 2)
        report_warning(report, group_node(&tls->group, "tlsCertificates"), "only two certificates count");
    if (tls->certificates.count == 0)
        check_pair(tls, &tls->group, tls->server_certificate, tls->private_key, report);
    for (size_t i = 0; i < tls->certificates.count; i++)
        check_pair(tls, &tls->certificates.at[i].group, tls->certificates.at[i].certificate,
                   tls->certificates.at[i].key, report);
    if (tls->ca_crl.len && tls->mode == SERVER_TLS_SIMPLE)
        report_error(report, group_node(&tls->group, "caCrl"),
                     "mode SIMPLE asks for no certificates to revoke");
}

static bool ends_tls(int mode)
{
    return mode == SERVER_TLS_SIMPLE || mode == SERVER_TLS_MUTUAL || mode == SERVER_TLS_OPTIONAL_MUTUAL;
}

void server_tls_check(const struct server_tls *tls, struct report *report)
{
    bool by_name = tls->credential_name.len > 0 || tls->credential_names.count > 0;
    check_ciphers(tls, report);
    if (tls->min_version > 0 && tls->max_version > 0 && tls->min_version > tls->max_version)
        report_own_rule(report, group_node(&tls->group, "minProtocolVersion"), "is above maxProtocolVersion");
    if (tls->mode == SERVER_TLS_ISTIO_MUTUAL) {
        if (names_anything(tls))
            report_error(report, group_node(&tls->group, "mode"),
                         "mode ISTIO_MUTUAL uses the node's own certificate; none can be named");
        return;
    }
    if (sources(tls) > 1)
        report_error(
            report, tls->group.node,
            "credentialName, credentialNames, serverCertificate and tlsCertificates exclude each other");
    if (ends_tls(tls->mode)) {
        if (!by_name)
            check_files(tls, report);
        return;
    }
    if (group_has(&tls->group, "mode") && (names_anything(tls) || tls->ca_crl.len))
        report_warning(report, tls->group.node, "mode %s uses no certificates", mode_choices[tls->mode]);
    if (tls->ca_crl.len && tls->credential_name.len)
        report_error(report, group_node(&tls->group, "caCrl"),
                     "stands in the Secret when there is a credentialName");
}
