/*
 * core_service: Kubernetes' Service and EndpointSlice: a name in the cluster, and where it runs.
 */
#ifndef RULES_KIND_CORE_SERVICE_H
#define RULES_KIND_CORE_SERVICE_H

#include "rules/kind/common.h"

/* The label of an EndpointSlice that names its Service. */
#define SERVICE_NAME_LABEL "kubernetes.io/service-name"

enum service_type { SERVICE_CLUSTER_IP, SERVICE_NODE_PORT, SERVICE_LOAD_BALANCER, SERVICE_EXTERNAL_NAME };

enum transport { TRANSPORT_TCP, TRANSPORT_UDP, TRANSPORT_SCTP };

struct service_port {
    struct group group;
    struct bytes name;
    int64_t port;
    int transport; /* enum transport */
    struct bytes app_protocol;
    const struct yaml_node *target; /* a number, or the name of a container's port; NULL: the same */
};

struct core_service {
    struct group group;
    FIELD_LIST_OF(struct service_port) ports;
    struct text_map selector;
    int type; /* enum service_type */
    struct bytes external_name;
    struct bytes cluster_ip; /* "None": headless */
};

struct slice_port {
    struct group group;
    struct bytes name;
    int64_t port;
    int transport;
};

struct slice_conditions {
    struct group group;
    bool ready;
};

struct slice_endpoint {
    struct group group;
    struct text_list addresses;
    struct slice_conditions *conditions; /* NULL: ready */
};

enum slice_address { SLICE_IP4, SLICE_IP6, SLICE_FQDN };

struct endpoint_slice {
    struct group group;
    int address_type; /* enum slice_address */
    FIELD_LIST_OF(struct slice_endpoint) endpoints;
    FIELD_LIST_OF(struct slice_port) ports;
};

/* What is spoken at a port: its appProtocol, else what its name begins with, as in http-web. */
enum protocol service_port_protocol(const struct service_port *port);

extern const struct kind core_service_kind;
extern const struct kind endpoint_slice_kind;

#endif
