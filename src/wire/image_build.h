/*
 * image_build: puts an image together; see image.h.
 *
 * Rows of one table are added in runs: children first, then the parent that
 * refers to the run. Equal texts are stored once.
 */
#ifndef WIRE_IMAGE_BUILD_H
#define WIRE_IMAGE_BUILD_H

#include "base/map.h"
#include "wire/image.h"

struct image_build_table {
    char *rows;
    uint32_t count;
    uint32_t room;
};

struct image_build {
    const struct image_schema *schema;
    struct arena arena;
    struct map texts;
    char *pool;
    size_t pool_len;
    size_t pool_room;
    struct image_build_table tables[IMAGE_TABLES_MAX];
};

void image_build_init(struct image_build *build, const struct image_schema *schema);
void image_build_done(struct image_build *build);

struct image_text image_build_text(struct image_build *build, struct bytes text);
/* Copies `count` rows of the table's row size; answers where they lie. */
struct image_rows image_build_rows(struct image_build *build, uint32_t table, const void *rows,
                                   uint32_t count);

/* A row put before; it moves when more are put. */
const void *image_build_row(const struct image_build *build, uint32_t table, uint32_t at);
/* The same of a text. */
struct bytes image_build_text_at(const struct image_build *build, struct image_text text);

/*
 * The finished image on the heap (free() it), *size bytes. The hash is left zero:
 * the caller, who has a digest at hand, fills it in over the bytes behind the head.
 */
struct image_head *image_build_finish(struct image_build *build, uint64_t generation,
                                      const unsigned char revision[32], size_t *size);

#endif
