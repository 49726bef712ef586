/*
 * gateway_api: what the kinds of gateway.networking.k8s.io share.
 *
 * They are read and checked as the API server would (the OpenAPI and CEL rules
 * of the experimental channel, which holds the standard one), and not acted on:
 * so their tables keep nothing, and checks between fields walk the tree.
 */
#ifndef RULES_KIND_GATEWAY_API_H
#define RULES_KIND_GATEWAY_API_H

#include "rules/kind/common.h"

#define GATEWAY_API "gateway.networking.k8s.io"
#define GATEWAY_API_EXPERIMENTAL "gateway.networking.x-k8s.io"

#define NAME_MAX_BYTES 253
#define LABEL_MAX_BYTES 63
#define PORT_MAX 65535

/* References: where a thing is, by group, kind, name and what else tells. */
extern const struct field_table gateway_object_ref_table;      /* group, kind, name: all written */
extern const struct field_table gateway_far_ref_table;         /* the same, and a namespace */
extern const struct field_table gateway_secret_ref_table;      /* a Secret unless it says otherwise */
extern const struct field_table gateway_parent_ref_table;      /* what a route hangs below */
extern const struct field_table gateway_service_ref_table;     /* a Service with its port */
extern const struct field_table gateway_weighted_ref_table;    /* the same with a weight */
extern const struct field_table gateway_header_match_table;    /* name, how, value */
extern const struct field_table gateway_query_match_table;     /* the same for query parameters */
extern const struct field_table gateway_header_change_table;   /* set, add, remove */
extern const struct field_table gateway_mirror_table;          /* RequestMirror */
extern const struct field_table gateway_persistence_table;     /* sessionPersistence */
extern const struct field_table gateway_http_filter_table;     /* a filter of HTTPRoute */
extern const struct field_table gateway_grpc_filter_table;     /* a filter of GRPCRoute */
extern const struct field_table gateway_label_selector_table;  /* matchLabels, matchExpressions */
extern const struct field_table gateway_peer_validation_table; /* validation of BackendTLSPolicy, XBackend */
extern const char *const gateway_scopes[];                     /* All, None */

/* Fields that every route has. */
#define GATEWAY_PARENTS                                                                                      \
    {"parentRefs",                                                                                           \
     FIELD_GROUP,                                                                                            \
     FIELD_LIST,                                                                                             \
     0,                                                                                                      \
     &gateway_parent_ref_table,                                                                              \
     .count_max = 32,                                                                                        \
     .help = "the Gateways, ListenerSets or Services that it belongs to"},                                   \
    {                                                                                                        \
        "useDefaultGateways", FIELD_TEXT, 0, .choices = gateway_scopes,                                      \
                                             .help = "whether it also belongs to the default Gateways"       \
    }

/* The member of a map, NULL when it is absent or null. */
const struct yaml_node *member(const struct yaml_node *map, const char *name);
/* Its text; `preset` when it is absent. */
struct bytes member_text(const struct yaml_node *map, const char *name, const char *preset);
bool member_is(const struct yaml_node *map, const char *name, const char *preset, const char *value);
size_t member_count(const struct yaml_node *map, const char *name); /* of a list or map, else 0 */

/* Checks over lists of a group; each says what is wrong in it. */
void check_parents(const struct group *group, struct report *report);
void check_rule_names(const struct group *group, struct report *report);
void check_http_filters(const struct group *group, struct report *report);
void check_grpc_filters(const struct group *group, struct report *report);
/* Of `list` no two elements may be told apart by nothing: see parentRefs and targetRefs. */
void check_references(const struct yaml_node *list, const char *const *same, const char *const *tells,
                      struct report *report);

#endif
