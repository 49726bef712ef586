#include "proxy/assertion.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/heap.h"
#include "crypt/peer.h"
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

static void id_draw(struct exchange *x, char out[37])
{
    unsigned char r[16];
    struct text text;
    x->worker->loop.io->random(x->worker->loop.io, r, sizeof r);
    text_init_fixed(&text, out, 37);
    text_add_hex(&text, bytes_make(r, sizeof r));
}

static struct bytes payload_make(struct exchange *x, int64_t now_s, char id[37])
{
    const struct generation *generation = x->generation;
    const struct rules_assertion *rule = generation->assertion;
    struct text text;
    id_draw(x, id);
    text_init_arena(&text, &x->arena);
    text_add_c(&text, '{');
    member_text(&text, "iss", image_text(&generation->rules, rule->issuer));
    member_text(&text, "sub", subject_of(x));
    add_audiences(x, &text);
    member(&text, "iat");
    text_format(&text, "%lld", (long long)now_s);
    member(&text, "nbf");
    text_format(&text, "%lld", (long long)now_s - 5); /* clocks differ a little */
    member(&text, "exp");
    text_format(&text, "%lld", (long long)now_s + rule->lifetime_s);
    member_text(&text, "jti", bytes_of(id));
    add_groups(x, &text);
    add_copied(x, &text);
    add_actor(x, &text);
    member(&text, "cnf");
    text_add_s(&text, "{\"x5t#S256\":");
    text_add_json(&text, base64url_encode(bytes_make(generation->self_sha256, 32), &x->arena));
    text_add_c(&text, '}');
    struct bytes hash = image_text(&generation->rules, rule->mapping_hash);
    if (hash.len)
        member_text(&text, "selvage.rules", hash);
    else if (x->assertion && json_member_text(x->assertion->claims, "selvage.rules", &hash))
        member_text(&text, "selvage.rules", hash); /* who mapped them stays known */
    text_add_c(&text, '}');
    return text_bytes(&text);
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

static bool assertion_sign(struct exchange *x, const struct keys_signer *signer, size_t row, int64_t now_s,
                           struct fail *why)
{
    const struct generation *generation = x->generation;
    struct token *token = x->token;
    uint8_t signature[SIGNER_SIGNATURE_SIZE];
    struct bytes kid = image_text(&generation->keys, signer->kid);
    struct bytes header = arena_format(
        &x->arena, "{\"alg\":\"ES256\",\"kid\":\"%.*s\",\"typ\":\"" ASSERTION_TYPE "\"}", BYTES_FMT(kid));
    struct bytes input = jws_signing_input(header, payload_make(x, now_s, token->assertion_id), &x->arena);
    if (!signer_sign(generation->signers[row], input, signature, why))
        return false;
    struct bytes whole = jws_join(input, bytes_make(signature, sizeof signature), &x->arena);
    free(token->assertion);
    token->assertion = heap_text(whole);
    token->assertion_len = whole.len;
    token->assertion_until_s = now_s + generation->assertion->lifetime_s / 2;
    token->assertion_for = made_for(x, signer);
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
    int64_t left_s = token->assertion_until_s - now_s; /* more than it ever had: the clock was set back */
    bool fresh = token->assertion && left_s > 0 && left_s <= generation->assertion->lifetime_s / 2 &&
                 token->assertion_for == made_for(x, signer);
    if (!fresh && !assertion_sign(x, signer, row, now_s, why))
        return false;
    http_fields_set(fields, image_text(&generation->rules, rule->field),
                    arena_bytes(&x->arena, bytes_make(token->assertion, token->assertion_len)));
    x->record.token_id = arena_bytes(&x->arena, bytes_of(token->assertion_id));
    return true;
}
