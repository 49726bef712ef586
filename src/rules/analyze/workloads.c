/* Workloads that run as the proxy's user, so that their traffic would go around it. */
#include "rules/analyze/analyzers.h"
#include "rules/analyze/mesh.h"

#define PROXY_USER 1337

static bool runs_as_proxy(const struct yaml_node *node)
{
    int64_t user;
    return tree_number(node, "securityContext.runAsUser", &user) && user == PROXY_USER;
}

static void user_check(struct analysis *analysis, const struct object *object, const struct yaml_node *spec)
{
    static const char *const sentence =
        "user 1337 is the proxy's: what this workload sends would not go through it";
    if (is_control_plane(object))
        return;
    if (runs_as_proxy(spec))
        say_once(analysis, object, tree_at(spec, "securityContext"), "IST0144", "%s", sentence);
    TREE_EACH(container, tree_at(spec, "containers"))
        if (!tree_is(container, "name", "istio-proxy") && !tree_is(container, "name", "istio-operator") &&
            runs_as_proxy(container))
            say_once(analysis, object, container, "IST0144", "%s", sentence);
}

void analyze_users(struct analysis *analysis)
{
    OBJECTS_EACH(pod, &analysis->objects, OBJECT_POD)
        user_check(analysis, pod, pod->spec);
    OBJECTS_EACH(deployment, &analysis->objects, OBJECT_DEPLOYMENT)
        user_check(analysis, deployment, tree_at(deployment->spec, "template.spec"));
}
