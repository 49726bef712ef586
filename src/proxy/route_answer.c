#include "proxy/route_answer.h"

#include "proxy/generation.h"
#include "proxy/worker.h"
#include "rules/decide/cors.h"
#include "rules/decide/redirect.h"
#include "wire/grpc.h"

enum { MILLION = 1000000 };

uint64_t route_draw(struct exchange *x)
{
    uint64_t number;
    struct io *io = x->worker->loop.io;
    io->random(io, &number, sizeof number);
    return number;
}

static bool falls(struct exchange *x, uint32_t parts)
{
    return parts && route_draw(x) % MILLION < parts;
}

/* ---- faults ------------------------------------------------------------------------ */

static const struct rules_fault *fault_of(const struct exchange *x)
{
    struct image_rows rows = x->choice.route->fault;
    return rows.count ? image_row(&x->generation->rules, RULES_FAULT, rows, 0) : NULL;
}

bool route_delay(struct exchange *x)
{
    const struct rules_fault *fault = fault_of(x);
    if (!fault || !fault->delay_ms || !falls(x, fault->delay_parts))
        return false;
    exchange_note(x, RECORD_DI, NULL);
    x->wait =
        (struct wait){.what = "a delay on purpose", .until_ms = x->worker->loop.now_ms + fault->delay_ms};
    return true;
}

static enum turn fault_abort(struct exchange *x, const struct rules_fault *fault)
{
    const struct http_field *type = http_fields_find(&x->request.fields, HTTP_CONTENT_TYPE);
    unsigned status = fault->abort_status;
    exchange_note(x, RECORD_FI, "fault_filter_abort");
    if (type && grpc_is_type(type->value))
        return exchange_answer_grpc(x, status ? grpc_status_from_http(status) : fault->abort_grpc,
                                    BYTES("fault filter abort"));
    return exchange_answer(x, status ? status : grpc_status_to_http(fault->abort_grpc),
                           BYTES("fault filter abort"));
}

/* ---- CORS --------------------------------------------------------------------------- */

/* The fields in the exchange's own memory: the rules may be replaced before the response comes. */
static struct http_fields *cors_keep(struct exchange *x, const struct rules_cors *cors,
                                     const struct cors_answer *answer)
{
    struct http_fields *fields = arena_new(&x->arena, struct http_fields);
    http_fields_init(fields, &x->arena);
    cors_fields(&x->generation->rules, cors, answer, fields);
    for (uint32_t i = 0; i < fields->count; i++)
        fields->at[i].value = arena_bytes(&x->arena, fields->at[i].value);
    return fields;
}

static enum turn cors_enter(struct exchange *x)
{
    const struct image *rules = &x->generation->rules;
    struct image_rows rows = x->choice.route->cors;
    if (!rows.count)
        return NEXT;
    const struct rules_cors *cors = image_row(rules, RULES_CORS, rows, 0);
    struct cors_answer answer = cors_judge(rules, x->generation->regexes, cors, &x->request);
    if (answer.verdict == CORS_PASSES)
        return NEXT;
    x->cors = cors_keep(x, cors, &answer);
    if (answer.verdict == CORS_ALLOWED)
        return NEXT;
    exchange_note(x, 0, "cors_response");
    return exchange_answer_exactly(x, 200, (struct bytes){0}, (struct bytes){0});
}

/* ---- answers ------------------------------------------------------------------------ */

static void location_set(struct exchange *x, struct bytes location)
{
    http_fields_add(&x->response.fields, BYTES("location"), location);
}

static enum turn redirect(struct exchange *x)
{
    const struct image *rules = &x->generation->rules;
    const struct rules_redirect *row = image_row(rules, RULES_REDIRECT, x->choice.route->redirect, 0);
    struct bytes location =
        redirect_location(rules, row, &x->choice, &x->request, x->request.path, x->listener->port, &x->arena);
    enum turn turn = exchange_answer(x, row->code, (struct bytes){0});
    location_set(x, location);
    return turn;
}

static enum turn direct(struct exchange *x)
{
    const struct image *rules = &x->generation->rules;
    const struct rules_direct *row = image_row(rules, RULES_DIRECT, x->choice.route->direct, 0);
    struct bytes body = arena_bytes(&x->arena, image_text(rules, row->body));
    return exchange_answer_exactly(x, row->status, body.len ? BYTES("text/plain") : (struct bytes){0}, body);
}

enum turn route_interrupt(struct exchange *x)
{
    const struct rules_fault *fault = fault_of(x);
    return fault && falls(x, fault->abort_parts) ? fault_abort(x, fault) : cors_enter(x);
}

enum turn route_answer(struct exchange *x)
{
    const struct rules_route *route = x->choice.route;
    if (!route->redirect.count && !route->direct.count)
        return NEXT;
    exchange_note(x, 0, "direct_response");
    return route->redirect.count ? redirect(x) : direct(x);
}

enum turn route_to_https(struct exchange *x)
{
    struct bytes host = bytes_part(x->request.authority, 0, bytes_find_last(x->request.authority, ':'));
    struct bytes location =
        arena_format(&x->arena, "https://%.*s%.*s", BYTES_FMT(host), BYTES_FMT(x->request.path));
    enum turn turn = exchange_answer(x, 301, (struct bytes){0});
    location_set(x, location);
    return turn;
}
