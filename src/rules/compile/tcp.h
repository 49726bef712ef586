/*
 * tcp: routes of connections, from VirtualServices and services.
 */
#ifndef RULES_COMPILE_TCP_H
#define RULES_COMPILE_TCP_H

#include "rules/compile/viewpoint.h"

/*
 * A VirtualService's tcp routes as seen from there, into `routes` (struct
 * rules_tcp_route). `hosts` are the SNI by which they are reached when TLS was
 * ended here; none where connections have no name.
 */
void tcp_routes_add(struct work *work, struct rows *routes, const struct resource *resource,
                    const struct viewpoint *from, struct image_rows hosts);
/* Its tls routes; of their names those that `within` (none: all) leaves. */
void tls_routes_add(struct work *work, struct rows *routes, const struct resource *resource,
                    const struct viewpoint *from, const struct text_list *within);
/* All to one cluster; hosts as above. */
void tcp_routes_add_cluster(struct work *work, struct rows *routes, uint32_t cluster, struct bytes name,
                            struct image_rows hosts);

#endif
