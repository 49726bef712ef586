/*
 * service: which hosts there are, and their names.
 *
 * A ServiceEntry makes a service of each of its hosts. Of several with one host
 * the one in the node's own namespace stands, else the oldest. A Service of
 * Kubernetes makes one of its host unless a ServiceEntry did: cluster_service.h.
 */
#ifndef RULES_COMPILE_SERVICE_H
#define RULES_COMPILE_SERVICE_H

#include "rules/compile/work.h"
#include "rules/kind/service_entry.h"

struct service {
    struct bytes host;                 /* lower case */
    const struct resource *resource;   /* ServiceEntry or Service */
    const struct service_entry *entry; /* what it says, or would say */
};

void services_read(struct work *work);
const struct service *service_find(const struct work *work, struct bytes host); /* exact, lower case */
const struct port *service_port(const struct service *service, int64_t number); /* or NULL */
/* All of them, sorted by host. */
const struct service **services_all(struct work *work, size_t *count);

/* `name` is name.NAMESPACE.svc.CLUSTERDOMAIN; what has a dot or star is itself. Lower case. */
struct bytes host_full(struct work *work, struct bytes host, struct bytes name_space);
/* Is `host` one of those that `pattern` (a name, *.name or *) names? */
bool host_within(struct bytes pattern, struct bytes host);
/* The narrower of two when one lies within the other, else empty. */
struct bytes host_common(struct bytes a, struct bytes b);
/* Splits "ns/host"; "." and an absent namespace are told by *name_space: "." becomes `own`, absent "*". */
struct bytes host_scope(struct bytes text, struct bytes own, struct bytes *name_space);

#endif
