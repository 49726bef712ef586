/*
 * identity: who asks? Strips what claims identity, verifies the tokens that the
 * RequestAuthentications of this place name, maps claims to groups.
 *
 * Istio's outcome for several rules: the request passes when one of them verified
 * its tokens, or when every one of them found its tokens good or missing. Tokens
 * are looked for in the request as it came; only then is it stripped.
 */
#include <string.h>

#include "crypt/peer.h"
#include "proxy/assertion.h"
#include "proxy/front.h"
#include "proxy/generation.h"
#include "proxy/key_wait.h"
#include "proxy/login.h"
#include "proxy/token.h"
#include "rules/decide/claims.h"
#include "wire/base64.h"

enum { TOKENS_MAX = 8, AUDIENCES_MAX = 64 };

enum row_state { ROW_MISSING, ROW_GOOD, ROW_BAD };

struct row_work {
    const struct rules_authn *row;
    uint32_t number; /* of the row */
    struct bytes raw[TOKENS_MAX];
    size_t count;
    bool confused; /* more tokens than can be meant */
    enum row_state state;
    struct token *token; /* the last good one; a reference */
    unsigned status;
    struct fail why;
};

struct identity_work {
    struct row_work *rows;
    size_t count;
};

/* ---- finding tokens ------------------------------------------------------------- */

static void token_found(struct row_work *work, struct bytes raw)
{
    if (work->count == TOKENS_MAX)
        work->confused = true;
    else
        work->raw[work->count++] = raw;
}

/* The scheme's letter case is free at the edge (RFC 9110 11.1); Istio's prefix is exact. */
static bool prefix_cut(const struct rules_authn *row, struct bytes prefix, struct bytes *value)
{
    if (row->strict ? !bytes_starts_nocase(*value, prefix) : !bytes_starts(*value, prefix))
        return false;
    *value = bytes_part(*value, prefix.len, value->len);
    if (row->strict)
        *value = bytes_trim(*value);
    return true;
}

static void tokens_in_field(const struct exchange *x, struct row_work *work, const struct rules_place *place)
{
    const struct image *rules = &x->generation->rules;
    struct bytes name = image_text(rules, place->name), prefix = image_text(rules, place->prefix);
    size_t fields = 0;
    for (uint32_t i = 0; i < x->request.fields.count; i++) {
        const struct http_field *field = &x->request.fields.at[i];
        struct bytes value = field->value;
        if (!bytes_equal(field->name, name))
            continue;
        fields++;
        if (prefix_cut(work->row, prefix, &value))
            token_found(work, value);
    }
    /* Beside a token no other credential: whoever reads behind us might take that one. */
    work->confused |= work->row->strict && fields > 1 && work->count;
}

static void tokens_in_query(const struct exchange *x, struct row_work *work, const struct rules_place *place)
{
    struct bytes name = image_text(&x->generation->rules, place->name), pair, key;
    struct bytes query =
        bytes_part(x->request.path, bytes_find(x->request.path, '?') + 1, x->request.path.len);
    while (query.len) {
        bytes_cut(&query, '&', &pair);
        bytes_cut(&pair, '=', &key);
        if (bytes_equal(key, name) && pair.len)
            token_found(work, pair);
    }
}

static void tokens_find(const struct exchange *x, struct row_work *work)
{
    IMAGE_FOR(&x->generation->rules, RULES_TOKEN_PLACE, struct rules_place, place, work->row->places)
    {
        if (place->place == PLACE_FIELD)
            tokens_in_field(x, work, place);
        else
            tokens_in_query(x, work, place);
    }
    /* A front proxy's own field, when it may speak for clients. */
    struct bytes field = image_text(&x->generation->rules, x->generation->node->proxy_token_field);
    const struct http_field *token =
        field.len && x->trusted_proxy ? http_fields_find_name(&x->request.fields, field) : NULL;
    if (token && !work->count && work->row->strict)
        token_found(work, token->value);
}

/* ---- judging one row ---------------------------------------------------------------- */

static size_t audiences_of(const struct exchange *x, const struct rules_authn *row,
                           struct bytes out[AUDIENCES_MAX])
{
    size_t count = 0;
    IMAGE_FOR(&x->generation->rules, RULES_NAME, struct rules_name, name, row->audiences)
    {
        if (count < AUDIENCES_MAX)
            out[count++] = image_text(&x->generation->rules, name->text);
    }
    return count;
}

static bool row_bad(struct row_work *work, unsigned status)
{
    work->state = ROW_BAD;
    work->status = status;
    return true;
}

static bool claims_check(const struct exchange *x, struct row_work *work, struct token *token)
{
    int64_t now_s = x->worker->loop.io->wall_us(x->worker->loop.io) / 1000000;
    if (token_judged(token, &x->generation->rules, work->number, now_s))
        return true;
    struct bytes issuer = image_text(&x->generation->rules, work->row->issuer), audiences[AUDIENCES_MAX];
    size_t count = audiences_of(x, work->row, audiences);
    struct claims_profile profile = work->row->strict ? claims_profile_strict(&issuer, audiences, count)
                                                      : claims_profile_istio(&issuer, audiences, count);
    if (work->row->strict && !count)
        profile.any_audience = true; /* the operator named none */
    profile.access_tokens_only = work->row->strict;
    enum claims_fault fault = CLAIMS_GOOD;
    if (claims_judge(token->claims, &profile, now_s, &fault, &work->why) &&
        (!work->row->strict || claims_typ_judge(bytes_of(token->typ), &fault, &work->why))) {
        struct claims_term term = claims_term(token->claims, &profile);
        token_judged_note(token, &x->generation->rules, work->number, &term);
        return true;
    }
    row_bad(work, (unsigned)claims_fault_status(fault));
    return false;
}

/* An assertion of ours: by where the rules look for it, or by what it says it is. */
static bool is_assertion(const struct rules_authn *row, const struct token *token)
{
    return row->checks_cnf || bytes_equal(bytes_of(token->typ), BYTES(ASSERTION_TYPE));
}

/* RFC 8705 3.1: the assertion is good only over the connection of the certificate it names. */
static bool cnf_check(struct exchange *x, struct row_work *work, const struct token *token)
{
    const struct peer *peer = x->facts->mesh ? x->facts->peer : NULL;
    struct bytes named;
    if (!is_assertion(work->row, token))
        return true;
    if (peer && json_member_text(json_object_get(token->claims, "cnf"), "x5t#S256", &named) &&
        bytes_equal(named, base64url_encode(bytes_make(peer->sha256, sizeof peer->sha256), &x->arena)))
        return true;
    fail(&work->why, FAIL_DENIED, "Jwt is bound to another client certificate");
    row_bad(work, 401);
    return false;
}

/* A token of another issuer never makes us ask for this issuer's keys. */
static bool other_issuer(struct exchange *x, const struct row_work *work, struct bytes raw)
{
    struct jws jws;
    struct fail why;
    struct bytes issuer;
    if (!jws_read(raw, &x->arena, &jws, &why))
        return false;
    json_t *claims = json_read(jws.payload, JWS_TOKEN_MAX, &why);
    bool other = claims && json_member_text(claims, "iss", &issuer) &&
                 !bytes_equal(issuer, image_text(&x->generation->rules, work->row->issuer));
    json_decref(claims);
    return other;
}

/* False: the keys have to be asked for; come back. */
static bool token_judge(struct exchange *x, struct row_work *work, struct bytes raw, bool may_wait)
{
    const struct keys_set *row;
    struct key_set *set;
    struct token *token = NULL;
    bool known = generation_key_set(x->generation, work->row->key_set, &row, &set);
    if (!known || !row->fetched) {
        if (known && may_wait && !other_issuer(x, work, raw) && key_wait_start(x, work->row->key_set))
            return false;
        fail(&work->why, FAIL_PEER, "Jwks remote fetch is failed");
        return row_bad(work, 401);
    }
    switch (token_verify(x->worker, row, set, raw, &x->arena, &token, &work->why)) {
    case TOKEN_GOOD:
        break;
    case TOKEN_UNKNOWN_KID:
        if (may_wait && !other_issuer(x, work, raw) && key_wait_start(x, work->row->key_set))
            return false;
        return row_bad(work, 401);
    case TOKEN_REFUSED:
        return row_bad(work, 401);
    }
    if (!claims_check(x, work, token) || !cnf_check(x, work, token)) {
        token_unref(token);
        return true;
    }
    token_unref(work->token);
    work->token = token;
    return true;
}

static bool row_judge(struct exchange *x, struct row_work *work, bool may_wait)
{
    work->state = work->count ? ROW_GOOD : ROW_MISSING;
    if (work->confused || (work->row->strict && work->count > 1)) {
        fail(&work->why, FAIL_INPUT, "more than one token came");
        return row_bad(work, 401);
    }
    for (size_t i = 0; i < work->count && work->state == ROW_GOOD; i++)
        if (!token_judge(x, work, work->raw[i], may_wait))
            return false;
    return true;
}

/* ---- the outcome ----------------------------------------------------------------------- */

static const struct row_work *worst(const struct identity_work *work)
{
    const struct row_work *found = NULL;
    for (size_t i = 0; i < work->count; i++) {
        const struct row_work *row = &work->rows[i];
        bool issuer = bytes_equal(bytes_of(row->why.text), BYTES("Jwt issuer is not configured"));
        if (row->state == ROW_BAD && (!found || !issuer))
            found = row;
    }
    return found;
}

static enum turn identity_refuse(struct exchange *x, const struct row_work *row)
{
    struct text challenge;
    text_init_arena(&challenge, &x->arena);
    text_format(&challenge, "Bearer realm=\"%.*s://", BYTES_FMT(x->request.scheme));
    text_add_shown(&challenge, x->request.authority, 256);
    text_add_s(&challenge, "\", error=\"invalid_token\"");
    enum turn turn = exchange_answer(x, row->status, arena_bytes(&x->arena, bytes_of(row->why.text)));
    if (row->status == 401)
        http_fields_add(&x->response.fields, BYTES("www-authenticate"), text_bytes(&challenge));
    exchange_note(x, RECORD_UAEX, NULL);
    x->record.details = arena_format(&x->arena, "jwt_authn_access_denied{%s}", row->why.text);
    x->record.decision = BYTES("deny");
    return turn;
}

static void claim_text(struct text *text, const json_t *value)
{
    if (json_is_string(value))
        text_add(text, bytes_make(json_string_value(value), json_string_length(value)));
    else if (json_is_integer(value))
        text_format(text, "%lld", (long long)json_integer_value(value));
    else if (json_is_boolean(value))
        text_add_s(text, json_is_true(value) ? "true" : "false");
}

static void claim_fields_set(struct exchange *x, const struct row_work *work)
{
    const struct image *rules = &x->generation->rules;
    IMAGE_FOR(rules, RULES_CLAIM_FIELD, struct rules_claim_field, field, work->row->claim_fields)
    {
        struct text text;
        text_init_arena(&text, &x->arena);
        claim_text(&text, claim_at(rules, work->token->claims, field->claim));
        struct bytes value = text_bytes(&text);
        if (value.len && http_is_value(value))
            http_fields_set(&x->request.fields, image_text(rules, field->field), value);
    }
    struct bytes payload = image_text(rules, work->row->payload_field);
    if (payload.len)
        http_fields_set(&x->request.fields, payload,
                        bytes_make(work->token->payload_base64, work->token->payload_len));
}

/* The token itself goes on only when the rule says so; what else came in its field was not verified. */
static void tokens_pass_on(struct exchange *x, const struct row_work *work, const struct http_fields *came)
{
    const struct image *rules = &x->generation->rules;
    IMAGE_FOR(rules, RULES_TOKEN_PLACE, struct rules_place, place, work->row->places)
    {
        if (place->place != PLACE_FIELD)
            continue;
        struct bytes name = image_text(rules, place->name), prefix = image_text(rules, place->prefix);
        http_fields_remove_name(&x->request.fields, name);
        for (uint32_t i = 0; work->row->forward && i < came->count; i++) {
            struct bytes value = came->at[i].value;
            if (bytes_equal(came->at[i].name, name) && prefix_cut(work->row, prefix, &value))
                http_fields_add(&x->request.fields, name, came->at[i].value);
        }
    }
}

static void identity_take(struct exchange *x, const struct row_work *work)
{
    bool assertion = is_assertion(work->row, work->token);
    if (x->assertion && !assertion)
        return; /* what the mesh itself signed says more than what a provider said */
    token_unref(x->token);
    x->token = work->token;
    x->token->refs++;
    if (assertion) {
        token_unref(x->assertion);
        x->assertion = work->token;
        x->assertion->refs++;
    }
}

static void groups_map(struct exchange *x)
{
    const struct generation *generation = x->generation;
    if (!generation->node->mapping.count || !x->claims)
        return;
    mapping_apply(&generation->rules, x->claims, &x->arena, &x->groups);
    x->groups_mapped = true;
    x->group_labels = arena_array(&x->arena, struct bytes, x->groups.count);
    for (size_t i = 0; i < x->groups.count; i++)
        x->group_labels[i] = x->groups.groups[i].label;
}

static void principal_note(struct exchange *x)
{
    struct bytes issuer = {0}, subject = {0}, id;
    json_member_text(x->claims, "iss", &issuer);
    json_member_text(x->claims, "sub", &subject);
    const struct bytes parts[] = {issuer, BYTES("/"), subject};
    x->record.request_principal = arena_join(&x->arena, parts, 3);
    if (x->assertion && json_member_text(x->assertion->claims, "jti", &id))
        x->record.token_id = id;
}

/* A policy that denies a group must not miss it because it was the 129th. */
static enum turn groups_refuse(struct exchange *x)
{
    exchange_note(x, RECORD_UAEX, "too_many_groups");
    x->record.decision = BYTES("deny");
    return exchange_answer(x, 403, BYTES("RBAC: access denied"));
}

/* Whoever brings a token means it, also one that is refused: a session never stands in for it. */
static bool any_came(const struct identity_work *work)
{
    for (size_t i = 0; i < work->count; i++)
        if (work->rows[i].count || work->rows[i].confused)
            return true;
    return false;
}

/* The session's ID token plays the part of a token that came: the rules for its issuer name the fields. */
static void session_take(struct exchange *x)
{
    struct identity_work *work = x->identity_work;
    struct token *token = login_token(x);
    struct bytes issuer;
    if (!token)
        return;
    x->token = token;
    x->token->refs++;
    login_fields_set(x);
    for (size_t i = 0; i < work->count && json_member_text(token->claims, "iss", &issuer); i++) {
        struct row_work row = {.row = work->rows[i].row, .token = token};
        if (bytes_equal(issuer, image_text(&x->generation->rules, row.row->issuer)))
            claim_fields_set(x, &row);
    }
}

static enum turn identity_conclude(struct exchange *x)
{
    struct identity_work *work = x->identity_work;
    size_t good = 0, bad = 0;
    for (size_t i = 0; i < work->count; i++) {
        good += work->rows[i].state == ROW_GOOD;
        bad += work->rows[i].state == ROW_BAD;
    }
    if (bad && !good)
        return identity_refuse(x, worst(work));
    struct http_fields came = x->request.fields;
    came.at = arena_array(&x->arena, struct http_field, came.count ? came.count : 1);
    if (came.count)
        memcpy(came.at, x->request.fields.at, came.count * sizeof *came.at);
    front_strip(x, &x->request.fields);
    for (size_t i = 0; i < work->count; i++) {
        if (work->rows[i].state != ROW_GOOD)
            continue;
        identity_take(x, &work->rows[i]);
        claim_fields_set(x, &work->rows[i]);
        tokens_pass_on(x, &work->rows[i], &came);
    }
    if (!x->token && !any_came(work))
        session_take(x);
    if (x->token) {
        x->claims = x->token->claims;
        groups_map(x);
        principal_note(x);
    }
    return x->groups.cut ? groups_refuse(x) : NEXT;
}

static enum turn rows_judge(struct exchange *x, bool may_wait)
{
    struct identity_work *work = x->identity_work;
    for (size_t i = 0; i < work->count; i++)
        if (!row_judge(x, &work->rows[i], may_wait))
            return WAIT;
    return identity_conclude(x);
}

/* A preflight carries no token and is none of jwt's business (Envoy's jwt_authn, bypass_cors_preflight). */
static bool is_preflight(const struct exchange *x)
{
    return bytes_equal(x->request.method, BYTES("OPTIONS")) &&
           http_fields_find(&x->request.fields, HTTP_ORIGIN) &&
           http_fields_find_name(&x->request.fields, BYTES("access-control-request-method"));
}

static void work_drop(struct exchange *x)
{
    struct identity_work *work = x->identity_work;
    for (size_t i = 0; work && i < work->count; i++) {
        token_unref(work->rows[i].token);
        work->rows[i].token = NULL;
    }
}

static enum turn identity_begin(struct exchange *x, bool may_wait)
{
    struct identity_work *work = arena_new(&x->arena, struct identity_work);
    work_drop(x);
    x->identity_work = work;
    work->count = is_preflight(x) ? 0 : x->listener->authn.count;
    work->rows = arena_array(&x->arena, struct row_work, work->count ? work->count : 1);
    for (uint32_t i = 0; i < work->count; i++) {
        work->rows[i].row = image_row(&x->generation->rules, RULES_AUTHN, x->listener->authn, i);
        work->rows[i].number = x->listener->authn.at + i;
        tokens_find(x, &work->rows[i]);
    }
    return rows_judge(x, may_wait);
}

static enum turn identity_enter(struct exchange *x)
{
    front_remote(x);
    return identity_begin(x, true);
}

/*
 * The keys came, or not; either way this exchange looks at the newest ones: control refuses a second fetch
 * within a minute, but the first one's keys may have come meanwhile. Nothing was stripped yet.
 */
static enum turn identity_resume(struct exchange *x)
{
    exchange_rebind(x);
    return identity_begin(x, false);
}

static void identity_leave(struct exchange *x)
{
    work_drop(x);
    token_unref(x->token);
    token_unref(x->assertion);
    x->token = x->assertion = NULL;
}

const struct filter filter_identity = {
    .name = "identity", .enter = identity_enter, .resume = identity_resume, .leave = identity_leave};
