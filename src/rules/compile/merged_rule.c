#include "rules/compile/merged_rule.h"

/* Of one namespace and host. Both NULL: there are some, and none is for this node; wider ones are not asked
 * then. */
struct rules_here {
    struct merged_rule *chosen; /* by workloadSelector */
    struct merged_rule *plain;
};

static struct bytes scoped(struct work *work, struct bytes name_space, struct bytes host)
{
    return arena_format(work->arena, "%.*s/%.*s", BYTES_FMT(name_space), BYTES_FMT(host));
}

const struct subset *merged_rule_subset(const struct merged_rule *rule, struct bytes name)
{
    for (uint32_t i = 0; i < rule->subsets.count; i++) {
        const struct subset *subset = ROWS_AT(rule->subsets, const struct subset *)[i];
        if (bytes_equal(subset->name, name))
            return subset;
    }
    return NULL;
}

static void merge(struct work *work, struct merged_rule **into, const struct resource *resource)
{
    const struct destination_rule *rule = resource->spec;
    if (!*into) {
        *into = arena_new(work->arena, struct merged_rule);
        (*into)->rule = resource;
        (*into)->subsets = rows_of(sizeof(const struct subset *));
    }
    if (!(*into)->policy && rule->traffic_policy) {
        (*into)->policy = rule->traffic_policy;
        (*into)->rule = resource;
    }
    for (size_t i = 0; i < rule->subsets.count; i++) {
        const struct subset *subset = &rule->subsets.at[i];
        if (!merged_rule_subset(*into, subset->name))
            rows_add(work, &(*into)->subsets, &subset);
    }
}

static struct rules_here *here_of(struct work *work, struct bytes key)
{
    struct rules_here *here = map_get(&work->rules_by_host, key);
    if (here)
        return here;
    here = arena_new(work->arena, struct rules_here);
    map_put(&work->rules_by_host, key, here);
    return here;
}

static void rule_read(struct work *work, const struct resource *resource)
{
    const struct destination_rule *rule = resource->spec;
    bool own = bytes_equal(resource->namespace, work->node->name_space);
    struct bytes host = host_full(work, rule->host, resource->namespace);
    if (!own && (rule->workload_selector || !node_sees(work, resource->namespace, &rule->export_to)))
        return;
    struct rules_here *here = here_of(work, scoped(work, resource->namespace, host));
    if (!rule->workload_selector)
        merge(work, &here->plain, resource);
    else if (node_chosen(work, &rule->workload_selector->match_labels))
        merge(work, &here->chosen, resource);
}

void merged_rules_read(struct work *work)
{
    size_t count;
    struct resource **all = work_kind(work, KIND_DESTINATION_RULE, &count);
    for (size_t i = 0; i < count; i++)
        rule_read(work, all[i]);
}

/* Exact, then *.b.c, *.c, *: the longest first. */
static const struct rules_here *rules_in(struct work *work, struct bytes name_space, struct bytes host)
{
    const struct rules_here *found = map_get(&work->rules_by_host, scoped(work, name_space, host));
    while (!found && host.len) {
        size_t dot = bytes_find(bytes_part(host, 1, host.len), '.') + 1;
        host = bytes_part(host, dot, host.len);
        struct bytes wild = arena_format(work->arena, "*%.*s", BYTES_FMT(host));
        found = map_get(&work->rules_by_host, scoped(work, name_space, wild));
    }
    return found;
}

const struct merged_rule *merged_rule_find(struct work *work, const struct service *service,
                                           struct bytes host)
{
    const struct rules_here *here = rules_in(work, work->node->name_space, host);
    if (!here && service)
        here = rules_in(work, service->resource->namespace, host);
    if (!here)
        here = rules_in(work, work->node->root_namespace, host);
    if (!here)
        return NULL;
    return here->chosen ? here->chosen : here->plain;
}
