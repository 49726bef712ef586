#include "rules/kind/secret.h"

#include "crypt/tls.h"
#include "wire/base64.h"

static const struct field secret_fields[] = {
    {"apiVersion", FIELD_TEXT, 0, .help = "v1"},
    {"kind", FIELD_TEXT, 0, .help = "Secret"},
    {"metadata", FIELD_ANY, 0, .help = "name, namespace, labels"},
    {"type", FIELD_TEXT, 0, offsetof(struct secret, type), .preset = "Opaque",
     .help = "kubernetes.io/tls or Opaque"},
    {"data", FIELD_TEXT, FIELD_MAP | FIELD_SECRET, offsetof(struct secret, data), .count_max = 256,
     .help = "values in base64: tls.crt, tls.key, ca.crt"},
    {"stringData", FIELD_TEXT, FIELD_MAP | FIELD_SECRET, offsetof(struct secret, string_data),
     .count_max = 256, .help = "the same values as plain text"},
    {"immutable", FIELD_BOOL, 0, .help = "Kubernetes' own"},
};
static FIELD_TABLE(secret, struct secret);

bool secret_entry(const struct secret *secret, const char *name, struct arena *arena, struct bytes *out)
{
    struct bytes coded;
    return text_map_get(&secret->string_data, name, out) ||
           (text_map_get(&secret->data, name, &coded) && base64_decode(coded, true, arena, out));
}

static bool take(const struct secret *secret, const char *name, struct bytes *out, struct report *report)
{
    struct bytes coded;
    if (text_map_get(&secret->string_data, name, out))
        return true;
    if (!text_map_get(&secret->data, name, &coded))
        return false;
    if (!base64_decode(coded, true, report->findings->arena, out)) {
        *out = (struct bytes){0};
        report_error(report, yaml_get(yaml_get(secret->group.node, "data"), name), "is no base64");
    }
    return true;
}

/* Istio takes both families of names. */
static void take_either(const struct secret *secret, const char *name, const char *other, struct bytes *out,
                        struct report *report)
{
    if (!take(secret, name, out, report))
        take(secret, other, out, report);
}

bool secret_usable(struct bytes certificate, struct bytes key, struct bytes ca, struct fail *why)
{
    const bool pair = certificate.len && key.len;
    struct tls_settings settings = {.trust = ca, .verify = ca.len ? TLS_VERIFY_REQUIRED : TLS_VERIFY_NONE};
    if (!pair && !ca.len)
        return true;
    if (pair) {
        settings.chain = certificate;
        settings.key = key;
    }
    struct tls_context *context =
        pair ? tls_context_new_server(&settings, why) : tls_context_new_client(&settings, why);
    tls_context_unref(context);
    return context != NULL;
}

/* What a worker could not serve with must not replace what it serves with now. */
static void usable_check(const struct secret *secret, struct report *report)
{
    struct fail why;
    if (!secret_usable(secret->certificate, secret->key, secret->ca, &why))
        report_error(report, secret->group.node, "nothing can be served with it: %s", why.text);
}

static void check(struct resource *resource, struct report *report)
{
    struct secret *secret = resource->spec;
    take_either(secret, "tls.crt", "cert", &secret->certificate, report);
    take_either(secret, "tls.key", "key", &secret->key, report);
    take_either(secret, "ca.crt", "cacert", &secret->ca, report);
    usable_check(secret, report);
    if (!bytes_equal(secret->type, BYTES("kubernetes.io/tls")))
        return;
    if (secret->certificate.len == 0)
        report_error(report, secret->group.node, "a Secret of type kubernetes.io/tls needs data tls.crt");
    if (secret->key.len == 0)
        report_error(report, secret->group.node, "a Secret of type kubernetes.io/tls needs data tls.key");
}

const struct kind secret_kind = {
    .id = KIND_SECRET,
    .name = "Secret",
    .group = "",
    .versions = "v1",
    .at_top = true,
    .table = &secret_table,
    .check = check,
    .help = "A certificate and its key, and authorities to trust.",
};
