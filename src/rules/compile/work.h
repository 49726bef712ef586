/*
 * work: one compilation under way, and what all its parts need.
 *
 * Parts write rows into `rules` and `endpoints`; what control must provide
 * (key sets, certificates, listeners) is collected in lists beside them.
 */
#ifndef RULES_COMPILE_WORK_H
#define RULES_COMPILE_WORK_H

#include "base/map.h"
#include "rules/compile/compile.h"
#include "rules/kind/common.h"
#include "rules/kind/target_ref.h"

/* A growing run of rows in the arena. */
struct rows {
    char *at;
    uint32_t count;
    uint32_t room;
    uint32_t size; /* of one */
};

struct policies { /* of one protocol, made once and shared by listeners */
    bool made;
    struct image_rows deny, allow, audit;
    struct image_rows deny_index, allow_index, audit_index;
};

struct work {
    struct resource_set *set;
    const struct compile_node *node;
    struct arena *arena;
    struct image_build rules;
    struct image_build endpoints;
    struct rows listeners;              /* struct rules_listener */
    struct rows clusters;               /* struct rules_cluster */
    struct rows endpoints_clusters;     /* struct endpoints_cluster */
    struct rows key_sets;               /* struct compile_key_set */
    struct rows credentials;            /* struct compile_credential */
    struct rows logins;                 /* struct compile_login */
    struct rows bundles;                /* struct compile_bundle */
    struct rows revoked;                /* struct compile_revoked */
    struct rows binds;                  /* struct compile_bind */
    struct rows unix_paths;             /* struct bytes */
    struct image_rows retry_presets[2]; /* shared by all routes; retry.c */
    struct map cluster_index;           /* name -> row + 1, as a pointer */
    struct map listener_names;
    struct map services;       /* lower-case host -> struct service, see service.h */
    struct map rules_by_host;  /* DestinationRules, see merged_rule.c */
    struct map credential_ids; /* what was seen already, by name */
    struct map key_set_ids;
    struct map said; /* warnings given */
    struct policies policies[SPEAKS_COUNT];
    bool authn_made;
    struct image_rows authn;
    struct image_rows assertion;
    struct resource **virtual_services; /* see delegates.h */
    size_t virtual_service_count;
    const struct resource *assertion_resource; /* applies to this node, or NULL */
    struct fail *why;
};

struct rows rows_of(uint32_t size);
void rows_add(struct work *work, struct rows *rows, const void *row);
#define ROWS_AT(rows, type) ((type *)(void *)(rows).at)
struct image_rows rows_put(struct work *work, uint32_t table, const struct rows *rows);

struct image_text work_text(struct work *work, struct bytes text);
struct image_rows work_names(struct work *work, const struct bytes *texts, size_t count);
struct image_rows work_list(struct work *work, const struct text_list *list);
struct image_rows work_name(struct work *work, struct bytes text); /* a list of one */

struct bytes lower(struct work *work, struct bytes text);

/* Once for each (resource, sentence). */
void work_warn(struct work *work, const struct resource *resource, const struct yaml_node *node,
               const char *code, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Do these labels choose the node, or an entry with those labels? */
bool labels_choose(const struct text_map *want, const struct text_map *have);
bool node_chosen(const struct work *work, const struct text_map *want);
struct bytes node_label(const struct work *work, const char *name);
/* May the node see what is in namespace `own` and exported to these? None written: everybody; `.`: its own;
 * `~`: nobody. */
bool node_sees(const struct work *work, struct bytes own, const struct text_list *export_to);
/* The same for those of namespace `here`. */
bool namespace_sees(struct bytes here, struct bytes own, const struct text_list *export_to);
/* A policy kind: in the node's namespace or the root's, and its selector chooses the node. */
bool node_attached(const struct work *work, const struct resource *resource, const struct selector *selector);
/* The same for what may name Gateways of the Gateway API instead: this node is one by its label
 * gateway.networking.k8s.io/gateway-name. */
bool node_targeted(const struct work *work, const struct resource *resource, const struct selector *selector,
                   const struct target_ref *ref, const struct target_ref_list *refs);

/* Resources of a kind: oldest first, then by name and namespace. *count of them, in the arena. */
struct resource **work_kind(struct work *work, enum kind_id kind, size_t *count);

/* A Secret as a certificate; a warning at `node` when there is none. Answers its id. */
uint64_t work_credential(struct work *work, struct bytes name_space, struct bytes name,
                         const struct resource *asks, const struct yaml_node *node, bool needs_ca);

/* The same for files, each of which may be empty; control reads them. */
uint64_t work_credential_files(struct work *work, struct bytes certificate, struct bytes key,
                               struct bytes ca);

/* A listener with its id, name and bind; NULL with a warning when the address is taken already. */
struct rules_listener *work_listener(struct work *work, const struct resource *resource,
                                     const struct yaml_node *node, struct bytes address, int64_t port,
                                     enum rules_direction direction, enum rules_protocol protocol);
/* Adds it once it is whole. */
void work_listener_add(struct work *work, const struct rules_listener *listener);

#endif
