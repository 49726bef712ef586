#include "proxy/ended_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "base/map.h"
#include "crypt/digest.h"

enum { ENTRIES_MAX = 32768, SWEEP_EVERY = 1024 };

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

/* One that is over; NULL: none. */
static struct ended *over_find(const struct ended_list *list, int64_t now_s)
{
    size_t at = 0;
    struct bytes key;
    void *value;
    while (map_next(&list->marks, &at, &key, &value))
        if (((struct ended *)value)->until_s <= now_s)
            return value;
    return NULL;
}

static void sweep(struct ended_list *list, int64_t now_s)
{
    for (struct ended *one; (one = over_find(list, now_s)) != NULL; free(one))
        map_take(&list->marks, key_of(&one->mark));
}

void ended_list_add(struct ended_list *list, const struct ended *one, int64_t now_s)
{
    struct ended *known = map_get(&list->marks, key_of(&one->mark));
    if (++list->added % SWEEP_EVERY == 0)
        sweep(list, now_s);
    if (!known && list->marks.count >= ENTRIES_MAX)
        return; /* control keeps fewer */
    if (known) {
        known->at_s = one->at_s > known->at_s ? one->at_s : known->at_s;
        known->until_s = one->until_s > known->until_s ? one->until_s : known->until_s;
        return;
    }
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
