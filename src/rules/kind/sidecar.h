/*
 * sidecar: networking.istio.io Sidecar, what a node beside a workload listens for.
 */
#ifndef RULES_KIND_SIDECAR_H
#define RULES_KIND_SIDECAR_H

#include "rules/kind/connection_pool.h"

enum capture_mode { CAPTURE_DEFAULT, CAPTURE_IPTABLES /* not acted on yet */, CAPTURE_NONE };

struct sidecar_ingress {
    struct group group;
    struct port *port;
    struct bytes bind;
    int capture_mode;              /* enum capture_mode */
    struct bytes default_endpoint; /* as written; endpoint_read takes it apart */
    struct connection_pool *connection_pool;
};

struct sidecar_egress {
    struct group group;
    struct port *port; /* NULL: all */
    struct bytes bind;
    int capture_mode;
    struct text_list hosts; /* "ns/host", "./host", "*" + "/host", "~" + "/host" */
};

struct sidecar {
    struct group group;
    struct selector *workload_selector;
    FIELD_LIST_OF(struct sidecar_ingress) ingress;
    FIELD_LIST_OF(struct sidecar_egress) egress;
    struct connection_pool *inbound_pool;
};

extern const struct kind sidecar_kind;

#endif
