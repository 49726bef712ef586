#include "proxy/token.h"

#include <stdlib.h>
#include <string.h>

#include "base/heap.h"

#define SESSION_VERSION                                                                                      \
    UINT64_C(0x5e5510) /* in place of a key set's: hashes of a text all but never are that small */

struct token_cache {
    struct map tokens;
    struct link recent; /* used last first */
    size_t count;
    struct digest_work *digests;
};

struct token_cache *token_cache_new(void)
{
    struct token_cache *cache = heap_new(struct token_cache);
    map_init(&cache->tokens);
    list_init(&cache->recent);
    cache->digests = digest_start();
    return cache;
}

void token_unref(struct token *token)
{
    if (!token || --token->refs)
        return;
    json_decref(token->claims);
    free(token->payload_base64);
    free(token->typ);
    free(token->assertion);
    free(token);
}

static struct bytes key_bytes(const struct token_key *key)
{
    return bytes_make(key, sizeof *key);
}

static void cache_drop(struct token_cache *cache, struct token *token)
{
    map_take(&cache->tokens, key_bytes(&token->key));
    list_remove(&token->recent);
    token->cached = false;
    cache->count--;
    token_unref(token);
}

void token_cache_free(struct token_cache *cache)
{
    while (!list_empty(&cache->recent))
        cache_drop(cache, container_of(cache->recent.next, struct token, recent));
    map_done(&cache->tokens);
    digest_free(cache->digests);
    free(cache);
}

size_t token_cache_count(const struct token_cache *cache)
{
    return cache->count;
}

static struct token *cache_find(struct token_cache *cache, const struct token_key *key)
{
    struct token *token = map_get(&cache->tokens, key_bytes(key));
    if (token) {
        list_remove(&token->recent);
        list_push_front(&cache->recent, &token->recent);
    }
    return token;
}

static void cache_add(struct token_cache *cache, struct token *token)
{
    if (cache->count == TOKEN_CACHE_MAX)
        cache_drop(cache, container_of(cache->recent.prev, struct token, recent));
    map_put(&cache->tokens, key_bytes(&token->key), token);
    list_push_front(&cache->recent, &token->recent);
    token->cached = true;
    token->refs++;
    cache->count++;
}

static struct token *token_make(const struct token_key *key, const struct jws *jws, struct bytes raw,
                                json_t *claims)
{
    struct token *token = heap_new(struct token);
    size_t first = bytes_find(raw, '.'), last = bytes_find_last(raw, '.');
    struct bytes payload = bytes_part(raw, first + 1, last);
    token->refs = 1;
    token->key = *key;
    list_init(&token->recent);
    token->claims = claims;
    token->payload_base64 = heap_text(payload);
    token->payload_len = payload.len;
    token->typ = jws->typ.at ? heap_text(jws->typ) : NULL;
    return token;
}

static enum token_answer token_verify_anew(const struct token_key *key, struct key_set *set, struct bytes raw,
                                           struct arena *arena, struct token **out, struct fail *why)
{
    struct jws jws;
    if (!jws_read(raw, arena, &jws, why))
        return TOKEN_REFUSED;
    switch (key_set_verify(set, &jws, why)) {
    case KEY_SET_VERIFIED:
        break;
    case KEY_SET_UNKNOWN_KID:
        return TOKEN_UNKNOWN_KID;
    case KEY_SET_REFUSED:
        return TOKEN_REFUSED;
    }
    struct fail json_why;
    json_t *claims = json_read(jws.payload, JWS_TOKEN_MAX, &json_why);
    if (!json_is_object(claims)) {
        json_decref(claims);
        fail(why, FAIL_INPUT, "Jwt payload is an invalid JSON");
        return TOKEN_REFUSED;
    }
    *out = token_make(key, &jws, raw, claims);
    return TOKEN_GOOD;
}

bool token_judged(const struct token *token, const struct image *rules, uint32_t row, int64_t now_s)
{
    const struct token_judgement *judgement = &token->judgement;
    return judgement->row == row && judgement->from_s <= now_s && now_s < judgement->until_s &&
           memcmp(judgement->rules, rules->head->hash, sizeof judgement->rules) == 0;
}

void token_judged_note(struct token *token, const struct image *rules, uint32_t row,
                       const struct claims_term *term)
{
    struct token_judgement *judgement = &token->judgement;
    judgement->row = row;
    judgement->from_s = term->from_s;
    judgement->until_s = term->until_s;
    memcpy(judgement->rules, rules->head->hash, sizeof judgement->rules);
}

static bool token_unverified(const struct token_key *key, struct bytes raw, struct arena *arena,
                             struct token **out)
{
    struct jws jws;
    struct fail why;
    if (!jws_read(raw, arena, &jws, &why))
        return false;
    json_t *claims = json_read(jws.payload, JWS_TOKEN_MAX, &why);
    if (!json_is_object(claims)) {
        json_decref(claims);
        return false;
    }
    *out = token_make(key, &jws, raw, claims);
    return true;
}

/* A key of its own kind: no token that came from outside is ever found under it. */
bool token_from_session(struct worker *worker, uint64_t login, struct bytes raw, struct arena *arena,
                        struct token **out)
{
    struct token_key key;
    memset(&key, 0, sizeof key);
    key.digest = digest_again(worker->tokens->digests, raw);
    key.key_set = login;
    key.version = SESSION_VERSION;
    struct token *known = cache_find(worker->tokens, &key);
    if (known) {
        known->refs++;
        *out = known;
        return true;
    }
    if (raw.len > JWS_TOKEN_MAX || !token_unverified(&key, raw, arena, out))
        return false;
    cache_add(worker->tokens, *out);
    return true;
}

enum token_answer token_verify(struct worker *worker, const struct keys_set *row, struct key_set *set,
                               struct bytes raw, struct arena *arena, struct token **out, struct fail *why)
{
    if (raw.len > JWS_TOKEN_MAX) {
        fail(why, FAIL_LIMIT, "Jwt is too large");
        return TOKEN_REFUSED;
    }
    struct token_key key;
    memset(&key, 0, sizeof key);
    key.digest = digest_again(worker->tokens->digests, raw);
    key.key_set = row->id;
    key.version = row->version;
    struct token *known = cache_find(worker->tokens, &key);
    if (known) {
        known->refs++;
        *out = known;
        return TOKEN_GOOD;
    }
    enum token_answer answer = token_verify_anew(&key, set, raw, arena, out, why);
    if (answer == TOKEN_GOOD)
        cache_add(worker->tokens, *out);
    return answer;
}
