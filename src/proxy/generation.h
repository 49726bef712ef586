/*
 * generation: the rules, endpoints and keys that are in force together, with what
 * cannot lie in an image: compiled regexes, TLS contexts, verifiers, signers.
 *
 * Made by the loader, off the event loop, whenever one of the three images is
 * replaced; what did not change is taken over by reference, contexts by the hash
 * of their content. Read by one worker's loop only; freed when the last exchange
 * that began with it has ended.
 */
#ifndef PROXY_GENERATION_H
#define PROXY_GENERATION_H

#include "crypt/envelope.h"
#include "crypt/key_set.h"
#include "crypt/signature.h"
#include "crypt/tls.h"
#include "rules/decide/route.h"
#include "rules/snapshot.h"

struct generation_part; /* one image, mapped, with what was derived from it; counted */

struct generation {
    uint32_t refs;
    struct image rules;
    struct image endpoints;
    struct image keys;
    const struct rules_node *node;
    const struct rules_limits *limits;
    const struct rules_assertion *assertion; /* NULL: none */
    const struct keys_root *root;
    struct generation_part *parts[3];
    const struct route_regexes *regexes;
    struct key_set *const *key_sets;       /* by row of KEYS_SET */
    struct signer *const *signers;         /* by row of KEYS_SIGNER */
    struct tls_context **server_contexts;  /* by row of RULES_SERVER; NULL: no certificate, stays closed */
    struct tls_context *mesh_server;       /* STRICT and PERMISSIVE listeners; NULL: no identity yet */
    struct tls_context **cluster_contexts; /* by row of RULES_CLUSTER; NULL: plain text or not possible */
    struct tls_context *mesh_client;
    struct tls_context *mesh_client_http1; /* for what HTTP/2 cannot carry: TCP, other protocols */
    uint64_t self_version;                 /* of the node's own certificate */
    struct envelope_keys sessions;         /* of browsers */
    unsigned char self_sha256[32];         /* of the own certificate's DER, for cnf */
    struct bytes *trust_domains;           /* the own, its aliases, then those of others */
    size_t trust_domain_count;
    size_t own_domain_count;
    char revision[13]; /* first digits, for records */
    uint64_t sequence; /* counts up in this worker */
};

struct generation *generation_ref(struct generation *generation);
void generation_unref(struct generation *generation);

const struct endpoints_cluster *generation_cluster(const struct generation *generation, uint64_t id);
/* Row and set of that id; false when there is none. */
bool generation_key_set(const struct generation *generation, uint64_t id, const struct keys_set **row,
                        struct key_set **set);
/* What is known of a login's provider; NULL: nothing yet. */
const struct keys_login *generation_login(const struct generation *generation, uint64_t id);
struct peer;
/* False: a certificate of the peer's is on the deny list. NULL: nobody showed one. */
bool generation_peer_check(const struct generation *generation, const struct peer *peer, struct fail *why);
const struct keys_certificate *generation_certificate(const struct image *keys, uint64_t id);

/*
 * loader: builds generations from images as they come. `take` maps and checks the
 * image behind fd (closed in any case); *out is a new generation once rules,
 * endpoints and keys are all there, else NULL. False: the image is refused and
 * what stood before goes on.
 */
struct loader;
struct loader *loader_new(void);
void loader_free(struct loader *loader);
bool loader_take(struct loader *loader, int fd, enum image_kind kind, struct generation **out,
                 struct fail *why);
/* Control's number of the image of that kind that was taken last. */
uint64_t loader_generation(const struct loader *loader, enum image_kind kind);

#endif
