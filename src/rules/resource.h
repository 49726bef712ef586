/*
 * resource: one object an operator wrote, and the set of all of them.
 *
 * A set is filled from bytes that somebody else read from files, etcd or
 * Kubernetes, then finished once: cross-checked, sorted by kind, namespace and
 * name. Everything lies in the set's arena and is read-only from then on. A set
 * with findings->errors must not be compiled.
 */
#ifndef RULES_RESOURCE_H
#define RULES_RESOURCE_H

#include "crypt/digest.h"
#include "rules/field.h"

#define RESOURCES_MAX 100000

struct resource;

enum kind_id {
    KIND_GATEWAY,
    KIND_VIRTUAL_SERVICE,
    KIND_DESTINATION_RULE,
    KIND_SERVICE_ENTRY,
    KIND_WORKLOAD_ENTRY,
    KIND_SIDECAR,
    KIND_PEER_AUTHENTICATION,
    KIND_REQUEST_AUTHENTICATION,
    KIND_AUTHORIZATION_POLICY,
    KIND_SECRET,
    KIND_CLAIM_MAPPING,
    KIND_ASSERTION,
    KIND_LOGIN,
    KIND_TRUST_BUNDLE,
    KIND_REVOCATION,
    KIND_GATEWAY_CLASS,
    KIND_K8S_GATEWAY, /* Gateway API's, not Istio's */
    KIND_LISTENER_SET,
    KIND_X_LISTENER_SET,
    KIND_HTTP_ROUTE,
    KIND_GRPC_ROUTE,
    KIND_TLS_ROUTE,
    KIND_TCP_ROUTE,
    KIND_UDP_ROUTE,
    KIND_REFERENCE_GRANT,
    KIND_BACKEND_TLS_POLICY,
    KIND_X_BACKEND_TRAFFIC_POLICY,
    KIND_X_BACKEND,
    KIND_X_MESH,
    KIND_SERVICE,
    KIND_ENDPOINT_SLICE,
    KIND_CONFIG_MAP,
    KIND_ISTIO_OPERATOR,
    KIND_ENVOY_FILTER,
    KIND_PROXY_CONFIG,
    KIND_TELEMETRY,
    KIND_TRAFFIC_EXTENSION,
    KIND_WASM_PLUGIN,
    KIND_WORKLOAD_GROUP,
    KIND_COUNT,
};

struct kind {
    enum kind_id id;
    const char *name;     /* VirtualService */
    const char *group;    /* networking.istio.io; "" is Kubernetes' core */
    const char *versions; /* "v1 v1beta1 v1alpha3" */
    bool security;        /* a field we do not act on is an error, not a warning */
    bool at_top;          /* no spec: the fields stand beside metadata */
    bool plain;           /* see struct report */
    bool unnamed;         /* read by a tool alone, so that metadata need not name it */
    bool not_yet;         /* checked, but this version does not act on it */
    const struct field_table *table;
    /* Checks between fields; may fill in what it worked out. NULL: none. */
    void (*check)(struct resource *resource, struct report *report);
    const char *help;
};

/* In the order of enum kind_id. */
extern const struct kind *const kinds[KIND_COUNT];
const struct kind *kind_find(struct bytes group, struct bytes name);
const struct kind *kind_named(struct bytes name); /* any letter case */

struct resource {
    const struct kind *kind;
    struct bytes version;   /* v1 */
    struct bytes namespace; /* "default" when none was written */
    struct bytes name;
    struct text_map labels;
    struct text_map annotations;
    int64_t created_s; /* metadata.creationTimestamp, 0 when absent */
    const char *file;
    unsigned line;
    void *spec;                   /* struct gateway ..., by kind->id */
    const struct yaml_node *node; /* the document */
    bool faulty;                  /* an error stands in it */
    bool digested;
    struct digest digest; /* SHA-256 of the canonical JSON; set by resource_set_finish at the latest */
};

/* A document that names a kind, known or not: what analyzers look at (rules/analyze). */
struct set_document {
    const char *file;
    const struct yaml_node *node;
};

struct resource_set {
    struct arena arena;
    struct findings findings;
    struct set_document *documents;
    size_t document_count;
    size_t document_room;
    struct resource **at;
    size_t count;
    size_t room;
    size_t first[KIND_COUNT + 1]; /* after finish: those of kind k are [first[k], first[k + 1]) */
    struct digest revision;       /* after finish */
};

void resource_set_init(struct resource_set *set);
void resource_set_done(struct resource_set *set);
/* Never fails: what is wrong becomes findings. `name` is copied, `bytes` not kept. */
void resource_set_add_file(struct resource_set *set, const char *name, struct bytes bytes);
/*
 * What a set that was filled and not finished holds: shared, so that a file need not be parsed again for
 * every new set. It must outlive this one, and not change any more.
 */
void resource_set_add_set(struct resource_set *set, const struct resource_set *shared);
/* Ahead of time, for a set that is to be shared. */
void resource_set_digest(struct resource_set *set);
/* Cross-checks, sorting, digests. Answers whether there are no errors. */
bool resource_set_finish(struct resource_set *set);

/* After finish: takes out what has errors. What is left is no state to serve from, only to learn from where
 * to listen. */
void resource_set_keep_sound(struct resource_set *set);

/* After finish. NULL when there is none. */
struct resource *resource_find(const struct resource_set *set, enum kind_id kind, struct bytes namespace,
                               struct bytes name);

/* Value of a label or annotation, or empty with false. */
bool text_map_get(const struct text_map *map, const char *key, struct bytes *out);

#endif
