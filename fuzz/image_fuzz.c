/* Images of all three kinds: what image_open accepts is then read to the last row and text, and decided on.
 */
#include <stdlib.h>
#include <string.h>

#include "rules/decide/authz.h"
#include "rules/decide/mapping.h"
#include "rules/decide/route.h"
#include "rules/snapshot.h"

static unsigned sum; /* so that the reads are not left out */

static void text_read(const struct image *image, const char *cell)
{
    struct image_text place;
    memcpy(&place, cell, sizeof place);
    struct bytes text = image_text(image, place);
    for (size_t i = 0; i < text.len; i++)
        sum += (unsigned char)text.at[i];
}

static void rows_read(const struct image *image, uint32_t table, const char *cell)
{
    struct image_rows rows;
    memcpy(&rows, cell, sizeof rows);
    for (uint32_t i = 0; i < rows.count && i < 16; i++)
        sum += *(const unsigned char *)image_row(image, table, rows, i);
}

static void table_read(const struct image *image, uint32_t index)
{
    const struct image_table *table = &image->schema->tables[index];
    for (uint32_t row = 0; row < image->head->tables[index].count; row++) {
        const char *at = image_row(image, index, image_all(image, index), row);
        for (uint32_t i = 0; i < table->column_count; i++) {
            if (table->columns[i].type == IMAGE_TEXT)
                text_read(image, at + table->columns[i].offset);
            if (table->columns[i].type == IMAGE_ROWS)
                rows_read(image, table->columns[i].limit, at + table->columns[i].offset);
        }
    }
}

static void listeners_ask(const struct image *image, struct arena *arena)
{
    static struct http_fields none;
    struct http_request request = {
        .method = BYTES("GET"), .authority = BYTES("a.b:80"), .scheme = BYTES("http"), .fields = none};
    json_t *claims = json_pack("{s:s,s:s,s:[s,s]}", "iss", "i", "sub", "s", "g", "a", "b");
    struct facts facts = {.http = true,
                          .method = fact_known(BYTES("GET")),
                          .path = fact_known(BYTES("/a/b")),
                          .principal = fact_known(BYTES("td/ns/n/sa/s")),
                          .fields_state = FACT_KNOWN,
                          .fields = &none,
                          .claims_state = FACT_KNOWN,
                          .claims = claims};
    uint32_t left = 4;
    IMAGE_FOR(image, RULES_LISTENER, struct rules_listener, listener, image_all(image, RULES_LISTENER))
    {
        struct route_choice choice;
        if (!left--)
            break;
        struct decision decision = authz_decide(image, listener, &facts, arena);
        sum += decision.rule;
        if (route_choose(image, NULL, listener, &request, BYTES("/a/b?q"), arena, &choice)) {
            sum += (unsigned)route_rewrite(image, &choice, BYTES("/a/b?q"), arena).len;
            sum += route_destination(image, choice.route, sum) != NULL;
        }
    }
    struct mapping_result groups;
    mapping_apply(image, claims, arena, &groups);
    json_decref(claims);
}

/* Rows may refer to rows many times over: what is bounded in memory may still take long. */
static bool is_small(const struct image *image)
{
    uint64_t product = 1;
    for (uint32_t i = RULES_VHOST; i <= RULES_VALUE && product < 100000; i++)
        product *= 1 + image->head->tables[i].count;
    return product < 100000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct image_schema *schemas[] = {&rules_schema, &endpoints_schema, &keys_schema};
    void *copy = malloc(size ? size : 1); /* as aligned as mapped memory is */
    struct arena arena;
    struct fail why;
    memcpy(copy, data, size);
    arena_init(&arena);
    for (size_t i = 0; i < 3; i++) {
        struct image image;
        if (!image_open(copy, size, schemas[i], &image, &why))
            continue;
        for (uint32_t table = 0; table < schemas[i]->table_count; table++)
            table_read(&image, table);
        if (i == 0 && is_small(&image))
            listeners_ask(&image, &arena);
    }
    arena_done(&arena);
    free(copy);
    return 0;
}
