/*
 * sidecar: networking.istio.io Sidecar, what a node beside a workload listens for.
 */
#ifndef RULES_KIND_SIDECAR_H
#define RULES_KIND_SIDECAR_H

#include "rules/kind/connection_pool.h"
#include "rules/kind/server_tls.h"

enum capture_mode { CAPTURE_DEFAULT, CAPTURE_IPTABLES /* not acted on yet */, CAPTURE_NONE };

struct sidecar_ingress {
    struct group group;
    struct port *port;
    struct bytes bind;
    int capture_mode;              /* enum capture_mode */
    struct bytes default_endpoint; /* as written; endpoint_read takes it apart */
    struct connection_pool *connection_pool;
    struct server_tls *tls; /* not acted on yet */
};

struct sidecar_egress {
    struct group group;
    struct port *port; /* NULL: all */
    struct bytes bind;
    int capture_mode;
    struct text_list hosts; /* "ns/host", "./host", "*" + "/host", "~" + "/host" */
};

enum outbound_mode { OUTBOUND_REGISTRY_ONLY, OUTBOUND_ALLOW_ANY };

struct outbound_policy {
    struct group group;
    int mode; /* enum outbound_mode */
    struct destination *proxy;
};

struct sidecar {
    struct group group;
    struct selector *workload_selector;
    FIELD_LIST_OF(struct sidecar_ingress) ingress;
    FIELD_LIST_OF(struct sidecar_egress) egress;
    struct connection_pool *inbound_pool;
    struct outbound_policy *outbound; /* not acted on yet */
};

extern const struct kind sidecar_kind;

#endif
