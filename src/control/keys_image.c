#include "control/keys_image.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/heap.h"
#include "base/log.h"
#include "control/image_memory.h"
#include "crypt/certificate.h"
#include "crypt/digest.h"
#include "wire/image_build.h"
#include "wire/jwk.h"

/* Never the id of a credential: those are hashes of names with a "/" or ":" in them. */
#define SELF_NAME BYTES("the node's identity")

static int by_id(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int certificate_order(const void *a, const void *b)
{
    return by_id(((const struct keys_certificate *)a)->id, ((const struct keys_certificate *)b)->id);
}

static int set_order(const void *a, const void *b)
{
    return by_id(((const struct keys_set *)a)->id, ((const struct keys_set *)b)->id);
}

/* Another certificate must never look like the one before it, so all parts count. */
static uint64_t version_of(struct bytes chain, struct bytes key, struct bytes trust)
{
    struct digest_work *work = digest_start();
    const struct bytes parts[] = {chain, key, trust};
    for (size_t i = 0; i < 3; i++) {
        uint64_t len = parts[i].len;
        digest_more(work, bytes_make(&len, sizeof len));
        digest_more(work, parts[i]);
    }
    struct digest digest = digest_end(work);
    uint64_t version;
    memcpy(&version, digest.bytes, sizeof version);
    return version;
}

static struct keys_certificate certificate_row(struct image_build *build, const struct keys_credential *from,
                                               int64_t not_after_s)
{
    return (struct keys_certificate){
        .id = from->id,
        .name = image_build_text(build, from->name),
        .chain = image_build_text(build, from->chain),
        .key = image_build_text(build, from->key),
        .trust = image_build_text(build, from->trust),
        .not_after_s = not_after_s,
        .version = version_of(from->chain, from->key, from->trust),
    };
}

static int64_t not_after_of(const struct keys_credential *credential, struct arena *arena)
{
    struct certificate_facts facts;
    struct fail why;
    if (!credential->chain.len || !certificate_facts(credential->chain, arena, &facts, &why))
        return 0;
    return facts.not_after_s;
}

static void certificates_build(struct image_build *build, const struct keys_parts *parts,
                               struct keys_root *root)
{
    const struct identity_letter *identity = parts->identity;
    struct keys_certificate *rows =
        arena_array(&build->arena, struct keys_certificate, parts->credential_count + 1);
    uint32_t count = 0;
    if (identity && identity->pem.chain.len) {
        struct keys_credential self = {hash_stable(SELF_NAME), identity->spiffe_uri, identity->pem.chain,
                                       identity->pem.key, identity->pem.roots};
        rows[count++] = certificate_row(build, &self, identity->not_after_s);
        root->self = self.id;
    }
    for (size_t i = 0; i < parts->credential_count; i++) {
        const struct keys_credential *from = &parts->credentials[i];
        bool known = false;
        for (uint32_t j = 0; j < count; j++)
            known |= rows[j].id == from->id;
        if (!known)
            rows[count++] = certificate_row(build, from, not_after_of(from, &build->arena));
    }
    qsort(rows, count, sizeof *rows, certificate_order);
    image_build_rows(build, KEYS_CERTIFICATE, rows, count);
}

static struct image_rows keys_build(struct image_build *build, const struct keys_source *source)
{
    struct jwk_set set = {0};
    struct fail why;
    if (!jwk_set_read(source->text, &build->arena, &set, &why)) {
        log_error("key set of %.*s: %s", BYTES_FMT(source->name), why.text);
        return (struct image_rows){0, 0};
    }
    struct keys_key *rows = arena_array(&build->arena, struct keys_key, set.count);
    for (uint32_t i = 0; i < set.count; i++)
        rows[i] = (struct keys_key){
            .type = set.keys[i].type,
            .alg = set.keys[i].alg,
            .kid = image_build_text(build, set.keys[i].kid),
            .a = image_build_text(build, set.keys[i].a),
            .b = image_build_text(build, set.keys[i].b),
        };
    return image_build_rows(build, KEYS_KEY, rows, set.count);
}

static void sets_build(struct image_build *build, const struct keys_parts *parts)
{
    struct keys_set *rows = arena_array(&build->arena, struct keys_set, parts->set_count);
    uint32_t count = 0;
    for (size_t i = 0; i < parts->set_count; i++) {
        const struct keys_source *source = &parts->sets[i];
        bool known = false;
        for (uint32_t j = 0; j < count; j++)
            known |= rows[j].id == source->id;
        if (known)
            continue;
        struct keys_set row = {.id = source->id, .name = image_build_text(build, source->name)};
        if (source->text.len) {
            row.keys = keys_build(build, source);
            row.fetched = 1;
            row.version = hash_stable(source->text);
        }
        rows[count++] = row;
    }
    qsort(rows, count, sizeof *rows, set_order);
    image_build_rows(build, KEYS_SET, rows, count);
}

static void signers_build(struct image_build *build, const struct signing_letter *signing,
                          struct keys_root *root)
{
    if (!signing)
        return;
    for (size_t i = 0; i < signing->count; i++) {
        const struct signing_key *key = &signing->keys[i];
        struct keys_signer row = {.kid = image_build_text(build, bytes_of(key->kid)),
                                  .der = image_build_text(build, bytes_make(key->der, key->der_len)),
                                  .from_s = key->from_s,
                                  .until_s = key->until_s};
        image_build_rows(build, KEYS_SIGNER, &row, 1);
    }
    root->published = image_build_text(build, signing->published);
    root->published_max_age_s = signing->max_age_s;
}

static void tickets_build(struct image_build *build, const struct session_tickets *tickets)
{
    for (size_t i = 0; tickets && i < tickets->count; i++) {
        const unsigned char *key = tickets->at[i].key;
        struct keys_ticket row = {.key = image_build_text(build, bytes_make(key, TICKET_KEY_SIZE))};
        image_build_rows(build, KEYS_TICKET, &row, 1);
    }
}

static void sessions_build(struct image_build *build, const struct envelope_keys *sessions)
{
    for (size_t i = 0; sessions && i < sessions->count; i++) {
        struct bytes key = bytes_make(sessions->at[i].key.bytes, SEAL_KEY_SIZE);
        struct keys_session row = {.id = sessions->at[i].id, .key = image_build_text(build, key)};
        image_build_rows(build, KEYS_SESSION, &row, 1);
    }
}

static void logins_build(struct image_build *build, const struct keys_parts *parts)
{
    for (size_t i = 0; i < parts->login_count; i++) {
        const struct keys_login_source *from = &parts->logins[i];
        struct keys_login row = {
            .id = from->id,
            .authorization_endpoint = image_build_text(build, from->authorization_endpoint),
            .end_session_endpoint = image_build_text(build, from->end_session_endpoint),
            .says_issuer = from->says_issuer,
        };
        image_build_rows(build, KEYS_LOGIN, &row, 1);
    }
}

/* The first of a name wins: the edition in force before the one that goes. */
static void domains_build(struct image_build *build, const struct keys_parts *parts)
{
    for (size_t i = 0; i < parts->domain_count; i++) {
        bool known = false;
        for (size_t k = 0; k < i; k++)
            known |= bytes_equal(parts->domains[k].name, parts->domains[i].name);
        if (known)
            continue;
        struct keys_domain row = {.name = image_build_text(build, parts->domains[i].name),
                                  .roots = image_build_text(build, parts->domains[i].roots)};
        image_build_rows(build, KEYS_DOMAIN, &row, 1);
    }
}

static int serial_order(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

static void revoked_build(struct image_build *build, const struct keys_parts *parts)
{
    if (parts->revoked_count)
        qsort(parts->revoked, parts->revoked_count, sizeof *parts->revoked, serial_order);
    for (size_t i = 0; i < parts->revoked_count; i++) {
        if (i && bytes_equal(parts->revoked[i], parts->revoked[i - 1]))
            continue;
        struct keys_revoked row = {.serial = image_build_text(build, parts->revoked[i])};
        image_build_rows(build, KEYS_REVOKED, &row, 1);
    }
}

struct image_head *keys_image_build(const struct keys_parts *parts, uint64_t generation, size_t *size)
{
    static const unsigned char none[32];
    struct image_build build;
    struct keys_root root = {0};
    image_build_init(&build, &keys_schema);
    certificates_build(&build, parts, &root);
    sets_build(&build, parts);
    signers_build(&build, parts->signing, &root);
    tickets_build(&build, parts->tickets);
    sessions_build(&build, parts->sessions);
    logins_build(&build, parts);
    domains_build(&build, parts);
    revoked_build(&build, parts);
    image_build_rows(&build, KEYS_ROOT, &root, 1);
    struct image_head *head = image_build_finish(&build, generation, none, size);
    image_hash(head, *size);
    image_build_done(&build);
    return head;
}
