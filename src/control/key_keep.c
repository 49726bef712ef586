#include "control/key_keep.h"

#include "base/heap.h"
#include "base/text.h"
#include "control/fetch.h"
#include "control/seal_file.h"
#include "wire/json.h"

#define PURPOSE BYTES("selvage key-sets 1")
#define FILE_MAX ((size_t)16 << 20)

enum { AGE_MAX_S = 24 * 60 * 60 };

/* ---- writing ---- */

static void entry_write(struct text *out, const struct key_entry *entry)
{
    text_format(out, "%s{\"id\":\"%016llx\",\"fetched\":%lld,\"text\":", out->len > 1 ? "," : "",
                (unsigned long long)entry->id, (long long)entry->fetched_s);
    text_add_json(out, entry->text);
    text_add_c(out, '}');
}

bool key_keep_write(const struct settings *settings, const struct key_table *table, struct fail *why)
{
    struct arena arena;
    struct text text;
    arena_init(&arena);
    text_init_arena(&text, &arena);
    text_add_c(&text, '[');
    list_for(item, &table->list)
    {
        const struct key_entry *entry = container_of(item, struct key_entry, link);
        if (entry->text.len && text.len + entry->text.len < FILE_MAX / 4)
            entry_write(&text, entry);
    }
    text_add_c(&text, ']');
    bool done = seal_state_write(settings, "key-sets", PURPOSE, text_bytes(&text), why);
    arena_done(&arena);
    return done;
}

/* ---- reading ---- */

static void entry_take(struct key_table *table, const json_t *kept, int64_t now_s)
{
    struct bytes id, text;
    const json_t *fetched = json_object_get(kept, "fetched");
    if (!json_member_text(kept, "id", &id) || !json_member_text(kept, "text", &text) || !text.len ||
        !json_is_integer(fetched))
        return;
    int64_t fetched_s = json_integer_value(fetched);
    list_for(item, &table->list)
    {
        struct key_entry *entry = container_of(item, struct key_entry, link);
        char name[17];
        struct text own;
        text_init_fixed(&own, name, sizeof name);
        text_format(&own, "%016llx", (unsigned long long)entry->id);
        if (!bytes_equal(text_bytes(&own), id) || entry->text.len || fetched_s < now_s - AGE_MAX_S)
            continue;
        entry->text = bytes_make(heap_text(text), text.len);
        entry->fetched_s = fetched_s;
    }
}

bool key_keep_read(const struct settings *settings, struct key_table *table, int64_t now_s, struct fail *why)
{
    struct arena arena;
    struct bytes plain;
    json_t *list = NULL;
    arena_init(&arena);
    bool read = seal_state_read(settings, "key-sets", PURPOSE, FILE_MAX, &arena, &plain, why);
    if (read && plain.len) { /* else it is the first start */
        list = json_read(plain, FILE_MAX, why);
        read = list != NULL;
    }
    for (size_t i = 0; i < json_array_size(list); i++)
        entry_take(table, json_array_get(list, i), now_s);
    json_decref(list);
    arena_done(&arena);
    return read;
}
