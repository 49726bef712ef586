#include "proxy/assertion_keep.h"

#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "base/map.h"

struct assertion_keep {
    struct map map;
    struct link recent; /* used last first */
    struct digest_work *digests;
};

struct assertion_keep *assertion_keep_new(void)
{
    struct assertion_keep *keep = heap_new(struct assertion_keep);
    map_init(&keep->map);
    list_init(&keep->recent);
    keep->digests = digest_start();
    return keep;
}

static void drop(struct assertion_keep *keep, struct assertion *assertion)
{
    map_take(&keep->map, bytes_make(&assertion->said, sizeof assertion->said));
    list_remove(&assertion->recent);
    free(assertion->text);
    free(assertion);
}

void assertion_keep_free(struct assertion_keep *keep)
{
    while (!list_empty(&keep->recent))
        drop(keep, container_of(keep->recent.next, struct assertion, recent));
    map_done(&keep->map);
    digest_free(keep->digests);
    free(keep);
}

struct digest assertion_keep_digest(struct assertion_keep *keep, struct bytes said)
{
    return digest_again(keep->digests, said);
}

static struct assertion *find(struct assertion_keep *keep, const struct digest *said)
{
    return map_get(&keep->map, bytes_make(said, sizeof *said));
}

const struct assertion *assertion_keep_find(struct assertion_keep *keep, const struct digest *said)
{
    struct assertion *assertion = find(keep, said);
    if (assertion) {
        list_remove(&assertion->recent);
        list_push_front(&keep->recent, &assertion->recent);
    }
    return assertion;
}

const struct assertion *assertion_keep_put(struct assertion_keep *keep, const struct digest *said,
                                           struct bytes text, int64_t until_s,
                                           const char id[ASSERTION_ID_SIZE])
{
    struct assertion *assertion = find(keep, said);
    if (assertion)
        drop(keep, assertion);
    if (keep->map.count >= ASSERTION_KEEP_MAX)
        drop(keep, container_of(keep->recent.prev, struct assertion, recent));
    assertion = heap_new(struct assertion);
    assertion->said = *said;
    assertion->text = heap_text(text);
    assertion->len = text.len;
    assertion->until_s = until_s;
    memcpy(assertion->id, id, sizeof assertion->id);
    map_put(&keep->map, bytes_make(&assertion->said, sizeof assertion->said), assertion);
    list_push_front(&keep->recent, &assertion->recent);
    return assertion;
}
