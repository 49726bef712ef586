#include "proxy/generation.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/heap.h"
#include "base/log.h"
#include "base/map.h"
#include "crypt/digest.h"
#include "crypt/ticket.h"
#include "wire/base64.h"

/* Counted by the loader's thread and the loop's: atomically. */
struct generation_part {
    _Atomic uint32_t refs;
    void *memory;
    size_t size;
    struct image image;
    struct route_regexes *regexes; /* rules */
    struct key_set **key_sets;     /* keys, by row */
    uint32_t key_set_count;
    struct signer **signers; /* keys, by row */
    uint32_t signer_count;
    unsigned char self_sha256[32];
};

/* ---- parts ------------------------------------------------------------------------ */

static struct generation_part *part_ref(struct generation_part *part)
{
    atomic_fetch_add(&part->refs, 1);
    return part;
}

static void part_unref(struct generation_part *part)
{
    if (!part || atomic_fetch_sub(&part->refs, 1) != 1)
        return;
    for (uint32_t i = 0; i < part->key_set_count; i++)
        key_set_free(part->key_sets[i]);
    for (uint32_t i = 0; i < part->signer_count; i++)
        signer_free(part->signers[i]);
    free(part->key_sets);
    free(part->signers);
    route_regexes_free(part->regexes);
    munmap(part->memory, part->size);
    free(part);
}

static const struct image_schema *schema_of(enum image_kind kind)
{
    static const struct image_schema *const schemas[] = {
        [IMAGE_RULES] = &rules_schema, [IMAGE_ENDPOINTS] = &endpoints_schema, [IMAGE_KEYS] = &keys_schema};
    return schemas[kind];
}

static bool part_map(int fd, struct generation_part *part, struct fail *why)
{
    off_t size = lseek(fd, 0, SEEK_END); /* fstat is not among a worker's system calls */
    if (size < (off_t)sizeof(struct image_head) || size > (off_t)IMAGE_SIZE_MAX)
        return fail(why, FAIL_INPUT, "image: %lld bytes are none", (long long)size);
    part->size = (size_t)size;
    part->memory = mmap(NULL, part->size, PROT_READ, MAP_SHARED, fd, 0);
    if (part->memory == MAP_FAILED)
        return fail_errno(why, FAIL_SELF, "image: it cannot be mapped");
    (void)madvise(part->memory, part->size, MADV_DONTDUMP);
    return true;
}

static struct key_set *key_set_derive(const struct image *keys, const struct keys_set *row)
{
    struct jwk_set set = {.count = row->keys.count};
    set.keys = heap_alloc_array(set.count, sizeof *set.keys);
    for (uint32_t i = 0; i < set.count; i++) {
        const struct keys_key *key = image_row(keys, KEYS_KEY, row->keys, i);
        set.keys[i] =
            (struct jwk){(enum jwk_type)key->type, image_text(keys, key->kid), (enum jws_alg)key->alg,
                         image_text(keys, key->a), image_text(keys, key->b)};
    }
    struct key_set *made = key_set_new(&set);
    free(set.keys);
    return made;
}

const struct keys_certificate *generation_certificate(const struct image *keys, uint64_t id)
{
    return image_find(keys, KEYS_CERTIFICATE, id);
}

/* SHA-256 of the DER of the chain's first certificate (RFC 8705 3.1). */
static void leaf_digest(struct bytes chain, unsigned char out[32])
{
    struct bytes begin = BYTES("-----BEGIN CERTIFICATE-----"), end = BYTES("-----END CERTIFICATE-----"), der;
    struct arena arena;
    size_t from = bytes_find_text(chain, begin) + begin.len, to = bytes_find_text(chain, end);
    memset(out, 0, 32);
    arena_init(&arena);
    if (from < to && base64_decode(bytes_part(chain, from, to), true, &arena, &der)) {
        struct digest digest = digest_of(der);
        memcpy(out, digest.bytes, 32);
    }
    arena_done(&arena);
}

static bool keys_derive(struct generation_part *part, struct fail *why)
{
    const struct image *keys = &part->image;
    struct image_rows sets = image_all(keys, KEYS_SET), signers = image_all(keys, KEYS_SIGNER);
    const struct keys_root *root = image_row(keys, KEYS_ROOT, image_all(keys, KEYS_ROOT), 0);
    part->key_sets = heap_alloc_array(sets.count, sizeof(struct key_set *));
    for (; part->key_set_count < sets.count; part->key_set_count++)
        part->key_sets[part->key_set_count] =
            key_set_derive(keys, image_row(keys, KEYS_SET, sets, part->key_set_count));
    part->signers = heap_alloc_array(signers.count, sizeof(struct signer *));
    for (; part->signer_count < signers.count; part->signer_count++) {
        const struct keys_signer *row = image_row(keys, KEYS_SIGNER, signers, part->signer_count);
        part->signers[part->signer_count] = signer_from_der(image_text(keys, row->der), why);
        if (!part->signers[part->signer_count])
            return false;
    }
    const struct keys_certificate *self = root->self ? generation_certificate(keys, root->self) : NULL;
    if (self)
        leaf_digest(image_text(keys, self->chain), part->self_sha256);
    return true;
}

static struct generation_part *part_make(int fd, enum image_kind kind, struct fail *why)
{
    struct generation_part *part = heap_new(struct generation_part);
    part->refs = 1;
    if (!part_map(fd, part, why)) {
        free(part);
        return NULL;
    }
    bool fine = image_open(part->memory, part->size, schema_of(kind), &part->image, why);
    if (fine && kind == IMAGE_RULES) {
        part->regexes = route_regexes_new(&part->image, why);
        fine = part->regexes != NULL;
    }
    if (fine && kind == IMAGE_KEYS)
        fine = keys_derive(part, why);
    if (fine)
        return part;
    part_unref(part);
    return NULL;
}

/* ---- TLS contexts ----------------------------------------------------------------- */

struct context_entry {
    struct digest key;
    struct tls_context *context;
    uint64_t used; /* by the last generation that wanted it */
};

struct loader {
    struct generation_part *parts[3];
    struct map contexts;
    struct ticket_keys *tickets; /* of all servers' contexts */
    struct tls_domain *domains;  /* of the generation that is made */
    size_t domain_count;
    struct bytes *revoked;
    size_t revoked_count;
    uint64_t sequence;
};

static void feed(struct digest_work *work, struct bytes bytes)
{
    uint64_t len = bytes.len;
    digest_more(work, bytes_make(&len, sizeof len));
    digest_more(work, bytes);
}

static struct digest settings_digest(const struct tls_settings *settings, bool server)
{
    struct digest_work *work = digest_start();
    int numbers[] = {server, (int)settings->verify, settings->mesh, settings->min_version,
                     settings->max_version};
    feed(work, bytes_make(numbers, sizeof numbers));
    feed(work, settings->chain);
    feed(work, settings->key);
    feed(work, settings->trust);
    feed(work, settings->host);
    for (size_t i = 0; i < settings->more_host_count; i++)
        feed(work, settings->more_hosts[i]);
    for (const char *const *name = settings->alpn; name && *name; name++)
        feed(work, bytes_of(*name));
    for (size_t i = 0; i < settings->domain_count; i++) {
        feed(work, settings->domains[i].name);
        feed(work, settings->domains[i].roots);
    }
    for (size_t i = 0; i < settings->revoked_count; i++)
        feed(work, settings->revoked[i]);
    return digest_end(work);
}

/* A reference, or NULL with a line in the log: that listener or cluster stays closed. */
static struct tls_context *context_get(struct loader *loader, struct tls_settings *settings, bool server,
                                       struct bytes what)
{
    struct fail why;
    settings->tickets = loader->tickets;
    if (settings->mesh) {
        settings->domains = loader->domains;
        settings->domain_count = loader->domain_count;
    }
    if (settings->verify != TLS_VERIFY_NONE) {
        settings->revoked = loader->revoked;
        settings->revoked_count = loader->revoked_count;
    }
    struct digest key = settings_digest(settings, server);
    struct context_entry *entry = map_get(&loader->contexts, bytes_make(&key, sizeof key));
    if (!entry) {
        struct tls_context *made =
            server ? tls_context_new_server(settings, &why) : tls_context_new_client(settings, &why);
        if (!made) {
            log_warning("TLS of %.*s stays closed: %s", BYTES_FMT(what), why.text);
            return NULL;
        }
        entry = heap_new(struct context_entry);
        *entry = (struct context_entry){key, made, 0};
        map_put(&loader->contexts, bytes_make(&entry->key, sizeof entry->key), entry);
    }
    entry->used = loader->sequence;
    return tls_context_ref(entry->context);
}

/* What neither this generation nor the one before wanted. */
static void contexts_trim(struct loader *loader)
{
    struct context_entry *old[64];
    size_t count = 0, at = 0;
    struct bytes key;
    void *value;
    while (count < 64 && map_next(&loader->contexts, &at, &key, &value)) {
        struct context_entry *entry = value;
        if (entry->used + 1 < loader->sequence)
            old[count++] = entry;
    }
    for (size_t i = 0; i < count; i++) {
        map_take(&loader->contexts, bytes_make(&old[i]->key, sizeof old[i]->key));
        tls_context_unref(old[i]->context);
        free(old[i]);
    }
}

/* Istio's own names first: its proxies tell mesh traffic by them. */
static const char *const mesh_alpn[] = {"istio-h2", "h2", "istio-http/1.1", "istio", "http/1.1", NULL};
static const char *const mesh_http1_alpn[] = {"istio-http/1.1", "istio", "http/1.1", NULL};
static const char *const web_alpn[] = {"h2", "http/1.1", NULL};
static const char *const web_http1_alpn[] = {"http/1.1", NULL};

static void settings_identity(const struct image *keys, const struct keys_certificate *own,
                              struct tls_settings *settings)
{
    settings->chain = image_text(keys, own->chain);
    settings->key = image_text(keys, own->key);
    settings->trust = image_text(keys, own->trust);
}

static struct tls_context *mesh_context(struct loader *loader, const struct image *keys,
                                        const struct keys_certificate *self, bool server,
                                        const char *const *alpn)
{
    struct tls_settings settings = {.verify = TLS_VERIFY_REQUIRED, .mesh = true, .alpn = alpn};
    if (!self)
        return NULL;
    settings_identity(keys, self, &settings);
    return context_get(loader, &settings, server, BYTES("the mesh"));
}

static struct tls_context *server_context(struct loader *loader, const struct generation *generation,
                                          const struct rules_server *row, const struct keys_certificate *self)
{
    const struct image *keys = &generation->keys;
    if (row->tls == SERVER_MESH)
        return mesh_context(loader, keys, self, true, mesh_alpn);
    const struct keys_certificate *own = generation_certificate(keys, row->credential);
    struct tls_settings settings = {.min_version = (int)row->min_version, .alpn = web_alpn};
    if (!own)
        return NULL;
    settings_identity(keys, own, &settings);
    settings.verify = row->tls == SERVER_MUTUAL ? TLS_VERIFY_REQUIRED : TLS_VERIFY_NONE;
    if (row->tls != SERVER_MUTUAL)
        settings.trust = (struct bytes){0};
    return context_get(loader, &settings, true, image_text(&generation->rules, row->credential_name));
}

static struct tls_context *cluster_context(struct loader *loader, const struct generation *generation,
                                           const struct rules_cluster *row)
{
    const struct image *keys = &generation->keys, *rules = &generation->rules;
    if (row->tls != CLUSTER_TLS && row->tls != CLUSTER_MUTUAL)
        return NULL;
    const struct keys_certificate *own =
        row->credential ? generation_certificate(keys, row->credential) : NULL;
    struct tls_settings settings = {.alpn = row->speaks == CLUSTER_HTTP1 ? web_http1_alpn : web_alpn};
    if (row->credential && !own)
        return NULL;
    if (own)
        settings_identity(keys, own, &settings);
    settings.verify = row->skip_verify ? TLS_VERIFY_NONE : TLS_VERIFY_REQUIRED;
    struct bytes names[TLS_HOSTS_MAX];
    if (row->skip_verify)
        return context_get(loader, &settings, false, image_text(rules, row->name));
    IMAGE_FOR(rules, RULES_NAME, struct rules_name, name, row->peer_names)
    {
        if (settings.more_host_count < TLS_HOSTS_MAX)
            names[settings.more_host_count++] = image_text(rules, name->text);
    }
    settings.more_hosts = names;
    if (!settings.more_host_count)
        settings.host = image_text(rules, row->sni);
    return context_get(loader, &settings, false, image_text(rules, row->name));
}

/* ---- generations -------------------------------------------------------------------- */

struct generation *generation_ref(struct generation *generation)
{
    generation->refs++;
    return generation;
}

void generation_unref(struct generation *g)
{
    if (!g || --g->refs)
        return;
    for (uint32_t i = 0; i < image_all(&g->rules, RULES_SERVER).count; i++)
        tls_context_unref(g->server_contexts[i]);
    for (uint32_t i = 0; i < image_all(&g->rules, RULES_CLUSTER).count; i++)
        tls_context_unref(g->cluster_contexts[i]);
    tls_context_unref(g->mesh_server);
    tls_context_unref(g->mesh_client);
    tls_context_unref(g->mesh_client_http1);
    free(g->server_contexts);
    free(g->cluster_contexts);
    free(g->trust_domains);
    heap_wipe(&g->sessions, sizeof g->sessions);
    for (int i = 0; i < 3; i++)
        part_unref(g->parts[i]);
    free(g);
}

static void trust_domains_fill(struct generation *g)
{
    struct image_rows rows = g->node->trust_domains, others = image_all(&g->keys, KEYS_DOMAIN);
    g->trust_domains = heap_alloc_array(rows.count + others.count, sizeof *g->trust_domains);
    IMAGE_FOR(&g->rules, RULES_NAME, struct rules_name, name, rows)
    {
        g->trust_domains[g->trust_domain_count++] = image_text(&g->rules, name->text);
    }
    g->own_domain_count = g->trust_domain_count;
    IMAGE_FOR(&g->keys, KEYS_DOMAIN, struct keys_domain, domain, others)
    {
        g->trust_domains[g->trust_domain_count++] = image_text(&g->keys, domain->name);
    }
}

/* What every context of this generation is told; its texts lie in the keys image. */
static void vouch_begin(struct loader *loader, const struct image *keys)
{
    struct image_rows domains = image_all(keys, KEYS_DOMAIN), revoked = image_all(keys, KEYS_REVOKED);
    loader->domains = heap_alloc_array(domains.count + 1, sizeof *loader->domains);
    loader->revoked = heap_alloc_array(revoked.count + 1, sizeof *loader->revoked);
    loader->domain_count = loader->revoked_count = 0;
    IMAGE_FOR(keys, KEYS_DOMAIN, struct keys_domain, domain, domains)
    {
        loader->domains[loader->domain_count++] =
            (struct tls_domain){image_text(keys, domain->name), image_text(keys, domain->roots)};
    }
    IMAGE_FOR(keys, KEYS_REVOKED, struct keys_revoked, row, revoked)
    {
        loader->revoked[loader->revoked_count++] = image_text(keys, row->serial);
    }
}

static void vouch_end(struct loader *loader)
{
    free(loader->domains);
    free(loader->revoked);
    loader->domains = NULL;
    loader->revoked = NULL;
}

static void contexts_fill(struct loader *loader, struct generation *g)
{
    const struct keys_certificate *self =
        g->root->self ? generation_certificate(&g->keys, g->root->self) : NULL;
    struct image_rows servers = image_all(&g->rules, RULES_SERVER),
                      clusters = image_all(&g->rules, RULES_CLUSTER);
    g->self_version = self ? self->version : 0;
    g->mesh_server = mesh_context(loader, &g->keys, self, true, mesh_alpn);
    g->mesh_client = mesh_context(loader, &g->keys, self, false, mesh_alpn);
    g->mesh_client_http1 = mesh_context(loader, &g->keys, self, false, mesh_http1_alpn);
    g->server_contexts = heap_alloc_array(servers.count, sizeof(struct tls_context *));
    for (uint32_t i = 0; i < servers.count; i++)
        g->server_contexts[i] =
            server_context(loader, g, image_row(&g->rules, RULES_SERVER, servers, i), self);
    g->cluster_contexts = heap_alloc_array(clusters.count, sizeof(struct tls_context *));
    for (uint32_t i = 0; i < clusters.count; i++)
        g->cluster_contexts[i] = cluster_context(loader, g, image_row(&g->rules, RULES_CLUSTER, clusters, i));
}

static void sessions_fill(struct generation *g)
{
    IMAGE_FOR(&g->keys, KEYS_SESSION, struct keys_session, row, image_all(&g->keys, KEYS_SESSION))
    {
        struct bytes key = image_text(&g->keys, row->key);
        if (g->sessions.count == ENVELOPE_KEYS_MAX || key.len != SEAL_KEY_SIZE)
            continue;
        struct envelope_key *to = &g->sessions.at[g->sessions.count++];
        to->id = row->id;
        memcpy(to->key.bytes, key.at, SEAL_KEY_SIZE);
    }
}

const struct keys_login *generation_login(const struct generation *g, uint64_t id)
{
    IMAGE_FOR(&g->keys, KEYS_LOGIN, struct keys_login, row, image_all(&g->keys, KEYS_LOGIN))
    {
        if (row->id == id)
            return row;
    }
    return NULL;
}

static struct generation *generation_make(struct loader *loader)
{
    struct generation *g = heap_new(struct generation);
    struct generation_part *keys = loader->parts[IMAGE_KEYS - 1];
    g->refs = 1;
    g->sequence = ++loader->sequence;
    for (int i = 0; i < 3; i++)
        g->parts[i] = part_ref(loader->parts[i]);
    g->rules = g->parts[IMAGE_RULES - 1]->image;
    g->endpoints = g->parts[IMAGE_ENDPOINTS - 1]->image;
    g->keys = keys->image;
    g->regexes = g->parts[IMAGE_RULES - 1]->regexes;
    g->node = image_row(&g->rules, RULES_NODE, image_all(&g->rules, RULES_NODE), 0);
    g->root = image_row(&g->keys, KEYS_ROOT, image_all(&g->keys, KEYS_ROOT), 0);
    g->limits = image_row(&g->rules, RULES_LIMITS, image_all(&g->rules, RULES_LIMITS), 0);
    if (g->node->assertion.count)
        g->assertion = image_row(&g->rules, RULES_ASSERTION, g->node->assertion, 0);
    g->key_sets = keys->key_sets;
    g->signers = keys->signers;
    memcpy(g->self_sha256, keys->self_sha256, sizeof g->self_sha256);
    struct text text;
    text_init_fixed(&text, g->revision, sizeof g->revision);
    text_add_hex(&text, bytes_make(g->rules.head->revision, 6));
    trust_domains_fill(g);
    sessions_fill(g);
    vouch_begin(loader, &g->keys);
    contexts_fill(loader, g);
    vouch_end(loader);
    contexts_trim(loader);
    return g;
}

static bool is_revoked(const struct generation *g, struct bytes serial)
{
    struct image_rows all = image_all(&g->keys, KEYS_REVOKED);
    for (uint32_t low = 0, high = all.count; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        const struct keys_revoked *row = image_row(&g->keys, KEYS_REVOKED, all, middle);
        int order = bytes_compare(image_text(&g->keys, row->serial), serial);
        if (!order)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

bool generation_peer_check(const struct generation *g, const struct peer *peer, struct fail *why)
{
    if (!peer || !image_all(&g->keys, KEYS_REVOKED).count)
        return true;
    struct bytes rest = peer->serials, serial;
    while (rest.len) {
        bytes_cut(&rest, ' ', &serial);
        if (is_revoked(g, serial))
            return fail(why, FAIL_DENIED, "the certificate with serial %.*s is revoked",
                        BYTES_FMT(bytes_part(serial, 0, 40)));
    }
    return true;
}

const struct endpoints_cluster *generation_cluster(const struct generation *g, uint64_t id)
{
    return image_find(&g->endpoints, ENDPOINTS_CLUSTER, id);
}

bool generation_key_set(const struct generation *g, uint64_t id, const struct keys_set **row,
                        struct key_set **set)
{
    struct image_rows all = image_all(&g->keys, KEYS_SET);
    for (uint32_t i = 0; i < all.count; i++) {
        const struct keys_set *each = image_row(&g->keys, KEYS_SET, all, i);
        if (each->id == id) {
            *row = each;
            *set = g->key_sets[i];
            return true;
        }
    }
    return false;
}

/* ---- the loader -------------------------------------------------------------------------- */

struct loader *loader_new(void)
{
    struct loader *loader = heap_new(struct loader);
    map_init(&loader->contexts);
    loader->tickets = ticket_keys_new();
    return loader;
}

void loader_free(struct loader *loader)
{
    size_t at = 0;
    struct bytes key;
    void *value;
    while (map_next(&loader->contexts, &at, &key, &value)) {
        struct context_entry *entry = value;
        tls_context_unref(entry->context);
        free(entry);
    }
    map_done(&loader->contexts);
    for (int i = 0; i < 3; i++)
        part_unref(loader->parts[i]);
    ticket_keys_unref(loader->tickets);
    free(loader);
}

uint64_t loader_generation(const struct loader *loader, enum image_kind kind)
{
    return loader->parts[kind - 1] ? loader->parts[kind - 1]->image.head->generation : 0;
}

/* Contexts are not made anew for them: they have the set, not the keys. */
static void tickets_take(struct loader *loader, const struct image *keys)
{
    struct bytes texts[TICKET_KEYS_MAX];
    size_t count = 0;
    IMAGE_FOR(keys, KEYS_TICKET, struct keys_ticket, row, image_all(keys, KEYS_TICKET))
    {
        if (count < TICKET_KEYS_MAX)
            texts[count++] = image_text(keys, row->key);
    }
    ticket_keys_set(loader->tickets, texts, count);
}

bool loader_take(struct loader *loader, int fd, enum image_kind kind, struct generation **out,
                 struct fail *why)
{
    *out = NULL;
    *why = (struct fail){0};
    struct generation_part *part = part_make(fd, kind, why);
    close(fd);
    if (!part)
        return false;
    part_unref(loader->parts[kind - 1]);
    loader->parts[kind - 1] = part;
    if (kind == IMAGE_KEYS)
        tickets_take(loader, &part->image);
    if (loader->parts[0] && loader->parts[1] && loader->parts[2])
        *out = generation_make(loader);
    return true;
}
