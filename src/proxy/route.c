/*
 * route: which service, which subset; what the rules change on the way there and
 * back.
 */
#include "proxy/exchange.h"
#include "proxy/field_value.h"
#include "proxy/generation.h"
#include "proxy/route_answer.h"
#include "rules/decide/tcp_route.h"

static const struct rules_cluster *cluster_row(const struct image *rules, uint32_t cluster)
{
    return image_row(rules, RULES_CLUSTER, (struct image_rows){0, 0}, cluster);
}

struct change {
    struct bytes name;
    enum rules_op op;
    struct bytes value;
    const struct value_part *parts; /* or made of these */
    uint32_t part_count;
};

/*
 * A value of operators that comes out empty is not sent. Where it was to replace
 * what is there, that goes all the same: a rule that says who sets a field keeps
 * the client from setting it.
 */
static void change_apply(struct exchange *x, const struct change *change, struct http_fields *fields)
{
    struct bytes value = change->value;
    if (change->parts)
        value = field_value_make(x, change->parts, change->part_count);
    bool nothing = change->parts && !value.len;
    if (change->op == OP_REMOVE || (change->op == OP_SET && nothing))
        http_fields_remove_name(fields, change->name);
    else if (change->op == OP_SET)
        http_fields_set(fields, change->name, value);
    else if (!nothing)
        http_fields_add(fields, change->name, value);
}

static struct change change_of(struct exchange *x, const struct rules_field_op *op)
{
    const struct image *rules = &x->generation->rules;
    return (struct change){
        .name = image_text(rules, op->name),
        .op = (enum rules_op)op->op,
        .value = image_text(rules, op->value),
        .parts = op->parts.count ? value_parts_keep(x, op->parts) : NULL,
        .part_count = op->parts.count,
    };
}

static void ops_apply(struct exchange *x, struct image_rows ops, bool on_response, struct http_fields *fields)
{
    IMAGE_FOR(&x->generation->rules, RULES_FIELD_OP, struct rules_field_op, op, ops)
    {
        if ((op->on_response != 0) != on_response)
            continue;
        const struct change change = change_of(x, op);
        bool host = bytes_equal(change.name, BYTES("host")) || bytes_equal(change.name, BYTES(":authority"));
        if (!host || on_response)
            change_apply(x, &change, fields);
        else if (change.op != OP_REMOVE)
            x->forward_authority = change.value;
    }
}

static enum turn route_none(struct exchange *x, enum record_flag flag, const char *details)
{
    exchange_note(x, flag, details);
    if (!x->http) {
        exchange_fail(x, 0, flag, bytes_of(details));
        return WAIT; /* it is over */
    }
    return exchange_answer(x, 404, (struct bytes){0});
}

static enum turn connection_enter(struct exchange *x)
{
    const struct image *rules = &x->generation->rules;
    struct tcp_ends ends = {x->facts->sni, x->facts->local_bytes, x->facts->address_bytes};
    const struct rules_tcp_route *route = route_tcp(rules, x->listener, &ends);
    x->destination = route ? route_tcp_destination(rules, route, route_draw(x)) : NULL;
    if (!x->destination)
        return route_none(x, RECORD_NR, "route_not_found");
    x->cluster = cluster_row(rules, x->destination->cluster);
    return NEXT;
}

/* One TLS connection, a host of another server with its own demands (RFC 9110 15.5.20). */
static bool misdirected(const struct exchange *x)
{
    const struct image *rules = &x->generation->rules;
    if (x->listener->tls != LISTENER_TLS || x->listener->servers.count + x->listener->passthrough.count < 2)
        return false;
    return route_server(rules, x->listener, x->request.authority) !=
           route_server(rules, x->listener, x->facts->sni);
}

static enum turn destination_choose(struct exchange *x)
{
    const struct image *rules = &x->generation->rules;
    x->destination = route_destination(rules, x->choice.route, route_draw(x));
    if (!x->destination)
        return route_none(x, RECORD_NR, "route_has_no_destination");
    x->cluster = cluster_row(rules, x->destination->cluster);
    if (!http_connects(&x->request) && /* it has no path */
        !route_rewrite(rules, x->generation->regexes, &x->choice, x->request.path, &x->arena,
                       &x->forward_path)) {
        exchange_note(x, 0, "path_rewrite_failed");
        return exchange_answer(x, 500, (struct bytes){0});
    }
    x->forward_authority = x->request.authority;
    struct bytes authority = image_text(rules, x->choice.route->rewrite_authority);
    if (authority.len)
        x->forward_authority = authority;
    ops_apply(x, x->destination->ops, false, &x->request.fields);
    ops_apply(x, x->choice.route->ops, false, &x->request.fields);
    return NEXT;
}

/* Behind the delay, if there was one. */
static enum turn route_go(struct exchange *x)
{
    if (route_interrupt(x) == REPLY)
        return REPLY;
    if (route_answer(x) == NEXT)
        return destination_choose(x);
    ops_apply(x, x->choice.route->ops, true, &x->response.fields);
    return REPLY;
}

static enum turn route_enter(struct exchange *x)
{
    const struct image *rules = &x->generation->rules;
    struct facts facts = {0};
    if (!x->http)
        return connection_enter(x);
    if (x->listener->redirect_https)
        return route_to_https(x);
    if (misdirected(x)) {
        exchange_note(x, RECORD_NR, "misdirected_request");
        return exchange_answer(x, 421, (struct bytes){0});
    }
    policy_claims(x, x->generation, &facts);
    if (!route_choose_known(rules, x->generation->regexes, x->listener, &x->request, x->request.path, &facts,
                            &x->arena, &x->choice)) {
        if (http_connects(&x->request))
            x->record.termination = BYTES("no route that matches the method CONNECT by name fits: no tunnel");
        return route_none(x, RECORD_NR, "route_not_found");
    }
    return route_delay(x) ? WAIT : route_go(x);
}

/* ---- the way back, perhaps when the rules that chose the way there are long gone -------- */

static void later_add(struct exchange *x, struct image_rows ops)
{
    IMAGE_FOR(&x->generation->rules, RULES_FIELD_OP, struct rules_field_op, op, ops)
    {
        if (!op->on_response)
            continue;
        struct change change = change_of(x, op);
        change.name = arena_bytes(&x->arena, change.name);
        change.value = arena_bytes(&x->arena, change.value);
        x->later[x->later_count++] = change;
    }
}

void route_freeze(struct exchange *x)
{
    const struct route_choice *choice = &x->choice;
    uint32_t count =
        (x->destination ? x->destination->ops.count : 0) + (choice->route ? choice->route->ops.count : 0);
    if (!x->replied && count) {
        x->later = arena_array(&x->arena, struct change, count);
        if (x->destination)
            later_add(x, x->destination->ops);
        if (choice->route)
            later_add(x, choice->route->ops);
    }
    x->choice = (struct route_choice){0};
    x->destination = NULL;
    x->cluster = NULL;
    x->endpoint = NULL;
}

static void later_apply(struct exchange *x)
{
    for (uint32_t i = 0; i < x->later_count; i++)
        change_apply(x, &x->later[i], &x->response.fields);
}

static void route_reply(struct exchange *x)
{
    if (!x->http)
        return;
    if (!x->response_whole) {
        later_apply(x);
        if (x->destination)
            ops_apply(x, x->destination->ops, true, &x->response.fields);
        if (x->choice.route)
            ops_apply(x, x->choice.route->ops, true, &x->response.fields);
    }
    for (uint32_t i = 0; x->cors && i < x->cors->count; i++)
        http_fields_set(&x->response.fields, x->cors->at[i].name, x->cors->at[i].value);
}

const struct filter filter_route = {
    .name = "route", .enter = route_enter, .resume = route_go, .reply = route_reply};
