#include "rules/compile/action.h"

#include "wire/base64.h"
#include "wire/grpc.h"

enum { MILLION = 1000000, PARTS = 10000 /* of a million, one percent */ };

static uint32_t parts_of(const struct percent *percent)
{
    double parts = percent ? percent->value * PARTS : 0;
    return parts > MILLION ? MILLION : (uint32_t)parts;
}

static uint32_t number(int64_t value)
{
    return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static void rewrite_set(struct work *work, struct rules_route *row, const struct http_rewrite *rewrite)
{
    row->rewrite_authority = work_text(work, rewrite->authority);
    if (rewrite->regex) {
        row->rewrite = REWRITE_REGEX;
        row->rewrite_regex = work_text(work, rewrite->regex->match);
        row->rewrite_uri = work_text(work, rewrite->regex->rewrite);
    } else if (rewrite->uri.at) {
        row->rewrite = REWRITE_URI;
        row->rewrite_uri = work_text(work, rewrite->uri);
    }
}

static struct image_rows redirect_of(struct work *work, const struct http_redirect *redirect)
{
    bool prefix = redirect->prefix_rewrite.at != NULL;
    struct rules_redirect row = {
        .uri = work_text(work, prefix ? redirect->prefix_rewrite : redirect->uri),
        .authority = work_text(work, redirect->authority),
        .scheme = work_text(work, redirect->scheme),
        .port = number(redirect->port),
        .code = number(redirect->code),
    };
    row.path = prefix ? REDIRECT_PREFIX : redirect->uri.len ? REDIRECT_URI : REDIRECT_KEEP;
    if (redirect->port)
        row.port_from = REDIRECT_PORT_WRITTEN;
    else if (group_has(&redirect->group, "derivePort"))
        row.port_from = redirect->derive_port ? REDIRECT_PORT_LISTENER : REDIRECT_PORT_SCHEME;
    return image_build_rows(&work->rules, RULES_REDIRECT, &row, 1);
}

static struct image_rows direct_of(struct work *work, const struct direct_response *direct)
{
    struct rules_direct row = {.status = number(direct->status)};
    struct bytes body = direct->body ? direct->body->string : (struct bytes){0};
    if (direct->body && direct->body->base64.len)
        base64_decode(direct->body->base64, false, work->arena, &body); /* the kind has checked it */
    row.body = work_text(work, body);
    return image_build_rows(&work->rules, RULES_DIRECT, &row, 1);
}

static struct image_rows fault_of(struct work *work, const struct http_fault *fault)
{
    struct rules_fault row = {0};
    if (fault->delay && fault->delay->fixed_ms) {
        const struct fault_delay *delay = fault->delay;
        row.delay_parts = delay->percentage ? parts_of(delay->percentage) : (uint32_t)delay->percent * PARTS;
        row.delay_ms = number(delay->fixed_ms);
    }
    if (fault->abort && (fault->abort->http_status || fault->abort->grpc_status.at)) {
        row.abort_parts = parts_of(fault->abort->percentage);
        row.abort_status = number(fault->abort->http_status);
        grpc_status_read(fault->abort->grpc_status, &row.abort_grpc);
    }
    return image_build_rows(&work->rules, RULES_FAULT, &row, row.delay_parts || row.abort_parts);
}

/* "a,b,c" */
static struct image_text joined(struct work *work, const struct text_list *list)
{
    struct text text;
    text_init_arena(&text, work->arena);
    for (size_t i = 0; i < list->count; i++)
        text_format(&text, "%s%.*s", i ? "," : "", BYTES_FMT(list->at[i]));
    return work_text(work, text_bytes(&text));
}

static void origin_add(struct work *work, struct rows *rows, enum rules_text_match how, struct bytes text)
{
    if (bytes_equal(text, BYTES("*")) && how != TEXT_REGEX)
        how = TEXT_PRESENT;
    rows_add(work, rows, &(struct rules_field_match){.value = {how, 0, work_text(work, text)}});
}

static struct image_rows origins_of(struct work *work, const struct cors_policy *cors)
{
    static const enum rules_text_match hows[] = {
        [MATCH_NONE] = TEXT_PRESENT, [MATCH_EXACT] = TEXT_EXACT, [MATCH_PREFIX] = TEXT_PREFIX,
        [MATCH_REGEX] = TEXT_REGEX,  [MATCH_ANY] = TEXT_PRESENT,
    };
    struct rows rows = rows_of(sizeof(struct rules_field_match));
    for (size_t i = 0; i < cors->allow_origins.count; i++)
        origin_add(work, &rows, hows[cors->allow_origins.at[i].how], cors->allow_origins.at[i].value);
    for (size_t i = 0; i < cors->allow_origin.count && !cors->allow_origins.count; i++)
        origin_add(work, &rows, TEXT_EXACT, cors->allow_origin.at[i]);
    return rows_put(work, RULES_FIELD_MATCH, &rows);
}

static struct image_rows cors_of(struct work *work, const struct cors_policy *cors)
{
    struct rules_cors row = {
        .origins = origins_of(work, cors),
        .methods = joined(work, &cors->allow_methods),
        .headers = joined(work, &cors->allow_headers),
        .expose = joined(work, &cors->expose_headers),
        .credentials = cors->allow_credentials,
        .forwards_unmatched = cors->unmatched_preflights != PREFLIGHTS_IGNORE,
    };
    if (cors->max_age_ms)
        row.max_age = work_text(work, arena_format(work->arena, "%lld", (long long)cors->max_age_ms / 1000));
    return image_build_rows(&work->rules, RULES_CORS, &row, 1);
}

void actions_set(struct work *work, struct rules_route *row, const struct http_route *route)
{
    if (route->rewrite)
        rewrite_set(work, row, route->rewrite);
    if (route->redirect)
        row->redirect = redirect_of(work, route->redirect);
    if (route->direct_response)
        row->direct = direct_of(work, route->direct_response);
    if (route->fault)
        row->fault = fault_of(work, route->fault);
    if (route->cors)
        row->cors = cors_of(work, route->cors);
}
