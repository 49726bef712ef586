#include "wire/image_build.h"

#include <stdlib.h>
#include <string.h>

#include "base/heap.h"

void image_build_init(struct image_build *build, const struct image_schema *schema)
{
    *build = (struct image_build){.schema = schema};
    arena_init(&build->arena);
    map_init(&build->texts);
}

void image_build_done(struct image_build *build)
{
    for (uint32_t i = 0; i < IMAGE_TABLES_MAX; i++)
        free(build->tables[i].rows);
    heap_wipe(build->pool, build->pool ? build->pool_len : 0);
    free(build->pool);
    map_done(&build->texts);
    arena_done(&build->arena);
}

static struct image_text *text_place(struct image_build *build, struct bytes text)
{
    struct image_text *place = arena_new(&build->arena, struct image_text);
    *place = (struct image_text){(uint32_t)build->pool_len, (uint32_t)text.len};
    map_put(&build->texts, arena_bytes(&build->arena, text), place);
    return place;
}

struct image_text image_build_text(struct image_build *build, struct bytes text)
{
    if (!text.len)
        return (struct image_text){0, 0};
    const struct image_text *known = map_get(&build->texts, text);
    if (known)
        return *known;
    while (build->pool_len + text.len > build->pool_room) {
        build->pool_room = build->pool_room ? build->pool_room * 2 : 4096;
        build->pool = heap_grow(build->pool, build->pool_room, 1);
    }
    known = text_place(build, text);
    memcpy(build->pool + build->pool_len, text.at, text.len);
    build->pool_len += text.len;
    return *known;
}

struct image_rows image_build_rows(struct image_build *build, uint32_t table, const void *rows,
                                   uint32_t count)
{
    struct image_build_table *to = &build->tables[table];
    size_t row_size = build->schema->tables[table].row_size;
    if (!count)
        return (struct image_rows){0, 0};
    while (to->count + count > to->room) {
        to->room = to->room ? to->room * 2 : 16;
        to->rows = heap_grow(to->rows, to->room, row_size);
    }
    memcpy(to->rows + to->count * row_size, rows, count * row_size);
    to->count += count;
    return (struct image_rows){to->count - count, count};
}

const void *image_build_row(const struct image_build *build, uint32_t table, uint32_t at)
{
    return build->tables[table].rows + (size_t)at * build->schema->tables[table].row_size;
}

struct bytes image_build_text_at(const struct image_build *build, struct image_text text)
{
    return text.len ? bytes_make(build->pool + text.at, text.len) : (struct bytes){0};
}

static size_t round_up(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

struct image_head *image_build_finish(struct image_build *build, uint64_t generation,
                                      const unsigned char revision[32], size_t *size)
{
    const struct image_schema *schema = build->schema;
    size_t total = sizeof(struct image_head);
    for (uint32_t i = 0; i < schema->table_count; i++)
        total += round_up((size_t)build->tables[i].count * schema->tables[i].row_size);
    size_t text_at = total;
    total = round_up(total + build->pool_len);

    struct image_head *head = heap_alloc(total);
    memcpy(head->magic, "SLVIMAGE", 8);
    head->format = IMAGE_FORMAT;
    head->kind = (uint32_t)schema->kind;
    head->size = total;
    head->generation = generation;
    memcpy(head->revision, revision, sizeof head->revision);
    head->text_at = (uint32_t)text_at;
    head->text_len = (uint32_t)build->pool_len;
    head->table_count = schema->table_count;
    size_t at = sizeof *head;
    for (uint32_t i = 0; i < schema->table_count; i++) {
        size_t len = (size_t)build->tables[i].count * schema->tables[i].row_size;
        head->tables[i] = (struct image_rows){(uint32_t)at, build->tables[i].count};
        if (len)
            memcpy((char *)head + at, build->tables[i].rows, len);
        at += round_up(len);
    }
    if (build->pool_len)
        memcpy((char *)head + text_at, build->pool, build->pool_len);
    *size = total;
    return head;
}
