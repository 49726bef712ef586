#include "control/name_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/heap.h"

static struct name_entry *entry_of(struct link *link)
{
    return container_of(link, struct name_entry, link);
}

void name_table_init(struct name_table *table)
{
    list_init(&table->list);
    map_init(&table->by_name);
}

static void entry_free(struct name_table *table, struct name_entry *entry)
{
    map_take(&table->by_name, bytes_of(entry->name));
    list_remove(&entry->link);
    free(entry->name);
    free(entry->at);
    free(entry);
}

void name_table_done(struct name_table *table)
{
    list_for_safe(item, after, &table->list) entry_free(table, entry_of(item));
    map_done(&table->by_name);
}

struct name_entry *name_table_find(const struct name_table *table, struct bytes name)
{
    return map_get(&table->by_name, name);
}

void name_table_want_begin(struct name_table *table)
{
    list_for(item, &table->list) entry_of(item)->wanted = false;
}

void name_table_want(struct name_table *table, struct bytes name)
{
    struct name_entry *entry = name_table_find(table, name);
    if (!entry) {
        entry = heap_new(struct name_entry);
        entry->name = heap_text(name);
        list_push_back(&table->list, &entry->link);
        map_put(&table->by_name, bytes_of(entry->name), entry);
    }
    entry->wanted = true;
}

void name_table_want_end(struct name_table *table)
{
    list_for_safe(item, after, &table->list)
    {
        if (!entry_of(item)->wanted)
            entry_free(table, entry_of(item));
    }
}

static int address_compare(const void *a, const void *b)
{
    const struct address *x = a, *y = b;
    if (x->family != y->family)
        return x->family < y->family ? -1 : 1;
    return memcmp(x->at, y->at, sizeof x->at);
}

static bool is_same(const struct name_entry *entry, const struct address *sorted, size_t count,
                    const struct address *first)
{
    if (entry->count != count || (count && !address_equal(&entry->first, first)))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!address_equal(&entry->at[i], &sorted[i]))
            return false;
    return true;
}

static bool addresses_take(struct name_entry *entry, const struct address *at, size_t count)
{
    struct address *sorted = heap_alloc_array(count + 1, sizeof *sorted);
    for (size_t i = 0; i < count; i++)
        sorted[i] = at[i];
    qsort(sorted, count, sizeof *sorted, address_compare);
    bool changed = !is_same(entry, sorted, count, at);
    free(entry->at);
    entry->at = sorted;
    entry->count = count;
    entry->first = at[0]; /* zero when there is none */
    return changed;
}

bool name_table_letter(struct name_table *table, const struct name_letter *letter)
{
    struct name_entry *entry = name_table_find(table, letter->name);
    if (!entry)
        return false;
    entry->tried |= letter->ended || letter->count;
    if (letter->ended) {
        snprintf(entry->problem, sizeof entry->problem, "%.*s", BYTES_FMT(letter->problem));
        entry->ttl_s = letter->ttl_s;
        entry->failures += letter->failed;
        entry->lookups += !letter->failed;
    }
    if (!letter->failed)
        entry->answered_s = clock_wall_s();
    if (letter->failed && !letter->count)
        return false; /* what is kept from before may be all there is */
    return addresses_take(entry, letter->at, letter->count);
}

void name_table_kept(struct name_table *table, struct bytes name, const struct address *at, size_t count,
                     int64_t answered_s)
{
    struct name_entry *entry = name_table_find(table, name);
    if (!entry || entry->tried || entry->count || !count)
        return;
    addresses_take(entry, at, count);
    entry->answered_s = answered_s;
}

bool name_table_tried(const struct name_table *table)
{
    list_for(item, &table->list)
    {
        if (!entry_of(item)->tried)
            return false;
    }
    return true;
}
