#include "rules/compile/mesh.h"

#include "rules/kind/mesh_config.h"

static const struct mesh_config *mesh_of(struct work *work, const struct resource **from)
{
    size_t count;
    *from = resource_find(work->set, KIND_CONFIG_MAP, work->node->root_namespace, BYTES("istio"));
    if (*from && ((const struct config_map *)(*from)->spec)->mesh)
        return ((const struct config_map *)(*from)->spec)->mesh;
    struct resource **all = work_kind(work, KIND_ISTIO_OPERATOR, &count);
    *from = count > 0 ? all[0] : NULL;
    return *from ? ((const struct istio_operator *)(*from)->spec)->mesh : NULL;
}

static bool is_known(const struct compile_node *node, size_t count, struct bytes domain)
{
    for (size_t i = 0; i < count; i++)
        if (bytes_equal(node->trust_domains[i], domain))
            return true;
    return false;
}

static void aliases_add(struct work *work, struct compile_node *node, const struct text_list *aliases)
{
    size_t count = node->trust_domain_count;
    struct bytes *all = arena_array(work->arena, struct bytes, count + aliases->count);
    for (size_t i = 0; i < count; i++)
        all[i] = node->trust_domains[i];
    for (size_t i = 0; i < aliases->count; i++)
        if (!is_known(node, node->trust_domain_count, aliases->at[i]))
            all[count++] = aliases->at[i];
    node->trust_domains = all;
    node->trust_domain_count = count;
}

void mesh_apply(struct work *work)
{
    const struct resource *from = NULL;
    const struct mesh_config *mesh = mesh_of(work, &from);
    if (!mesh)
        return;
    struct compile_node *node = arena_new(work->arena, struct compile_node);
    *node = *work->node;
    /* Who a node is says its certificate, and that its settings: nothing read later may change it. */
    if (mesh->trust_domain.len && node->trust_domain_count > 0 &&
        !bytes_equal(mesh->trust_domain, node->trust_domains[0]))
        work_warn(work, from, yaml_get(mesh->group.node, "trustDomain"), FINDING_NOT_YET,
                  "the trust domain of this node is '%.*s', as its settings say",
                  BYTES_FMT(node->trust_domains[0]));
    if (mesh->root_namespace.len)
        node->root_namespace = mesh->root_namespace;
    aliases_add(work, node, &mesh->trust_domain_aliases);
    work->node = node;
}
