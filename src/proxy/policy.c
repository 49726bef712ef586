/*
 * policy: may it? Asks the decision, and makes the permit, which nobody else can.
 */
#include <string.h>

#include "crypt/peer.h"
#include "proxy/exchange.h"
#include "proxy/generation.h"
#include "wire/path.h"

struct permit {
    unsigned char revision[32];
    uint64_t destination; /* listener judged for */
    struct bytes method;
    struct bytes path;
    struct bytes host;
    const struct token *token; /* who asked: by token, and by certificate */
    unsigned char peer[32];
};

/* ---- permits ------------------------------------------------------------------ */

static void peer_of(const struct exchange *x, unsigned char out[32])
{
    memset(out, 0, 32);
    if (x->facts->peer)
        memcpy(out, x->facts->peer->sha256, 32);
}

/* A session that lives through many changes of the rules has one permit, which is made anew in its place. */
static const struct permit *permit_make(struct exchange *x, const struct permit *before)
{
    struct permit *permit =
        x->frozen && before ? (struct permit *)(uintptr_t)before : arena_new(&x->arena, struct permit);
    memcpy(permit->revision, x->generation->rules.head->revision, sizeof permit->revision);
    permit->destination = x->listener->id;
    permit->method = x->request.method;
    permit->path = x->request.path;
    permit->host = x->request.authority;
    permit->token = x->token;
    peer_of(x, permit->peer);
    return permit;
}

bool permit_holds(const struct exchange *x)
{
    const struct permit *permit = x->permit;
    unsigned char peer[32];
    if (!permit)
        return false;
    peer_of(x, peer);
    return memcmp(permit->revision, x->generation->rules.head->revision, sizeof permit->revision) == 0 &&
           permit->destination == x->listener->id && permit->token == x->token &&
           memcmp(permit->peer, peer, sizeof peer) == 0 && bytes_equal(permit->method, x->request.method) &&
           bytes_equal(permit->path, x->request.path) && bytes_equal(permit->host, x->request.authority);
}

const struct permit *permit_for_child(const struct exchange *parent, const struct exchange *child)
{
    bool same = bytes_equal(parent->request.method, child->request.method) &&
                bytes_equal(parent->request.path, child->request.path) &&
                bytes_equal(parent->request.authority, child->request.authority) &&
                parent->token == child->token;
    return same && permit_holds(parent) ? parent->permit : NULL;
}

/* ---- the decision ----------------------------------------------------------------- */

static struct fact_address address_fact(const unsigned char bytes[16])
{
    struct fact_address fact = {.state = FACT_KNOWN};
    memcpy(fact.bytes, bytes, 16);
    return fact;
}

void policy_claims(const struct exchange *x, const struct generation *generation, struct facts *facts)
{
    facts->claims_state = x->claims ? FACT_KNOWN : FACT_ABSENT;
    facts->claims = x->claims;
    facts->spaced_claims = x->spaced_claims;
    facts->spaced_count = x->spaced_count;
    if (x->groups_mapped) {
        facts->mapped_claim = image_text(&generation->rules, generation->node->mapping_claim);
        facts->groups = x->group_labels;
        facts->group_count = x->groups.count;
    }
}

static void facts_of_request(const struct exchange *x, const struct generation *generation,
                             struct facts *facts)
{
    facts->host = fact_known(x->request.authority);
    facts->method = fact_known(x->request.method);
    if (!http_connects(&x->request)) /* it has no path, not one that is empty */
        facts->path = fact_known(path_only(x->request.path));
    facts->fields_state = FACT_KNOWN;
    facts->fields = &x->request.fields;
    policy_claims(x, generation, facts);
}

static void facts_of(const struct exchange *x, const struct generation *generation,
                     const struct rules_listener *listener, struct facts *facts)
{
    const struct client_facts *client = x->facts;
    *facts = (struct facts){.http = x->http};
    if (client->mesh && client->peer && client->peer->spiffe)
        facts->principal =
            fact_known(bytes_part(client->peer->uri, sizeof "spiffe://" - 1, client->peer->uri.len));
    facts->peer = address_fact(client->direct_bytes);
    facts->remote = address_fact(x->http ? x->remote_bytes : client->address_bytes);
    facts->local = address_fact(client->local_bytes);
    facts->port_state = FACT_KNOWN;
    facts->port = listener->workload_port;
    if (client->sni.len)
        facts->sni = fact_known(client->sni);
    if (x->http)
        facts_of_request(x, generation, facts);
}

static enum turn policy_refuse(struct exchange *x)
{
    x->record.flags |= RECORD_UAEX;
    x->record.details = arena_format(
        &x->arena, "rbac_access_denied_matched_policy[%.*s]",
        BYTES_FMT(authz_rule_name(&x->generation->rules, x->decision.policy, x->decision.rule, &x->arena)));
    if (!x->http) {
        exchange_fail(x, 0, RECORD_UAEX, x->record.details);
        return WAIT; /* it is over */
    }
    return exchange_answer(x, 403, BYTES("RBAC: access denied"));
}

bool policy_judge(struct exchange *x)
{
    struct facts facts;
    const struct permit *before = x->permit;
    x->permit = NULL;
    x->decision = (struct decision){.verdict = DECISION_DENY};
    x->decided = x->listener->policed || x->generation->node->deny_all;
    if (x->generation->node->deny_all)
        return false;
    if (x->listener->policed) {
        facts_of(x, x->generation, x->listener, &facts);
        x->decision = authz_decide(&x->generation->rules, x->listener, &facts, &x->arena);
        if (x->decision.verdict != DECISION_ALLOW)
            return false;
    }
    x->permit = permit_make(x, before);
    return true;
}

bool policy_allows(struct exchange *x, const struct generation *generation,
                   const struct rules_listener *listener)
{
    struct facts facts;
    if (generation->node->deny_all)
        return false;
    if (!listener->policed)
        return true;
    facts_of(x, generation, listener, &facts);
    return authz_decide(&generation->rules, listener, &facts, &x->arena).verdict == DECISION_ALLOW;
}

static enum turn policy_enter(struct exchange *x)
{
    return policy_judge(x) ? NEXT : policy_refuse(x);
}

const struct filter filter_policy = {.name = "policy", .enter = policy_enter};
