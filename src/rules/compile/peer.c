#include "rules/compile/peer.h"

#include "rules/kind/peer_authentication.h"

/* The oldest of each scope; NULL: none. */
struct scopes {
    const struct peer_authentication *workload;
    const struct peer_authentication *name_space;
    const struct peer_authentication *mesh;
};

static void scope_fill(const struct peer_authentication **scope, const struct peer_authentication *found)
{
    if (!*scope)
        *scope = found;
}

static struct scopes scopes_find(struct work *work)
{
    const struct compile_node *node = work->node;
    struct scopes scopes = {0};
    size_t count;
    struct resource **all = work_kind(work, KIND_PEER_AUTHENTICATION, &count);
    for (size_t i = 0; i < count; i++) {
        const struct peer_authentication *found = all[i]->spec;
        bool selects = found->selector && found->selector->match_labels.count;
        bool own = bytes_equal(all[i]->namespace, node->name_space);
        bool root = bytes_equal(all[i]->namespace, node->root_namespace);
        if (root && !selects)
            scope_fill(&scopes.mesh, found);
        else if (own && !root && !selects)
            scope_fill(&scopes.name_space, found);
        else if (own && !root && node_chosen(work, &found->selector->match_labels))
            scope_fill(&scopes.workload, found);
    }
    return scopes;
}

static int mode_of(const struct mutual_tls *mtls)
{
    return mtls ? mtls->mode : MTLS_UNSET;
}

static int port_mode(const struct peer_authentication *found, int64_t port)
{
    uint64_t number;
    for (size_t i = 0; i < found->port_level_mtls.count; i++)
        if (bytes_to_u64(found->port_level_mtls.keys[i], 65535, &number) && (int64_t)number == port)
            return found->port_level_mtls.at[i].mode;
    return MTLS_UNSET;
}

enum rules_listener_tls peer_tls(struct work *work, int64_t port)
{
    struct scopes scopes = scopes_find(work);
    const struct peer_authentication *order[] = {scopes.workload, scopes.name_space, scopes.mesh};
    int mode = scopes.workload ? port_mode(scopes.workload, port) : MTLS_UNSET;
    for (size_t i = 0; i < 3 && mode == MTLS_UNSET; i++)
        mode = order[i] ? mode_of(order[i]->mtls) : MTLS_UNSET;
    if (mode == MTLS_STRICT)
        return LISTENER_STRICT;
    return mode == MTLS_DISABLE ? LISTENER_PLAIN : LISTENER_PERMISSIVE;
}
