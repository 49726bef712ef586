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
#include "proxy/token_place.h"
#include "rules/decide/claim_field.h"
#include "rules/decide/claims.h"
#include "wire/base64.h"

enum { AUDIENCES_MAX = 64 };

enum row_state { ROW_MISSING, ROW_GOOD, ROW_BAD };

struct row_work {
    const struct rules_authn *row;
    uint32_t number; /* of the row */
    struct tokens_found found;
    enum row_state state;
    struct token *token; /* the one judged last, when all are good; a reference */
    unsigned status;
    struct fail why;
};

struct identity_work {
    struct row_work *rows;
    size_t count;
};

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

/* All of them have to be good, the last one found first, as Envoy takes them: the first one found speaks. */
static bool row_judge(struct exchange *x, struct row_work *work, bool may_wait)
{
    const struct tokens_found *found = &work->found;
    work->state = found->count ? ROW_GOOD : ROW_MISSING;
    if (found->confused || (work->row->strict && found->count > 1)) {
        fail(&work->why, FAIL_INPUT, "more than one token came");
        return row_bad(work, 401);
    }
    for (size_t i = found->count; i && work->state == ROW_GOOD; i--)
        if (!token_judge(x, work, found->at[i - 1].raw, may_wait))
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

static void claim_fields_set(struct exchange *x, const struct row_work *work)
{
    const struct image *rules = &x->generation->rules;
    IMAGE_FOR(rules, RULES_CLAIM_FIELD, struct rules_claim_field, field, work->row->claim_fields)
    {
        struct bytes value;
        if (claim_field_value(claim_at(rules, work->token->claims, field->claim), &x->arena, &value))
            http_fields_set(&x->request.fields, image_text(rules, field->field), value);
    }
    struct bytes payload = image_text(rules, work->row->payload_field);
    if (payload.len)
        http_fields_set(&x->request.fields, payload,
                        bytes_make(work->token->payload_base64, work->token->payload_len));
}

/* Rules may have gone when they are needed again (exchange_judge_again), so the names are copied. */
static void spaced_take(struct exchange *x, const struct rules_authn *row)
{
    const struct image *rules = &x->generation->rules;
    x->spaced_claims = arena_array(&x->arena, struct bytes, row->spaced.count + 1);
    x->spaced_count = 0;
    IMAGE_FOR(rules, RULES_NAME, struct rules_name, name, row->spaced)
    {
        x->spaced_claims[x->spaced_count++] = arena_bytes(&x->arena, image_text(rules, name->text));
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
    spaced_take(x, work->row);
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
        if (work->rows[i].found.count || work->rows[i].found.confused)
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
        if (!bytes_equal(issuer, image_text(&x->generation->rules, row.row->issuer)))
            continue;
        claim_fields_set(x, &row);
        spaced_take(x, row.row);
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
    front_strip(x, &x->request.fields);
    bool taken = false; /* Istio's: of several rules the first that is content speaks for the request */
    for (size_t i = 0; i < work->count; i++) {
        const struct row_work *row = &work->rows[i];
        if (row->state != ROW_GOOD)
            continue;
        bool assertion = is_assertion(row->row, row->token);
        if (assertion || !taken) {
            identity_take(x, row);
            claim_fields_set(x, row);
        }
        taken |= !assertion;
        tokens_pass_on(x, row->row, &row->found);
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
        tokens_find(x, work->rows[i].row, &work->rows[i].found);
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
    enum turn turn = login_rebind(x);
    return turn == NEXT ? identity_begin(x, false) : turn;
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
