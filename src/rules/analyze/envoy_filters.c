/* EnvoyFilters: patches that do nothing, or something else depending on their order. */
#include "rules/analyze/analyzers.h"

struct patched { /* filters that some patch changes for one version of the proxy */
    const struct bytes *at;
    size_t count;
};

static bool is_any(struct bytes word, const char *const *names)
{
    for (size_t i = 0; names[i]; i++)
        if (bytes_equal(word, bytes_of(names[i])))
            return true;
    return false;
}

static struct bytes filter_of(const struct yaml_node *patch)
{
    const struct yaml_node *value = tree_at(patch, "patch.value");
    if (!tree_first(value))
        return (struct bytes){0};
    if (tree_has(value, "name"))
        return tree_text(value, "name");
    return tree_text(patch, "match.listener.filterChain.filter.name");
}

static bool seen_before(const struct patched *versions, struct bytes name)
{
    for (size_t i = 0; i < versions->count; i++)
        if (bytes_equal(versions->at[i], name))
            return true;
    return false;
}

static void relative_say(struct analysis *analysis, const struct object *filter,
                         const struct yaml_node *patch, const struct patched *versions)
{
    int64_t priority = 0;
    struct bytes operation = tree_text(patch, "patch.operation");
    tree_number(filter->spec, "priority", &priority);
    if (priority != 0)
        return;
    if (seen_before(versions, filter_of(patch)))
        say_once(analysis, filter, patch, "IST0155",
                 "%.*s without a priority, and an earlier patch of the filter is for one proxy version: an "
                 "upgrade changes what it does",
                 BYTES_FMT(operation));
    else
        say_once(analysis, filter, patch, "IST0151",
                 "%.*s without a priority: whether it acts depends on the order of the filters",
                 BYTES_FMT(operation));
}

static void patch_check(struct analysis *analysis, const struct object *filter, const struct yaml_node *patch,
                        const struct patched *versions)
{
    static const char *const routes[] = {"ROUTE_CONFIGURATION", "HTTP_ROUTE", NULL};
    static const char *const replaced[] = {"NETWORK_FILTER", "HTTP_FILTER", "VIRTUAL_HOST", NULL};
    static const char *const relative[] = {"INSERT_BEFORE", "INSERT_AFTER", NULL};
    struct bytes target = tree_text(patch, "applyTo"), operation = tree_text(patch, "patch.operation");
    bool add = bytes_equal(operation, BYTES("ADD")), remove = bytes_equal(operation, BYTES("REMOVE"));
    bool replace = bytes_equal(operation, BYTES("REPLACE"));
    if (add && is_any(target, routes))
        say_once(analysis, filter, patch, "IST0153", "ADD does nothing to %.*s", BYTES_FMT(target));
    else if (remove && is_any(target, routes))
        say_once(analysis, filter, patch, "IST0154", "REMOVE does nothing to %.*s", BYTES_FMT(target));
    else if (replace && !is_any(target, replaced))
        say_once(analysis, filter, patch, "IST0152", "REPLACE does nothing to %.*s", BYTES_FMT(target));
    else if (remove || replace || is_any(operation, relative))
        relative_say(analysis, filter, patch, versions);
}

void analyze_envoy_filters(struct analysis *analysis)
{
    size_t most = 1;
    OBJECTS_EACH(filter, &analysis->objects, OBJECT_ENVOY_FILTER)
        most += tree_at(filter->spec, "configPatches") ? tree_at(filter->spec, "configPatches")->count : 0;
    struct bytes *names = arena_array(analysis->arena, struct bytes, most);
    struct patched versions = {names, 0};
    OBJECTS_EACH(filter, &analysis->objects, OBJECT_ENVOY_FILTER)
        TREE_EACH(patch, tree_at(filter->spec, "configPatches")) {
            if (!tree_has(patch, "patch"))
                break;
            patch_check(analysis, filter, patch, &versions);
            if (tree_text(patch, "match.proxy.proxyVersion").len)
                names[versions.count++] = filter_of(patch);
        }
}
