/*
 * image: compiled tables in one flat piece of read-only memory.
 *
 * Control builds an image, the workers map it. It is relational: rows of fixed
 * shape in tables; a row refers to others by (first row, count) and to text by
 * (offset, length), never by pointer, so that checking an image is one linear
 * walk along a schema and a checked image can be read without further care.
 * What refers to nothing is {0, 0}.
 */
#ifndef WIRE_IMAGE_H
#define WIRE_IMAGE_H

#include "base/arena.h"
#include "base/fail.h"

#define IMAGE_FORMAT 2
#define IMAGE_TABLES_MAX 64
#define IMAGE_SIZE_MAX (256u * 1024 * 1024)

enum image_kind { IMAGE_RULES = 1, IMAGE_ENDPOINTS, IMAGE_KEYS };

struct image_text {
    uint32_t at; /* in the text pool */
    uint32_t len;
};

struct image_rows {
    uint32_t at; /* first row of the table that the schema names */
    uint32_t count;
};

enum image_column_type {
    IMAGE_TEXT,   /* struct image_text */
    IMAGE_ROWS,   /* struct image_rows; `limit` is the table */
    IMAGE_CHOICE, /* uint32_t below `limit` */
    IMAGE_INDEX,  /* uint32_t: a row of the table `limit` */
};

/* Only columns that must be checked are listed; plain numbers need no check. */
struct image_column {
    uint16_t offset;
    uint16_t type;
    uint32_t limit;
};

struct image_table {
    uint32_t row_size; /* a multiple of 8 */
    uint32_t column_count;
    const struct image_column *columns;
    uint32_t rows_min; /* e.g. 1 for a root */
};

struct image_schema {
    enum image_kind kind;
    uint32_t table_count;
    const struct image_table *tables;
};

struct image_head {
    char magic[8]; /* "SLVIMAGE" */
    uint32_t format;
    uint32_t kind;
    uint64_t size;              /* of the whole image */
    uint64_t generation;        /* counts up in one control process's life */
    unsigned char revision[32]; /* SHA-256 of the canonical resources */
    unsigned char hash[32];     /* SHA-256 of everything behind the head */
    uint32_t text_at;
    uint32_t text_len;
    uint32_t table_count;
    uint32_t spare;
    struct image_rows tables[IMAGE_TABLES_MAX]; /* here `at` is a byte offset, a multiple of 8 */
};

/* An image that was checked. */
struct image {
    const struct image_head *head;
    const struct image_schema *schema;
    const char *base;
};

/* Checks every bound; the memory must stay mapped and unchanged as long as *out is used. */
bool image_open(const void *at, size_t size, const struct image_schema *schema, struct image *out,
                struct fail *why);

static inline struct bytes image_text(const struct image *image, struct image_text text)
{
    return (struct bytes){image->base + image->head->text_at + text.at, text.len};
}

/* The row `i` behind rows.at; the caller keeps i < rows.count. */
static inline const void *image_row(const struct image *image, uint32_t table, struct image_rows rows,
                                    uint32_t i)
{
    return image->base + image->head->tables[table].at +
           (size_t)(rows.at + i) * image->schema->tables[table].row_size;
}

static inline struct image_rows image_all(const struct image *image, uint32_t table)
{
    return (struct image_rows){0, image->head->tables[table].count};
}

/* Of a table whose rows begin with a uint64_t and are sorted by it: the row with that one, or NULL. */
const void *image_find(const struct image *image, uint32_t table, uint64_t id);

/* Loops over rows: IMAGE_FOR(image, RULES_ROUTE, struct rules_route, route, vhost->routes) { ... } */
#define IMAGE_FOR(image, table, type, name, rows)                                                            \
    for (uint32_t name##_i = 0, name##_go = 1; name##_i < (rows).count && name##_go; name##_i++)             \
        for (const type *name = image_row(image, table, rows, name##_i); name; name = NULL)

#endif
