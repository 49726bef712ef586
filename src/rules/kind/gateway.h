/*
 * gateway: networking.istio.io Gateway, where traffic enters.
 */
#ifndef RULES_KIND_GATEWAY_H
#define RULES_KIND_GATEWAY_H

#include "rules/kind/server_tls.h"

struct server {
    struct group group;
    struct port *port;
    struct bytes bind;
    struct text_list hosts; /* "ns/host", "./host" or "host" */
    struct server_tls *tls; /* NULL: none */
    struct bytes name;
};

struct gateway {
    struct group group;
    struct text_map selector;
    FIELD_LIST_OF(struct server) servers;
};

extern const struct kind gateway_kind;

#endif
