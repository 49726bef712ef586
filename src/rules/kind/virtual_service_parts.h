/*
 * virtual_service_parts: the tables of a VirtualService's parts, and the checks
 * between its fields.
 */
#ifndef RULES_KIND_VIRTUAL_SERVICE_PARTS_H
#define RULES_KIND_VIRTUAL_SERVICE_PARTS_H

#include "rules/kind/virtual_service.h"

/* virtual_service_action.c */
extern const struct field_table uri_regex_rewrite_table;
extern const struct field_table http_redirect_table;
extern const struct field_table direct_response_table;
extern const struct field_table delegate_table;
extern const struct field_table http_retry_table;
extern const struct field_table http_fault_table;
extern const struct field_table cors_policy_table;
void check_actions(const struct http_route *route, struct report *report);

/* virtual_service_tcp.c */
extern const struct field_table tcp_route_table;
extern const struct field_table tls_route_table;
void check_tcp_route(const struct virtual_service *service, const struct tcp_route *route,
                     struct report *report);

/* virtual_service_check.c */
void check_match_from(const struct group *group, const struct match_from *from, struct report *report);
/* Of `count` destinations in the field route of `group`. */
void check_weights(const struct group *group, size_t count, int64_t total, struct report *report);
void virtual_service_check(struct resource *resource, struct report *report);

#endif
