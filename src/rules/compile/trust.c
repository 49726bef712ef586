#include "rules/compile/trust.h"

#include "base/hash.h"
#include "rules/kind/revocation.h"
#include "rules/kind/trust_bundle.h"

/* Its own name is vouched for by its own authority alone, whatever resources say. */
static bool is_own(const struct work *work, struct bytes domain)
{
    for (size_t i = 0; i < work->node->trust_domain_count; i++)
        if (bytes_equal(work->node->trust_domains[i], domain))
            return true;
    return false;
}

static const struct resource *bundle_of(const struct work *work, struct bytes domain)
{
    const struct compile_bundle *all = ROWS_AT(work->bundles, const struct compile_bundle);
    for (uint32_t i = 0; i < work->bundles.count; i++)
        if (bytes_equal(all[i].trust_domain, domain))
            return all[i].resource;
    return NULL;
}

static uint64_t bundle_id(struct work *work, const struct trust_bundle *bundle)
{
    const struct trust_endpoint *endpoint = bundle->endpoint;
    return hash_stable(arena_format(work->arena, "bundle|%.*s|%.*s|%.*s", BYTES_FMT(bundle->trust_domain),
                                    BYTES_FMT(endpoint ? endpoint->url : (struct bytes){0}),
                                    BYTES_FMT(endpoint ? endpoint->spiffe_id : (struct bytes){0})));
}

static bool bundle_add(struct work *work, const struct resource *resource)
{
    const struct trust_bundle *bundle = resource->spec;
    const struct resource *first = bundle_of(work, bundle->trust_domain);
    if (is_own(work, bundle->trust_domain)) {
        work_warn(work, resource, group_node(&bundle->group, "trustDomain"), FINDING_INVALID,
                  "'%.*s' is the node's own trust domain: its own authority vouches for it, this bundle does "
                  "not",
                  BYTES_FMT(bundle->trust_domain));
        return true;
    }
    if (first)
        return fail(work->why, FAIL_INPUT,
                    "TrustBundles %.*s/%.*s and %.*s/%.*s are both of the trust domain %.*s; one may be",
                    BYTES_FMT(first->namespace), BYTES_FMT(first->name), BYTES_FMT(resource->namespace),
                    BYTES_FMT(resource->name), BYTES_FMT(bundle->trust_domain));
    struct compile_bundle row = {.id = bundle_id(work, bundle),
                                 .resource = resource,
                                 .trust_domain = bundle->trust_domain,
                                 .inline_text = bundle->bundle};
    if (bundle->endpoint) {
        row.url = bundle->endpoint->url;
        row.spiffe_id = bundle->endpoint->spiffe_id;
    }
    rows_add(work, &work->bundles, &row);
    return true;
}

static void serials_add(struct work *work, const struct revocation *revocation)
{
    for (size_t i = 0; i < revocation->serials.count; i++) {
        struct compile_revoked row = {.reason = revocation->reason};
        if (revocation_serial(revocation->serials.at[i], work->arena, &row.serial))
            rows_add(work, &work->revoked, &row);
    }
}

bool trust_collect(struct work *work)
{
    size_t count;
    struct resource **all = work_kind(work, KIND_TRUST_BUNDLE, &count);
    for (size_t i = 0; i < count; i++)
        if (node_attached(work, all[i], NULL) && !bundle_add(work, all[i]))
            return false;
    all = work_kind(work, KIND_REVOCATION, &count);
    for (size_t i = 0; i < count; i++)
        if (node_attached(work, all[i], NULL))
            serials_add(work, all[i]->spec);
    return true;
}
