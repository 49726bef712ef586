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
    exchange_answer_exactly(x, 200, BYTES("application/json"),
                            image_text(&generation->keys, generation->root->published));
    http_fields_add(&x->response.fields, BYTES("cache-control"),
                    arena_format(&x->arena, "public, max-age=%u", generation->root->published_max_age_s));
    exchange_note(x, 0, "key_set");
    return REPLY;
}

const struct filter filter_known = {.name = "known", .enter = known_enter};
