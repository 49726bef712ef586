#include "control/key_table.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/heap.h"
#include "base/log.h"

static struct key_entry *entry_of(struct link *link)
{
    return container_of(link, struct key_entry, link);
}

void key_table_init(struct key_table *table)
{
    list_init(&table->list);
}

static void entry_free(struct key_entry *entry)
{
    list_remove(&entry->link);
    free(entry->issuer);
    free((char *)(uintptr_t)entry->text.at);
    free(entry);
}

void key_table_done(struct key_table *table)
{
    list_for_safe(item, after, &table->list) entry_free(entry_of(item));
}

struct key_entry *key_table_find(const struct key_table *table, uint64_t id)
{
    list_for(item, &table->list)
    {
        if (entry_of(item)->id == id)
            return entry_of(item);
    }
    return NULL;
}

void key_table_want(struct key_table *table, const struct provider_wanted *wanted, size_t count)
{
    list_for(item, &table->list) entry_of(item)->wanted = false;
    for (size_t i = 0; i < count; i++) {
        struct key_entry *entry = key_table_find(table, wanted[i].id);
        if (!entry) {
            entry = heap_new(struct key_entry);
            entry->id = wanted[i].id;
            entry->issuer = heap_text(wanted[i].issuer);
            list_push_back(&table->list, &entry->link);
        }
        entry->wanted = true;
    }
    list_for_safe(item, after, &table->list)
    {
        if (!entry_of(item)->wanted)
            entry_free(entry_of(item));
    }
}

static void text_take(struct key_entry *entry, struct bytes text)
{
    entry->changed = !bytes_equal(entry->text, text);
    if (!entry->changed)
        return;
    free((char *)(uintptr_t)entry->text.at);
    entry->text = bytes_make(heap_text(text), text.len);
}

/* Never a made-up key in its place: its tokens are refused until it can be read again. */
static void old_forget(struct key_entry *entry, int64_t now_s)
{
    if (!entry->text.len || now_s - entry->fetched_s <= KEY_SET_LIFE_S)
        return;
    log_error("the key set of %s could not be read for %lld days and is not believed any more", entry->issuer,
              (long long)((now_s - entry->fetched_s) / 86400));
    free((char *)(uintptr_t)entry->text.at);
    entry->text = (struct bytes){0};
    entry->changed = true;
}

struct key_entry *key_table_letter(struct key_table *table, const struct key_set_letter *letter)
{
    struct key_entry *entry = key_table_find(table, letter->id);
    if (!entry)
        return NULL;
    entry->changed = false;
    if (!letter->tried)
        return entry;
    entry->tried = true;
    snprintf(entry->problem, sizeof entry->problem, "%.*s", BYTES_FMT(letter->problem));
    if (!letter->text.len) {
        entry->failures++;
        old_forget(entry, letter->fetched_s);
        return entry;
    }
    entry->fetches++;
    entry->fetched_s = letter->fetched_s;
    text_take(entry, letter->text);
    return entry;
}

bool key_table_settled(const struct key_table *table)
{
    list_for(item, &table->list)
    {
        if (!entry_of(item)->tried && !entry_of(item)->text.len)
            return false;
    }
    return true;
}

bool key_table_tried(const struct key_table *table)
{
    list_for(item, &table->list)
    {
        if (!entry_of(item)->tried)
            return false;
    }
    return true;
}
