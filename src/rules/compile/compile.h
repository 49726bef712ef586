/*
 * compile: resources to images, for one node.
 *
 * Pure: the same resources and node give the same bytes (but for keys, which are
 * not in these images). What a node cannot see or does not serve is left out.
 */
#ifndef RULES_COMPILE_COMPILE_H
#define RULES_COMPILE_COMPILE_H

#include "rules/resource.h"
#include "rules/snapshot.h"
#include "wire/image_build.h"

/* What the node's own configuration says; all borrowed. */
struct compile_node {
    struct bytes name;
    enum rules_role role;
    struct bytes name_space;
    struct bytes account;
    const struct bytes *labels;  /* pairs: key, value */
    size_t label_count;          /* of pairs */
    struct bytes root_namespace; /* istio-system */
    const struct bytes *trust_domains;
    size_t trust_domain_count;
    struct bytes cluster_domain; /* cluster.local: for short names */
    uint32_t path_level;
    const struct bytes *proxy_names;
    size_t proxy_name_count;
    const struct bytes *proxy_networks; /* CIDR texts, checked */
    size_t proxy_network_count;
    struct bytes proxy_token_field;
    /* Whose connections begin with a PROXY protocol header, and at which ports; none: at all. */
    const struct bytes *protocol_networks; /* CIDR texts, checked */
    size_t protocol_network_count;
    const int64_t *protocol_ports;
    size_t protocol_port_count;
    const struct rules_limits *limits; /* NULL: what holds when nothing is written */
};

/* A key set that control has to provide, and a certificate: what the images refer to by id. */
struct compile_key_set {
    uint64_t id;
    struct bytes issuer;
    struct bytes jwks_uri; /* empty with no inline text: by discovery at the issuer */
    struct bytes inline_text;
    uint32_t timeout_ms;
};
struct compile_credential {
    uint64_t id;
    struct bytes name_space; /* of the Secret */
    struct bytes name;
    const struct resource *secret; /* NULL: there is none (a warning was given), or it is in files */
    /* Absolute paths, where a DestinationRule names files; empty: none. */
    struct bytes certificate_file;
    struct bytes key_file;
    struct bytes ca_file;
};
/* A client of a provider: control discovers the provider and speaks with its token endpoint. */
struct compile_login {
    uint64_t id;
    struct bytes name; /* NAMESPACE/NAME */
    struct bytes issuer;
    struct bytes client_id;
    bool has_secret;
    struct bytes secret;      /* from a Secret; lies in the set */
    struct bytes secret_file; /* or where it is read: a path, or a credential's name */
};
/* Roots of another trust domain; control has to read them from `url` when that is not empty. */
struct compile_bundle {
    uint64_t id;
    const struct resource *resource;
    struct bytes trust_domain;
    struct bytes inline_text; /* PEM or SPIFFE's JSON, or empty */
    struct bytes url;
    struct bytes spiffe_id; /* of the server at `url`; empty: the web's authorities vouch for it */
};
struct compile_revoked {
    struct bytes serial; /* as certificates have it: lower-case hex */
    struct bytes reason;
};
struct compile_bind { /* a listener to bind */
    uint64_t id;
    struct bytes address;
    uint32_t port;
    bool tcp; /* raw TCP rather than HTTP */
};

struct compile_result {
    struct image_head *rules; /* heap, hash filled in */
    size_t rules_size;
    struct image_head *endpoints;
    size_t endpoints_size;
    struct compile_key_set *key_sets;
    size_t key_set_count;
    struct compile_credential *credentials;
    size_t credential_count;
    struct compile_login *logins;
    size_t login_count;
    struct compile_bundle *bundles;
    size_t bundle_count;
    struct compile_revoked *revoked;
    size_t revoked_count;
    struct compile_bind *binds;
    size_t bind_count;
    struct bytes *unix_paths; /* workloads behind unix sockets */
    size_t unix_path_count;
    /* The Assertion that applies, or NULL. */
    const struct resource *assertion;
};

/*
 * False when a resource that bears on security cannot be compiled: nothing may be
 * put in force. Warnings are added to the set's findings. What *out refers to lies
 * in `arena` or in the set.
 */
bool compile(struct resource_set *set, const struct compile_node *node, uint64_t generation,
             struct arena *arena, struct compile_result *out, struct fail *why);
/*
 * The rules that stand when there are none to trust: every request is refused. The
 * listeners are those that the sound resources of the set (resource_set_keep_sound)
 * name; none when even that cannot be told, or the set is NULL.
 */
void compile_deny_all(struct resource_set *set, const struct compile_node *node, struct bytes reason,
                      uint64_t generation, struct arena *arena, struct compile_result *out);
void compile_result_done(struct compile_result *result);

#endif
