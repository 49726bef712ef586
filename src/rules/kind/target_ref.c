#include "rules/kind/target_ref.h"

static const struct field target_ref_fields[] = {
    {"group", FIELD_TEXT, 0, offsetof(struct target_ref, api_group), .max = 253,
     .help = "API group of what is meant"},
    {"kind", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, offsetof(struct target_ref, kind), .max = 63,
     .help = "kind of what is meant"},
    {"name", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, offsetof(struct target_ref, name), .max = 253,
     .help = "name of what is meant"},
    {"namespace", FIELD_TEXT, 0, offsetof(struct target_ref, namespace), .max = 253, .help = "must be empty"},
};
FIELD_TABLE(target_ref, struct target_ref);

static const struct {
    struct bytes group;
    struct bytes kind;
} targets[] = {
    {BYTES_INIT(""), BYTES_INIT("Service")},
    {BYTES_INIT("core"), BYTES_INIT("Service")},
    {BYTES_INIT("networking.istio.io"), BYTES_INIT("ServiceEntry")},
    {BYTES_INIT("gateway.networking.k8s.io"), BYTES_INIT("Gateway")},
    {BYTES_INIT("gateway.networking.k8s.io"), BYTES_INIT("GatewayClass")},
};

static void check_ref(struct report *report, const struct target_ref *ref)
{
    bool known = false;
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
        known = known ||
                (bytes_equal(ref->api_group, targets[i].group) && bytes_equal(ref->kind, targets[i].kind));
    if (!known)
        report_error(
            report, group_node(&ref->group, "kind"),
            "'%.*s' of group '%.*s' is none of Service, ServiceEntry (networking.istio.io), Gateway, "
            "GatewayClass (gateway.networking.k8s.io)",
            BYTES_FMT(ref->kind), BYTES_FMT(ref->api_group));
    if (ref->namespace.len > 0)
        report_error(report, group_node(&ref->group, "namespace"),
                     "another namespace cannot be meant; leave it out");
}

void check_attachment(struct report *report, const struct selector *selector, const struct target_ref *ref,
                      const struct target_ref_list *refs)
{
    check_selector(report, selector);
    if (ref)
        check_ref(report, ref);
    for (size_t i = 0; i < refs->count; i++)
        check_ref(report, &refs->at[i]);
}

bool target_ref_is_gateway(const struct target_ref *ref)
{
    return bytes_equal(ref->api_group, BYTES("gateway.networking.k8s.io")) &&
           bytes_equal(ref->kind, BYTES("Gateway"));
}

static void check_gateway(struct report *report, const struct target_ref *ref)
{
    if (!target_ref_is_gateway(ref))
        report_not_yet(report, group_node(&ref->group, "kind"), "a target that is no Gateway");
}

void check_only_gateways(struct report *report, const struct target_ref *ref,
                         const struct target_ref_list *refs)
{
    if (ref)
        check_gateway(report, ref);
    for (size_t i = 0; i < refs->count; i++)
        check_gateway(report, &refs->at[i]);
}
