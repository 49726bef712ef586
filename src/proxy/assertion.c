#include "proxy/assertion.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/heap.h"
#include "crypt/peer.h"
#include "proxy/assertion_keep.h"
#include "proxy/generation.h"
#include "proxy/token.h"
#include "wire/base64.h"

static void member(struct text *text, const char *name)
{
    if (text->len > 1)
        text_add_c(text, ',');
    text_add_json(text, bytes_of(name));
    text_add_c(text, ':');
}

static void member_text(struct text *text, const char *name, struct bytes value)
{
    member(text, name);
    text_add_json(text, value);
}

/* A list of one is written as text: what most verifiers expect of `aud`. */
static void member_list(struct text *text, const char *name, const struct bytes *values, size_t count)
{
    member(text, name);
    text_add_c(text, '[');
    for (size_t i = 0; i < count; i++) {
        if (i)
            text_add_c(text, ',');
        text_add_json(text, values[i]);
    }
    text_add_c(text, ']');
}

static void add_audiences(const struct exchange *x, struct text *text)
{
    struct bytes names[32];
    size_t count = 0;
    IMAGE_FOR(&x->generation->rules, RULES_NAME, struct rules_name, name, x->generation->assertion->audiences)
    {
        if (count < 32)
            names[count++] = image_text(&x->generation->rules, name->text);
    }
    if (count == 1)
        member_text(text, "aud", names[0]);
    else if (count)
        member_list(text, "aud", names, count);
}

/* Two providers may both have a subject "42": the label keeps them apart. */
static struct bytes subject_of(struct exchange *x)
{
    const struct image *rules = &x->generation->rules;
    const struct rules_assertion *rule = x->generation->assertion;
    struct bytes issuer = {0}, subject = {0}, label;
    json_member_text(x->claims, "iss", &issuer);
    json_member_text(x->claims, "sub", &subject);
    if (x->assertion)
        return subject; /* it has its label already */
    label = issuer;
    for (uint32_t i = 0; i + 1 < rule->labels.count; i += 2) {
        const struct rules_name *of = image_row(rules, RULES_NAME, rule->labels, i);
        const struct rules_name *is = image_row(rules, RULES_NAME, rule->labels, i + 1);
        if (bytes_equal(image_text(rules, of->text), issuer))
            label = image_text(rules, is->text);
    }
    const struct bytes parts[] = {label, BYTES(":"), subject};
    return arena_join(&x->arena, parts, 3);
}

static void add_groups(struct exchange *x, struct text *text)
{
    struct bytes name = image_text(&x->generation->rules, x->generation->node->mapping_claim);
    const json_t *groups = json_object_get(x->claims, "groups");
    if (x->groups_mapped) {
        member_list(text, arena_text(&x->arena, name), x->group_labels, x->groups.count);
    } else if (x->assertion && json_is_array(groups)) {
        member(text, "groups");
        json_write(text, groups);
    }
}

static void add_copied(struct exchange *x, struct text *text)
{
    const struct image *rules = &x->generation->rules;
    IMAGE_FOR(rules, RULES_NAME, struct rules_name, name, x->generation->assertion->copied)
    {
        const char *claim = arena_text(&x->arena, image_text(rules, name->text));
        const json_t *value = json_object_get(x->claims, claim);
        if (!value)
            continue;
        member(text, claim);
        json_write(text, value);
    }
}

/* RFC 8693 4.1: who acts for the subject: the agent a token named, or the edge that signed before us. */
static void add_actor(struct exchange *x, struct text *text)
{
    const json_t *before = json_object_get(x->claims, "act");
    if (!x->assertion || !x->facts->peer) {
        if (json_is_object(before)) {
            member(text, "act");
            json_write(text, before);
        }
        return;
    }
    member(text, "act");
    text_add_s(text, "{\"sub\":");
    text_add_json(text, x->facts->peer->uri);
    if (json_is_object(before)) {
        text_add_s(text, ",\"act\":");
        json_write(text, before);
    }
    text_add_c(text, '}');
}

static void id_draw(struct exchange *x, char out[ASSERTION_ID_SIZE])
{
    unsigned char r[16];
    struct text text;
    x->worker->loop.io->random(x->worker->loop.io, r, sizeof r);
    text_init_fixed(&text, out, ASSERTION_ID_SIZE);
    text_add_hex(&text, bytes_make(r, sizeof r));
}

/* What it says of the user: all but the times and the id, and the object is not closed yet. */
static void add_said(struct exchange *x, struct text *text)
{
    const struct generation *generation = x->generation;
    const struct rules_assertion *rule = generation->assertion;
    text_add_c(text, '{');
    member_text(text, "iss", image_text(&generation->rules, rule->issuer));
    member_text(text, "sub", subject_of(x));
    add_audiences(x, text);
    add_groups(x, text);
    add_copied(x, text);
    add_actor(x, text);
    member(text, "cnf");
    text_add_s(text, "{\"x5t#S256\":");
    text_add_json(text, base64url_encode(bytes_make(generation->self_sha256, 32), &x->arena));
    text_add_c(text, '}');
    struct bytes hash = image_text(&generation->rules, rule->mapping_hash);
    if (hash.len)
        member_text(text, "selvage.rules", hash);
    else if (x->assertion && json_member_text(x->assertion->claims, "selvage.rules", &hash))
        member_text(text, "selvage.rules", hash); /* who mapped them stays known */
}

static void add_times(struct text *text, int64_t now_s, int64_t lifetime_s)
{
    member(text, "iat");
    text_format(text, "%lld", (long long)now_s);
    member(text, "nbf");
    text_format(text, "%lld", (long long)now_s - 5); /* clocks differ a little */
    member(text, "exp");
    text_format(text, "%lld", (long long)now_s + lifetime_s);
}

/* The signer whose day it is; the first of all when a clock was set back to before it was made. */
static const struct keys_signer *signer_now(const struct generation *generation, int64_t now_s, size_t *row)
{
    struct image_rows all = image_all(&generation->keys, KEYS_SIGNER);
    const struct keys_signer *found = NULL;
    for (uint32_t i = 0; i < all.count; i++) {
        const struct keys_signer *signer = image_row(&generation->keys, KEYS_SIGNER, all, i);
        if (!found || (signer->from_s <= now_s && signer->from_s > found->from_s)) {
            found = signer;
            *row = i;
        }
    }
    return found;
}

/* What an assertion depends on besides the token: when any of it changes, a new one is made. */
static uint64_t made_for(const struct exchange *x, const struct keys_signer *signer)
{
    const struct generation *generation = x->generation;
    struct {
        uint64_t rules, self, kid, peer;
    } parts = {
        hash_stable(bytes_make(generation->rules.head->revision, 32)),
        generation->self_version,
        hash_stable(image_text(&generation->keys, signer->kid)),
        x->facts->peer && x->assertion ? hash_stable(bytes_make(x->facts->peer->sha256, 32)) : 0,
    };
    return hash_stable(bytes_make(&parts, sizeof parts));
}

/* Of the same user as `said`, with the same key and for as long, whatever the token was. */
static struct digest said_digest(struct exchange *x, struct bytes kid, struct bytes said)
{
    const uint32_t lifetime_s = x->generation->assertion->lifetime_s;
    const struct bytes parts[] = {bytes_make(&lifetime_s, sizeof lifetime_s), kid, BYTES("\n"), said};
    return assertion_keep_digest(x->worker->assertions, arena_join(&x->arena, parts, 4));
}

/* `text` goes on behind what it says of the user. */
static const struct assertion *assertion_sign(struct exchange *x, struct bytes kid, size_t row, int64_t now_s,
                                              struct text *text, const struct digest *said, struct fail *why)
{
    const struct generation *generation = x->generation;
    int64_t lifetime_s = generation->assertion->lifetime_s;
    uint8_t signature[SIGNER_SIGNATURE_SIZE];
    char id[ASSERTION_ID_SIZE];
    id_draw(x, id);
    add_times(text, now_s, lifetime_s);
    member_text(text, "jti", bytes_of(id));
    text_add_c(text, '}');
    const struct bytes parts[] = {BYTES("{\"alg\":\"ES256\",\"kid\":\""), kid,
                                  BYTES("\",\"typ\":\"" ASSERTION_TYPE "\"}")};
    struct bytes input = jws_signing_input(arena_join(&x->arena, parts, 3), text_bytes(text), &x->arena);
    if (!signer_sign(generation->signers[row], input, signature, why))
        return NULL;
    struct bytes whole = jws_join(input, bytes_make(signature, sizeof signature), &x->arena);
    return assertion_keep_put(x->worker->assertions, said, whole, now_s + lifetime_s / 2, id);
}

/* More left than it ever had: the clock was set back. */
static bool is_fresh(const struct exchange *x, int64_t until_s, int64_t now_s)
{
    int64_t left_s = until_s - now_s;
    return left_s > 0 && left_s <= x->generation->assertion->lifetime_s / 2;
}

/* One made for another token of this user, or a new one; the token remembers it. */
static bool assertion_make(struct exchange *x, const struct keys_signer *signer, size_t row, int64_t now_s,
                           struct fail *why)
{
    struct bytes kid = image_text(&x->generation->keys, signer->kid);
    struct token *token = x->token;
    struct text text;
    text_init_arena(&text, &x->arena);
    add_said(x, &text);
    struct digest said = said_digest(x, kid, text_bytes(&text));
    const struct assertion *found = assertion_keep_find(x->worker->assertions, &said);
    if (!found || !is_fresh(x, found->until_s, now_s))
        found = assertion_sign(x, kid, row, now_s, &text, &said, why);
    if (!found)
        return false;
    free(token->assertion);
    token->assertion = heap_text(bytes_make(found->text, found->len));
    token->assertion_len = found->len;
    token->assertion_until_s = found->until_s;
    token->assertion_for = made_for(x, signer);
    memcpy(token->assertion_id, found->id, sizeof token->assertion_id);
    return true;
}

bool assertion_add(struct exchange *x, struct http_fields *fields, struct fail *why)
{
    const struct generation *generation = x->generation;
    const struct rules_assertion *rule = generation->assertion;
    size_t row = 0;
    if (!rule || !x->token || (rule->resign && !x->assertion))
        return true;
    int64_t now_s = x->worker->loop.io->wall_us(x->worker->loop.io) / 1000000;
    const struct keys_signer *signer = signer_now(generation, now_s, &row);
    if (!signer || !generation->self_version)
        return fail(why, FAIL_SELF, "there is no key to sign the assertion with yet");
    struct token *token = x->token;
    bool fresh = token->assertion && is_fresh(x, token->assertion_until_s, now_s) &&
                 token->assertion_for == made_for(x, signer);
    if (!fresh && !assertion_make(x, signer, row, now_s, why))
        return false;
    http_fields_set(fields, image_text(&generation->rules, rule->field),
                    arena_bytes(&x->arena, bytes_make(token->assertion, token->assertion_len)));
    x->record.token_id = arena_bytes(&x->arena, bytes_of(token->assertion_id));
    return true;
}
