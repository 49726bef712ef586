#include "rules/kind/assertion.h"
#include "rules/kind/authorization_policy.h"
#include "rules/kind/claim_mapping.h"
#include "rules/kind/destination_rule.h"
#include "rules/kind/gateway.h"
#include "rules/kind/login.h"
#include "rules/kind/peer_authentication.h"
#include "rules/kind/request_authentication.h"
#include "rules/kind/secret.h"
#include "rules/kind/service_entry.h"
#include "rules/kind/sidecar.h"
#include "rules/kind/virtual_service.h"
#include "rules/kind/workload_entry.h"

/* The thing to extend when a kind is added. */
const struct kind *const kinds[KIND_COUNT] = {
    [KIND_GATEWAY] = &gateway_kind,
    [KIND_VIRTUAL_SERVICE] = &virtual_service_kind,
    [KIND_DESTINATION_RULE] = &destination_rule_kind,
    [KIND_SERVICE_ENTRY] = &service_entry_kind,
    [KIND_WORKLOAD_ENTRY] = &workload_entry_kind,
    [KIND_SIDECAR] = &sidecar_kind,
    [KIND_PEER_AUTHENTICATION] = &peer_authentication_kind,
    [KIND_REQUEST_AUTHENTICATION] = &request_authentication_kind,
    [KIND_AUTHORIZATION_POLICY] = &authorization_policy_kind,
    [KIND_SECRET] = &secret_kind,
    [KIND_CLAIM_MAPPING] = &claim_mapping_kind,
    [KIND_ASSERTION] = &assertion_kind,
    [KIND_LOGIN] = &login_kind,
};

const struct kind *kind_find(struct bytes group, struct bytes name)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (bytes_equal(bytes_of(kinds[i]->group), group) && bytes_equal(bytes_of(kinds[i]->name), name))
            return kinds[i];
    }
    return NULL;
}

const struct kind *kind_named(struct bytes name)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (bytes_equal_nocase(bytes_of(kinds[i]->name), name))
            return kinds[i];
    }
    return NULL;
}
