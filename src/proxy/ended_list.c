#include "proxy/ended_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "base/map.h"
#include "crypt/digest.h"

enum { SWEEP_EVERY = 1024 };

struct ended_list {
    struct map marks; /* mark -> struct ended */
    size_t added;
};

struct ended_list *ended_list_new(void)
{
    struct ended_list *list = heap_new(struct ended_list);
    map_init(&list->marks);
    return list;
}

void ended_list_free(struct ended_list *list)
{
    size_t at = 0;
    struct bytes key;
    void *value;
    while (map_next(&list->marks, &at, &key, &value))
        free(value);
    map_done(&list->marks);
    free(list);
}

static struct bytes key_of(const uint64_t *mark)
{
    return bytes_make(mark, sizeof *mark);
}

static void forget(struct ended_list *list, struct ended *one)
{
    map_take(&list->marks, key_of(&one->mark));
    free(one);
}

static void sweep(struct ended_list *list, int64_t now_s)
{
    struct ended **over = heap_alloc_array(list->marks.count + 1, sizeof(struct ended *));
    size_t at = 0, count = 0;
    struct bytes key;
    void *value;
    while (map_next(&list->marks, &at, &key, &value))
        if (((struct ended *)value)->until_s <= now_s)
            over[count++] = value;
    while (count)
        forget(list, over[--count]);
    free(over);
}

/* Rather an old end is forgotten, which lifetime soon brings by itself, than that a new one does not count.
 */
static void room_make(struct ended_list *list)
{
    struct ended *first = NULL;
    size_t at = 0;
    struct bytes key;
    void *value;
    while (map_next(&list->marks, &at, &key, &value))
        if (!first || ((struct ended *)value)->until_s < first->until_s)
            first = value;
    forget(list, first);
}

void ended_list_add(struct ended_list *list, const struct ended *one, int64_t now_s)
{
    if (++list->added % SWEEP_EVERY == 0)
        sweep(list, now_s);
    struct ended *known = map_get(&list->marks, key_of(&one->mark));
    if (known) {
        known->at_s = one->at_s > known->at_s ? one->at_s : known->at_s;
        known->until_s = one->until_s > known->until_s ? one->until_s : known->until_s;
        return;
    }
    if (list->marks.count >= ENDED_LIST_MAX)
        room_make(list); /* control forgets, too, and sooner */
    known = heap_new(struct ended);
    *known = *one;
    map_put(&list->marks, key_of(&known->mark), known);
}

bool ended_list_has(const struct ended_list *list, uint64_t mark, int64_t begun_s)
{
    const struct ended *one = map_get(&list->marks, key_of(&mark));
    return one && begun_s <= one->at_s;
}

bool ended_list_any(const struct ended_list *list)
{
    return list->marks.count > 0;
}

uint64_t ended_mark(const char *kind, uint64_t login, struct bytes name)
{
    struct digest_work *work = digest_start();
    uint64_t mark;
    digest_more(work, bytes_make(kind, strlen(kind) + 1));
    digest_more(work, bytes_make(&login, sizeof login));
    digest_more(work, name);
    struct digest digest = digest_end(work);
    memcpy(&mark, digest.bytes, sizeof mark);
    return mark;
}
