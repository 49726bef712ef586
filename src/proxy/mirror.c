#include "proxy/mirror.h"

#include <string.h>

#include "proxy/generation.h"
#include "proxy/worker.h"

struct mirror {
    struct tee tee;     /* in the parent's pump; the source of the copy's body */
    struct stage waste; /* sink of the copy's response */
    struct exchange *x;
};

static void waste_give(struct stage *stage, const struct part *part)
{
    struct mirror *mirror = (struct mirror *)(void *)((char *)stage - offsetof(struct mirror, waste));
    switch (part->kind) {
    case PART_DATA:
        stage_want(stage, part->data.len);
        return;
    case PART_TRAILERS:
        return;
    case PART_END:
        exchange_finish(mirror->x);
        return;
    case PART_ABORT:
        exchange_fail(mirror->x, 0, RECORD_UC, BYTES("mirror_aborted"));
        return;
    }
}

static const struct stage_ops waste_ops = {"mirror waste", waste_give, stage_pass_want, stage_pass_stop};

/* ---- the copy as its upstream sees it ------------------------------------------- */

static void on_info(struct exchange *x, const struct http_response *info)
{
    (void)x;
    (void)info;
}

static void on_head(struct exchange *x, bool whole, struct bytes body)
{
    (void)body;
    if (whole) {
        exchange_finish(x); /* nobody could be reached: that is that */
        return;
    }
    stage_want(&x->mirror->waste, PUMP_CREDIT);
}

static void on_done(struct exchange *x)
{
    stage_take_out(&x->mirror->tee.stage); /* the parent may go on for long */
    tee_done(&x->mirror->tee);
    stage_unlink(&x->mirror->waste);
}

static const struct client_ops mirror_client_ops = {on_info, on_head, on_done};

/* ---- starting ----------------------------------------------------------------------- */

static void fields_copy(struct exchange *to, const struct exchange *from)
{
    http_fields_init(&to->request.fields, &to->arena);
    for (uint32_t i = 0; i < from->request.fields.count; i++) {
        const struct http_field *field = &from->request.fields.at[i];
        http_fields_add(&to->request.fields, arena_bytes(&to->arena, field->name),
                        arena_bytes(&to->arena, field->value));
    }
}

/* Everything is copied: the copy may outlive its parent and the buffer its head lies in. */
static void request_copy(struct exchange *to, const struct exchange *from)
{
    to->request = from->request;
    to->request.method = arena_bytes(&to->arena, from->request.method);
    to->request.scheme = arena_bytes(&to->arena, from->request.scheme);
    to->request.authority = arena_bytes(&to->arena, from->request.authority);
    to->request.path = arena_bytes(&to->arena, from->request.path);
    to->original_path = to->request.path;
    fields_copy(to, from);
    http_fields_remove(&to->request.fields, HTTP_EXPECT);
    to->request_has_body = from->request_has_body;
    to->request_sized = from->request_sized;
    to->request_length = from->request_length;
}

/* Envoy's mark of a mirrored request: the host with "-shadow", before the port. */
static struct bytes shadow_of(struct exchange *x, struct bytes authority)
{
    size_t colon = bytes_find_last(authority, ':');
    bool port = colon < authority.len &&
                bytes_find(bytes_part(authority, colon, authority.len), ']') == authority.len - colon;
    size_t end = port ? colon : authority.len;
    return arena_format(&x->arena, "%.*s-shadow%.*s", BYTES_FMT(bytes_part(authority, 0, end)),
                        BYTES_FMT(bytes_part(authority, end, authority.len)));
}

/* Only to be judged and vouched for by, before anything waits: these are the parent's references. */
static void identity_lend(struct exchange *x, const struct exchange *from)
{
    static const struct exchange nobody;
    from = from ? from : &nobody;
    x->token = from->token;
    x->assertion = from->assertion;
    x->claims = from->claims;
    x->groups = from->groups;
    x->groups_mapped = from->groups_mapped;
    x->group_labels = from->group_labels;
}

static void mirror_one(struct exchange *parent, const struct rules_destination *destination)
{
    struct exchange *x = exchange_new_child(parent, mirror_chain);
    struct mirror *mirror = arena_room(&x->arena, sizeof *mirror);
    request_copy(x, parent);
    identity_lend(x, parent);
    x->permit = permit_for_child(parent, x);
    x->detached = true;
    x->client_ops = &mirror_client_ops;
    x->mirror = mirror;
    x->request_id = arena_bytes(&x->arena, parent->request_id);
    x->destination = destination;
    x->cluster =
        image_row(&x->generation->rules, RULES_CLUSTER, (struct image_rows){0, 0}, destination->cluster);
    x->forward_path = arena_bytes(&x->arena, parent->forward_path);
    x->forward_authority = shadow_of(x, parent->forward_authority);
    mirror->x = x;
    mirror->waste = (struct stage){.ops = &waste_ops};
    tee_init(&mirror->tee);
    x->from_client = &mirror->tee.copy;
    x->to_client = &mirror->waste;
    if (parent->request_has_body)
        stage_link(stage_last(parent->from_client), &mirror->tee.stage);
    exchange_start(x);
    identity_lend(x, NULL);
}

void mirror_start(struct exchange *x)
{
    const struct image *rules = &x->generation->rules;
    if (!x->choice.route)
        return;
    IMAGE_FOR(rules, RULES_DESTINATION, struct rules_destination, each, x->choice.route->mirrors)
    {
        uint64_t number;
        x->worker->loop.io->random(x->worker->loop.io, &number, sizeof number);
        if (number % 1000000 < each->weight)
            mirror_one(x, each);
    }
}

void mirror_end(struct exchange *x)
{
    list_for_safe(link, after, &x->children)
    {
        struct exchange *child = container_of(link, struct exchange, sibling);
        if (!child->mirror)
            continue;
        stage_take_out(&child->mirror->tee.stage);
        if (x->request_has_body && !child->mirror->tee.ended)
            exchange_fail(child, 0, RECORD_LR,
                          BYTES("parent_ended")); /* the rest of its body will not come */
    }
}
