#include "rules/kind/trust_bundle.h"

#include "crypt/bundle.h"
#include "wire/spiffe_id.h"

static const char *const profile_choices[] = {"https_web", "https_spiffe", NULL};

static const struct field trust_endpoint_fields[] = {
    {"url", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, offsetof(struct trust_endpoint, url), .max = 2048,
     .help = "where the bundle can be read, https"},
    {"profile", FIELD_CHOICE, 0, offsetof(struct trust_endpoint, profile), .choices = profile_choices,
     .preset = "https_web",
     .help = "how its server is known: by the web's authorities, or by its SPIFFE id and the bundle"},
    {"spiffeId", FIELD_TEXT, FIELD_FILLED, offsetof(struct trust_endpoint, spiffe_id), .max = SPIFFE_ID_MAX,
     .help = "https_spiffe: who the server is"},
};
static FIELD_TABLE(trust_endpoint, struct trust_endpoint);

static const struct field trust_bundle_fields[] = {
    {"trustDomain", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, offsetof(struct trust_bundle, trust_domain),
     .max = SPIFFE_TRUST_DOMAIN_MAX, .help = "the domain that the roots vouch for, and no other"},
    {"bundle", FIELD_TEXT, FIELD_FILLED, offsetof(struct trust_bundle, bundle), .max = BUNDLE_BYTES_MAX,
     .help = "its roots: PEM, or a SPIFFE bundle (JSON); with an endpoint what holds until that was read"},
    {"endpoint", FIELD_GROUP, 0, offsetof(struct trust_bundle, endpoint), &trust_endpoint_table,
     .help = "where its roots are read, and read again when they may have changed"},
};
static FIELD_TABLE(trust_bundle, struct trust_bundle);

static void check_roots(const struct trust_bundle *bundle, struct report *report)
{
    struct fail why;
    struct bytes pem;
    if (bundle->bundle.len && !bundle_roots(bundle->bundle, report->findings->arena, &pem, &why))
        report_error(report, group_node(&bundle->group, "bundle"), "%s", why.text);
}

static void check_endpoint(const struct trust_bundle *bundle, struct report *report)
{
    const struct trust_endpoint *endpoint = bundle->endpoint;
    struct spiffe_id id;
    struct fail why;
    if (!bytes_starts(endpoint->url, BYTES("https://")))
        report_error(report, group_node(&endpoint->group, "url"), "'%.*s' is no https URL",
                     BYTES_FMT(bytes_part(endpoint->url, 0, 200)));
    if (endpoint->profile != TRUST_HTTPS_SPIFFE) {
        if (endpoint->spiffe_id.len)
            report_error(report, group_node(&endpoint->group, "spiffeId"),
                         "is for the profile https_spiffe; here the URL's host is verified");
        return;
    }
    if (!bundle->bundle.len)
        report_error(report, group_node(&endpoint->group, "profile"),
                     "https_spiffe needs a bundle to begin with: its roots vouch for the server");
    if (!endpoint->spiffe_id.len)
        report_error(report, group_node(&endpoint->group, "profile"), "https_spiffe needs a spiffeId");
    else if (!spiffe_id_parse(endpoint->spiffe_id, &id, &why))
        report_error(report, group_node(&endpoint->group, "spiffeId"), "%s", why.text);
    else if (!bytes_equal(id.trust_domain, bundle->trust_domain))
        report_error(report, group_node(&endpoint->group, "spiffeId"),
                     "is of the trust domain '%.*s', for which this bundle does not vouch",
                     BYTES_FMT(id.trust_domain));
}

static void check(struct resource *resource, struct report *report)
{
    const struct trust_bundle *bundle = resource->spec;
    struct fail why;
    if (bundle->trust_domain.len && !spiffe_trust_domain_check(bundle->trust_domain, &why))
        report_error(report, group_node(&bundle->group, "trustDomain"), "%s", why.text);
    if (!bundle->bundle.len && !bundle->endpoint)
        report_error(report, bundle->group.node, "bundle or endpoint is missing");
    check_roots(bundle, report);
    if (bundle->endpoint)
        check_endpoint(bundle, report);
}

const struct kind trust_bundle_kind = {
    .id = KIND_TRUST_BUNDLE,
    .name = "TrustBundle",
    .group = "selvage.dev",
    .versions = "v1",
    .security = true,
    .table = &trust_bundle_table,
    .check = check,
    .help = "Roots of another trust domain, whose workloads are let in by their own names.",
};
