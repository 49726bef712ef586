/* The half of publish that is about the keys image and those who fill it. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/log.h"
#include "control/join_server.h"
#include "control/key_keep.h"
#include "control/publish.h"
#include "crypt/bundle.h"
#include "rules/kind/assertion.h"
#include "rules/kind/secret.h"

static size_t key_sets_max(const struct publish *publish)
{
    return (publish->current ? publish->current->result.key_set_count : 0) +
           (publish->before ? publish->before->result.key_set_count : 0);
}

static size_t bundles_max(const struct publish *publish)
{
    return (publish->current ? publish->current->result.bundle_count : 0) +
           (publish->before ? publish->before->result.bundle_count : 0);
}

static size_t bundles_want(const struct edition *edition, struct arena *arena, struct provider_wanted *to)
{
    size_t count = 0;
    for (size_t i = 0; edition && i < edition->result.bundle_count; i++) {
        const struct compile_bundle *bundle = &edition->result.bundles[i];
        if (bundle->url.len)
            to[count++] = (struct provider_wanted){.id = bundle->id,
                                                   .issuer = arena_bytes(arena, bundle->trust_domain),
                                                   .jwks_uri = arena_bytes(arena, bundle->url),
                                                   .bundle = true,
                                                   .spiffe_id = arena_bytes(arena, bundle->spiffe_id),
                                                   .roots = arena_bytes(arena, bundle->inline_text)};
    }
    return count;
}

static size_t wanted_add(const struct edition *edition, struct arena *arena, struct provider_wanted *to)
{
    size_t count = 0;
    for (size_t i = 0; edition && i < edition->result.key_set_count; i++) {
        const struct compile_key_set *set = &edition->result.key_sets[i];
        if (set->inline_text.len)
            continue;
        to[count++] = (struct provider_wanted){.id = set->id,
                                               .issuer = arena_bytes(arena, set->issuer),
                                               .jwks_uri = arena_bytes(arena, set->jwks_uri),
                                               .timeout_ms = set->timeout_ms};
    }
    return count;
}

/* Once, for the first rules: later every set was asked for by ourselves. */
static void kept_read(struct publish *publish)
{
    struct fail why;
    if (publish->kept_read)
        return;
    publish->kept_read = true;
    if (!key_keep_read(publish->settings, &publish->keys, clock_wall_s(), &why))
        log_warning("key sets of before cannot be used: %s", why.text);
}

static void providers_order_send(struct publish *publish)
{
    struct providers_order *order = letter_new(LETTER_WANTED, sizeof *order);
    struct arena *arena = &order->letter.arena;
    order->at = arena_array(arena, struct provider_wanted, key_sets_max(publish) + bundles_max(publish));
    order->count = wanted_add(publish->current, arena, order->at);
    order->count += wanted_add(publish->before, arena, order->at + order->count);
    order->count += bundles_want(publish->current, arena, order->at + order->count);
    order->count += bundles_want(publish->before, arena, order->at + order->count);
    key_table_want(&publish->keys, order->at, order->count);
    kept_read(publish);
    if (publish->providers)
        providers_order_post(publish->providers, order);
    else
        letter_free(&order->letter);
}

static void signing_order_send(struct publish *publish)
{
    const struct resource *resource = publish->current->result.assertion;
    struct signing_plan plan = {0};
    if (!publish->signing_thread)
        return;
    if (resource) {
        const struct assertion *assertion = resource->spec;
        plan = (struct signing_plan){.every_s = assertion->rotate_every_ms / 1000,
                                     .ahead_s = assertion->publish_ahead_ms / 1000,
                                     .lifetime_s = assertion->lifetime_ms / 1000,
                                     .linger_s = assertion->keep_published_ms / 1000};
    }
    signing_order_post(publish->signing_thread, resource != NULL, &plan);
}

void publish_keys_want(struct publish *publish)
{
    const struct compile_result *result = &publish->current->result;
    providers_order_send(publish);
    signing_order_send(publish);
    publish_logins_want(publish);
    join_server_revoke(publish->join_server, result->revoked, result->revoked_count);
    publish->keys_stale = true;
}

/* False: there is none, or it cannot be used. */
static bool credential_fill(const struct publish *publish, const struct compile_credential *credential,
                            struct keys_credential *out)
{
    *out = (struct keys_credential){.id = credential->id, .name = credential->name};
    if (!credential->secret)
        return credential_files_get(&publish->credential_files, credential->id, out);
    const struct secret *secret = credential->secret->spec;
    out->chain = secret->certificate;
    out->key = secret->key;
    out->trust = secret->ca;
    return true;
}

static size_t credentials_add(const struct publish *publish, const struct edition *edition,
                              struct keys_credential *to)
{
    size_t count = 0;
    for (size_t i = 0; edition && i < edition->result.credential_count; i++)
        count += credential_fill(publish, &edition->result.credentials[i], &to[count]);
    return count;
}

static void credential_files_read(struct publish *publish)
{
    const struct compile_result *result = publish->current ? &publish->current->result : NULL;
    if (result && credential_files_look(&publish->credential_files, result->credentials,
                                        result->credential_count, clock_ms()))
        publish->keys_stale = true;
}

static size_t sets_add(const struct publish *publish, const struct edition *edition, struct keys_source *to)
{
    size_t count = 0;
    for (size_t i = 0; edition && i < edition->result.key_set_count; i++) {
        const struct compile_key_set *set = &edition->result.key_sets[i];
        struct keys_source source = {.id = set->id, .name = set->issuer, .text = set->inline_text};
        const struct key_entry *entry = key_table_find(&publish->keys, set->id);
        if (!source.text.len && entry)
            source.text = entry->text;
        to[count++] = source;
    }
    return count;
}

/* What was read last from its endpoint, else what was written. Without either nobody of that domain is let
 * in, and nobody else vouches for them. */
struct bytes publish_bundle_text(const struct publish *publish, const struct compile_bundle *bundle)
{
    const struct key_entry *entry = bundle->url.len ? key_table_find(&publish->keys, bundle->id) : NULL;
    return entry && entry->text.len ? entry->text : bundle->inline_text;
}

static size_t domains_add(const struct publish *publish, const struct edition *edition, struct arena *arena,
                          struct keys_trusted *to)
{
    size_t count = 0;
    for (size_t i = 0; edition && i < edition->result.bundle_count; i++) {
        const struct compile_bundle *bundle = &edition->result.bundles[i];
        struct bytes text = publish_bundle_text(publish, bundle), roots;
        struct fail why;
        if (text.len && bundle_roots(text, arena, &roots, &why))
            to[count++] = (struct keys_trusted){bundle->trust_domain, roots};
    }
    return count;
}

/* What the edition in force revokes; the one before has no say in who is let in. */
static void trust_fill(const struct publish *publish, struct arena *arena, struct keys_parts *parts)
{
    const struct compile_result *result = &publish->current->result;
    struct keys_trusted *domains = arena_array(arena, struct keys_trusted, bundles_max(publish) + 1);
    parts->domain_count = domains_add(publish, publish->current, arena, domains);
    parts->domains = domains;
    parts->revoked = arena_array(arena, struct bytes, result->revoked_count + 1);
    for (; parts->revoked_count < result->revoked_count; parts->revoked_count++)
        parts->revoked[parts->revoked_count] = result->revoked[parts->revoked_count].serial;
}

static void parts_fill(const struct publish *publish, struct arena *arena, struct keys_parts *parts)
{
    const struct edition *current = publish->current, *before = publish->before;
    size_t credentials = current->result.credential_count + (before ? before->result.credential_count : 0);
    struct keys_credential *certificates = arena_array(arena, struct keys_credential, credentials);
    struct keys_source *sets = arena_array(arena, struct keys_source, key_sets_max(publish));
    *parts = (struct keys_parts){.identity = publish->identity,
                                 .credentials = certificates,
                                 .sets = sets,
                                 .tickets = &publish->tickets,
                                 .sessions = &publish->sessions.keys};
    struct keys_login_source *logins;
    parts->login_count = publish_logins_fill(publish, arena, &logins);
    parts->logins = logins;
    parts->credential_count = credentials_add(publish, current, certificates);
    parts->credential_count += credentials_add(publish, before, certificates + parts->credential_count);
    parts->set_count = sets_add(publish, current, sets);
    parts->set_count += sets_add(publish, before, sets + parts->set_count);
    trust_fill(publish, arena, parts);
    if (current->result.assertion || (before && before->result.assertion))
        parts->signing = publish->signing;
}

/* Whether workers have to go on with the keys of the control before us: they know more than we do yet. */
static bool keys_wait(const struct publish *publish)
{
    const struct settings_identity *identity = publish->settings->identity;
    if (!publish->follows || publish->workers.image[IMAGE_KEYS] >= 0)
        return false;
    if (settings_identity_any(identity) && !publish->identity)
        return true; /* their certificate is better than none */
    return clock_ms() <= publish->forced_ms + KEYS_WAIT_MS &&
           ((publish->current->result.assertion && !publish->signing) || !key_table_settled(&publish->keys));
}

void publish_keys_flush(struct publish *publish)
{
    struct arena arena;
    struct keys_parts parts;
    size_t size;
    credential_files_read(publish);
    if (!publish->keys_stale || !publish->current || keys_wait(publish))
        return;
    publish->keys_stale = false;
    arena_init(&arena);
    parts_fill(publish, &arena, &parts);
    struct image_head *head = keys_image_build(&parts, ++publish->generation, &size);
    publish_image(publish, IMAGE_KEYS, head, size);
    heap_wipe(head, size);
    free(head);
    arena_done(&arena);
}
