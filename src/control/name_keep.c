#include "control/name_keep.h"

#include "base/text.h"
#include "control/seal_file.h"
#include "wire/json.h"

#define PURPOSE BYTES("selvage names 1")
#define FILE_MAX ((size_t)16 << 20)

enum { AGE_MAX_S = 24 * 60 * 60 };

/* The first of the answer first; it stands among the others again. */
static void entry_write(struct text *out, const struct name_entry *entry)
{
    char room[ADDRESS_TEXT_SIZE];
    text_add_s(out, out->len > 1 ? ",{\"name\":" : "{\"name\":");
    text_add_json(out, bytes_of(entry->name));
    text_format(out, ",\"answered\":%lld,\"addresses\":[", (long long)entry->answered_s);
    text_add_json(out, address_text(&entry->first, room));
    for (size_t i = 0; i < entry->count; i++) {
        text_add_c(out, ',');
        text_add_json(out, address_text(&entry->at[i], room));
    }
    text_add_s(out, "]}");
}

bool name_keep_write(const struct settings *settings, const struct name_table *table, struct fail *why)
{
    struct arena arena;
    struct text text;
    arena_init(&arena);
    text_init_arena(&text, &arena);
    text_add_c(&text, '[');
    list_for(item, &table->list)
    {
        const struct name_entry *entry = container_of(item, struct name_entry, link);
        if (entry->count && text.len < FILE_MAX / 4)
            entry_write(&text, entry);
    }
    text_add_c(&text, ']');
    bool done = seal_state_write(settings, "names", PURPOSE, text_bytes(&text), why);
    arena_done(&arena);
    return done;
}

static size_t addresses_read(const json_t *list, struct address *to)
{
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(list) && i <= 2 * (size_t)NAME_ADDRESSES_MAX; i++) {
        struct bytes text;
        struct address address;
        if (!json_text(json_array_get(list, i), &text) || !address_parse(text, &address))
            continue;
        bool first_again = count && i && address_equal(&address, &to[0]);
        if (!first_again)
            to[count++] = address;
    }
    return count;
}

static void entry_take(struct name_table *table, const json_t *kept, int64_t now_s)
{
    struct address at[2 * NAME_ADDRESSES_MAX + 1];
    struct bytes name;
    const json_t *answered = json_object_get(kept, "answered");
    if (!json_member_text(kept, "name", &name) || !json_is_integer(answered) ||
        json_integer_value(answered) < now_s - AGE_MAX_S)
        return;
    size_t count = addresses_read(json_object_get(kept, "addresses"), at);
    name_table_kept(table, name, at, count, json_integer_value(answered));
}

bool name_keep_read(const struct settings *settings, struct name_table *table, int64_t now_s,
                    struct fail *why)
{
    struct arena arena;
    struct bytes plain;
    json_t *list = NULL;
    arena_init(&arena);
    bool read = seal_state_read(settings, "names", PURPOSE, FILE_MAX, &arena, &plain, why);
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
