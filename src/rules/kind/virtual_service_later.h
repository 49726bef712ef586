/*
 * virtual_service_later: the parts of a VirtualService that are known and
 * checked, but not acted on yet; and the checks between its fields.
 */
#ifndef RULES_KIND_VIRTUAL_SERVICE_LATER_H
#define RULES_KIND_VIRTUAL_SERVICE_LATER_H

#include "rules/kind/virtual_service.h"

extern const struct field_table uri_regex_rewrite_table;
extern const struct field_table http_redirect_table;
extern const struct field_table direct_response_table;
extern const struct field_table delegate_table;
extern const struct field_table http_retry_table;
extern const struct field_table http_fault_table;
extern const struct field_table cors_policy_table;
extern const struct field_table tls_route_table;
extern const struct field_table tcp_route_destination_table;

void virtual_service_check(struct resource *resource, struct report *report);

#endif
