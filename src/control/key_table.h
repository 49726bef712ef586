/*
 * key_table: the newest key set of each provider, as the main thread knows it,
 * and which workers wait for news of one.
 */
#ifndef CONTROL_KEY_TABLE_H
#define CONTROL_KEY_TABLE_H

#include "base/list.h"
#include "control/providers.h"

/* A set that could not be read for so long is not believed any more: its keys may have been withdrawn. */
#define KEY_SET_LIFE_S ((int64_t)7 * 24 * 60 * 60)

struct key_entry {
    struct link link;
    uint64_t id;
    char *issuer;
    struct bytes text; /* heap; empty: never read */
    int64_t fetched_s;
    char problem[200]; /* of the last attempt, or empty */
    bool tried;
    bool changed;     /* by the letter that came last */
    uint64_t fetches; /* good ones */
    uint64_t failures;
    uint64_t waiting; /* a bit for each worker */
    bool wanted;
};

struct key_table {
    struct link list;
};

void key_table_init(struct key_table *table);
void key_table_done(struct key_table *table);
struct key_entry *key_table_find(const struct key_table *table, uint64_t id);
/* Those that are not among the wanted go. */
void key_table_want(struct key_table *table, const struct provider_wanted *wanted, size_t count);
/* NULL when the set is no longer wanted. */
struct key_entry *key_table_letter(struct key_table *table, const struct key_set_letter *letter);
/* Whether each was attempted at least once. */
bool key_table_tried(const struct key_table *table);
/* Whether each was attempted or is known from before. */
bool key_table_settled(const struct key_table *table);

#endif
