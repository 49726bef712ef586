/*
 * name_table: the addresses of each name that an endpoint is given by, as the main
 * thread knows them.
 */
#ifndef CONTROL_NAME_TABLE_H
#define CONTROL_NAME_TABLE_H

#include "base/list.h"
#include "base/map.h"
#include "control/resolver.h"

struct name_entry {
    struct link link;
    char *name;
    struct address *at; /* heap; sorted, so that servers that turn their answers around change nothing */
    size_t count;
    struct address first; /* of the answer; while count > 0 */
    int64_t answered_s;   /* wall time of the last attempt that did not fail; 0: never */
    int64_t ttl_s;
    char problem[200]; /* of the last attempt, or empty */
    bool tried;        /* something was answered, or an attempt has ended */
    uint64_t lookups;  /* that ended well */
    uint64_t failures;
    bool wanted;
};

struct name_table {
    struct link list; /* in the order in which they were first wanted */
    struct map by_name;
};

void name_table_init(struct name_table *table);
void name_table_done(struct name_table *table);
struct name_entry *name_table_find(const struct name_table *table, struct bytes name);

/* What is wanted, anew: begin, each name once or more, end: those that were not named go. */
void name_table_want_begin(struct name_table *table);
void name_table_want(struct name_table *table, struct bytes name);
void name_table_want_end(struct name_table *table);

/* Whether the addresses are others than before. A failure takes none away. */
bool name_table_letter(struct name_table *table, const struct name_letter *letter);
/* What a control before us knew of a name about which nothing has been answered yet. */
void name_table_kept(struct name_table *table, struct bytes name, const struct address *at, size_t count,
                     int64_t answered_s);
/* Whether each was answered or attempted at least once. */
bool name_table_tried(const struct name_table *table);

#endif
