#include "wire/image.h"

#include <string.h>

static bool table_check(const struct image *image, uint32_t index, struct fail *why)
{
    const struct image_table *table = &image->schema->tables[index];
    struct image_rows rows = image->head->tables[index];
    uint64_t end = (uint64_t)rows.at + (uint64_t)rows.count * table->row_size;
    if (rows.at % 8 || rows.at < sizeof *image->head || end > image->head->size)
        return fail(why, FAIL_INPUT, "image: table %u lies outside", index);
    if (rows.count < table->rows_min)
        return fail(why, FAIL_INPUT, "image: table %u has %u rows, at least %u are needed", index, rows.count,
                    table->rows_min);
    return true;
}

static bool pair_fits(const char *cell, uint64_t limit)
{
    uint32_t pair[2];
    memcpy(pair, cell, sizeof pair);
    return (uint64_t)pair[0] + pair[1] <= limit;
}

static bool cell_check(const struct image *image, const struct image_column *column, const char *cell)
{
    uint32_t choice;
    switch (column->type) {
    case IMAGE_TEXT:
        return pair_fits(cell, image->head->text_len);
    case IMAGE_ROWS:
        return pair_fits(cell, image->head->tables[column->limit].count);
    case IMAGE_CHOICE:
        memcpy(&choice, cell, sizeof choice);
        return choice < column->limit;
    case IMAGE_INDEX:
        memcpy(&choice, cell, sizeof choice);
        return choice < image->head->tables[column->limit].count;
    }
    return false;
}

static bool rows_check(const struct image *image, uint32_t index, struct fail *why)
{
    const struct image_table *table = &image->schema->tables[index];
    for (uint32_t row = 0; row < image->head->tables[index].count; row++) {
        const char *at = image_row(image, index, (struct image_rows){0, 0}, row);
        for (uint32_t i = 0; i < table->column_count; i++)
            if (!cell_check(image, &table->columns[i], at + table->columns[i].offset))
                return fail(why, FAIL_INPUT, "image: table %u row %u column %u points outside", index, row,
                            i);
    }
    return true;
}

bool image_open(const void *at, size_t size, const struct image_schema *schema, struct image *out,
                struct fail *why)
{
    const struct image_head *head = at;
    struct image image = {head, schema, at};
    if (size < sizeof *head || size > IMAGE_SIZE_MAX || memcmp(head->magic, "SLVIMAGE", 8) != 0)
        return fail(why, FAIL_INPUT, "image: this is none");
    if (head->format != IMAGE_FORMAT || head->kind != (uint32_t)schema->kind)
        return fail(why, FAIL_INPUT, "image: format %u kind %u where format %d kind %d is wanted",
                    head->format, head->kind, IMAGE_FORMAT, (int)schema->kind);
    if (head->size != size || head->table_count != schema->table_count)
        return fail(why, FAIL_INPUT, "image: it is cut off or of another shape");
    if (head->text_at < sizeof *head || (uint64_t)head->text_at + head->text_len > size)
        return fail(why, FAIL_INPUT, "image: the text lies outside");
    for (uint32_t i = 0; i < schema->table_count; i++)
        if (!table_check(&image, i, why))
            return false;
    for (uint32_t i = 0; i < schema->table_count; i++)
        if (!rows_check(&image, i, why))
            return false;
    *out = image;
    return true;
}

const void *image_find(const struct image *image, uint32_t table, uint64_t id)
{
    struct image_rows all = image_all(image, table);
    for (uint32_t low = 0, high = all.count; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        const void *row = image_row(image, table, all, middle);
        uint64_t here;
        memcpy(&here, row, sizeof here);
        if (here == id)
            return row;
        if (here < id)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
