#include "rules/analyze/policy_view.h"

const struct policy_pair policy_pairs[] = {
    {"principals", "notPrincipals", false},
    {"requestPrincipals", "notRequestPrincipals", true},
    {"namespaces", "notNamespaces", false},
    {"serviceAccounts", "notServiceAccounts", false},
    {"trustDomains", "notTrustDomains", false},
    {"ipBlocks", "notIpBlocks", false},
    {"remoteIpBlocks", "notRemoteIpBlocks", false},
    {"hosts", "notHosts", true},
    {"ports", "notPorts", false},
    {"methods", "notMethods", true},
    {"paths", "notPaths", true},
    {"values", "notValues", false},
};
const size_t policy_pair_count = sizeof policy_pairs / sizeof policy_pairs[0];

bool policy_is(const struct object *policy, const char *action)
{
    struct bytes own = tree_text(policy->spec, "action");
    return bytes_equal(own.len ? own : BYTES("ALLOW"), bytes_of(action));
}

bool policy_is_dry(const struct object *policy)
{
    return bytes_equal(label_of(policy->annotations, "istio.io/dry-run"), BYTES("true"));
}

bool policy_key_is_http(struct bytes key)
{
    return bytes_starts(key, BYTES("request."));
}
