/*
 * field: tables that say which fields a resource has, and the one reader that
 * walks table and tree together.
 *
 * What a field becomes in its struct:
 *   TEXT      struct bytes          (at == NULL when absent)
 *   BOOL      bool
 *   INT       int64_t
 *   NUMBER    double
 *   DURATION  int64_t, whole milliseconds
 *   CHOICE    int, the place in `choices` (which is the protobuf number too)
 *   MATCH     struct string_match
 *   GROUP     struct x *, NULL when absent; every such struct begins with struct group
 *   ANY       const struct yaml_node *
 *   with FIELD_LIST  FIELD_LIST_OF(T): elements side by side (groups by value)
 *   with FIELD_MAP   FIELD_MAP_OF(T): the same and the keys beside them
 * Everything lies in the arena of the reader.
 */
#ifndef RULES_FIELD_H
#define RULES_FIELD_H

#include "rules/finding.h"
#include "rules/form.h"

struct group {
    const struct yaml_node *node; /* where it stands; NULL when made from defaults */
    uint64_t set;                 /* a bit for each field of the table that was written */
};

#define FIELD_LIST_OF(type)                                                                                  \
    struct {                                                                                                 \
        type *at;                                                                                            \
        size_t count;                                                                                        \
    }
#define FIELD_MAP_OF(type)                                                                                   \
    struct {                                                                                                 \
        type *at;                                                                                            \
        size_t count;                                                                                        \
        struct bytes *keys;                                                                                  \
    }

struct text_list {
    struct bytes *at;
    size_t count;
};

struct text_map {
    struct bytes *at;
    size_t count;
    struct bytes *keys; /* in the order written */
};

/* Istio's StringMatch. {} is MATCH_ANY: the thing must merely be there. */
enum match_how { MATCH_NONE, MATCH_EXACT, MATCH_PREFIX, MATCH_REGEX, MATCH_ANY };

struct string_match {
    enum match_how how; /* MATCH_NONE: the field was not written */
    struct bytes value;
};

struct match_map {
    struct string_match *at;
    size_t count;
    struct bytes *keys;
};

enum field_type {
    FIELD_TEXT,
    FIELD_BOOL,
    FIELD_INT,
    FIELD_NUMBER,
    FIELD_DURATION,
    FIELD_CHOICE,
    FIELD_MATCH,
    FIELD_GROUP,
    FIELD_ANY,
};

enum field_flag {
    FIELD_LIST = 1,
    FIELD_MAP = 2,
    FIELD_REQUIRED = 4,
    FIELD_NOT_YET = 8, /* Istio knows it, we do not act on it: a warning, in security kinds an error */
    FIELD_DEPRECATED = 16,
    FIELD_FILLED = 32,  /* text, list or map: what is written must not be empty */
    FIELD_NOCASE = 64,  /* choices in any letter case */
    FIELD_SECRET = 128, /* messages never show what was written */
    FIELD_GUARD = 256,  /* with NOT_YET: leaving it out would weaken security, an error in every kind */
    FIELD_NULLS = 512, /* Istio's validation takes a null among the elements; here it is refused as SEL0007 */
};

struct field_table;

struct field {
    const char *name;
    enum field_type type;
    unsigned flags;
    size_t offset;                   /* 0: checked, not kept (what is NOT_YET is kept for checks alone) */
    const struct field_table *group; /* GROUP */
    /* CHOICE: ends with NULL; an empty name stands for "not given". TEXT, INT: what it has to be one of. */
    const char *const *choices;
    unsigned choices_not_yet;      /* a bit for each choice that we do not act on */
    int64_t min;                   /* INT, NUMBER, DURATION in ms: bounds when max > 0 */
    int64_t max;                   /* TEXT: most bytes; lists and maps of other types: of each element */
    unsigned count_max;            /* most elements of a list or map; 0: FIELD_COUNT_MAX */
    unsigned oneof;                /* of the fields with the same number above 0 at most one may be written */
    const struct field_form *form; /* TEXT, and DURATION as written: how each has to look */
    const char *unique; /* lists: members of which no two elements may agree in all; "." is the element */
    const char *preset; /* what holds when it is absent, as one would write it */
    const char *help;   /* a sentence */
};

#define FIELD_COUNT_MAX 4096

struct field_table {
    const struct field *fields;
    size_t count; /* at most 64 */
    size_t size;  /* of the struct */
    /* Between the fields of one group, each of which is good; NULL: nothing to check. */
    void (*check)(const struct group *group, struct report *report);
};

/* A table named NAME_table over `static const struct field NAME_fields[]`. */
#define FIELD_TABLE(name, type)                                                                              \
    const struct field_table name##_table = {                                                                \
        name##_fields, sizeof(name##_fields) / sizeof(name##_fields[0]), sizeof(type), NULL}
#define FIELD_TABLE_CHECKED(name, type, check)                                                               \
    const struct field_table name##_table = {                                                                \
        name##_fields, sizeof(name##_fields) / sizeof(name##_fields[0]), sizeof(type), check}

/*
 * Reads `node` (a map; NULL or null is an empty one) after `table` into a new
 * struct in the findings' arena. Always answers a struct; whether it may be used
 * is in report->findings->errors.
 */
void *field_read(const struct field_table *table, const struct yaml_node *node, struct report *report);

const struct field *field_find(const struct field_table *table, struct bytes name);
/* Was it written? By its name in the file. */
bool group_has(const struct group *group, const char *name);
/* The node of a field for messages: the group's own when it was not written. */
const struct yaml_node *group_node(const struct group *group, const char *name);

#endif
