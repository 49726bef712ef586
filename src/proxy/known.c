/*
 * known: the well-known paths that the node itself serves to anybody: the key set
 * by which others verify its assertions.
 */
#include "proxy/exchange.h"
#include "proxy/generation.h"
#include "wire/path.h"

static bool asks_for_keys(const struct exchange *x)
{
    const struct generation *generation = x->generation;
    if (!x->listener->publishes_keys || !generation->assertion)
        return false;
    struct bytes path = image_text(&generation->rules, generation->assertion->key_set_path);
    return bytes_equal(path_only(x->request.path), path) &&
           (bytes_equal(x->request.method, BYTES("GET")) || bytes_equal(x->request.method, BYTES("HEAD")));
}

static enum turn known_enter(struct exchange *x)
{
    const struct generation *generation = x->generation;
    if (!asks_for_keys(x))
        return NEXT;
    x->response = (struct http_response){.status = 200, .reason = BYTES("OK"), .minor = 1};
    http_fields_init(&x->response.fields, &x->arena);
    http_fields_add_known(&x->response.fields, HTTP_CONTENT_TYPE, BYTES("application/json"));
    http_fields_add(&x->response.fields, BYTES("cache-control"),
                    arena_format(&x->arena, "public, max-age=%u", generation->root->published_max_age_s));
    x->response_whole = true;
    x->response_body = image_text(&generation->keys, generation->root->published);
    exchange_note(x, 0, "key_set");
    return REPLY;
}

const struct filter filter_known = {.name = "known", .enter = known_enter};
