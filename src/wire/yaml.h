/*
 * yaml: documents of YAML (and so of JSON) as trees, on libyaml.
 *
 * Scalars are typed as kubectl types them (YAML 1.1: yes, no, on, off, y, n are
 * truths; 0x and 0 begin other bases; what is quoted is text), keys too, which
 * then become text again: on: is the key true. Every node knows
 * its place in the file and its parent, so that whoever finds a mistake later
 * can name both. Duplicate keys, merge keys, tags of the writer's own and
 * aliases that would blow up are refused. The tree lies in the caller's arena;
 * nothing of the input is borrowed.
 */
#ifndef WIRE_YAML_H
#define WIRE_YAML_H

#include "base/arena.h"
#include "base/fail.h"
#include "base/text.h"

#define YAML_BYTES_MAX ((size_t)4 << 20)
#define YAML_NODES_MAX 100000 /* in all documents of a stream, aliases expanded */
#define YAML_DEPTH_MAX 64

enum yaml_kind { YAML_NULL, YAML_BOOL, YAML_INT, YAML_FLOAT, YAML_TEXT, YAML_MAP, YAML_LIST };

struct yaml_node {
    enum yaml_kind kind;
    unsigned line; /* of the value, from 1; an alias' copy has the anchor's place */
    unsigned column;
    unsigned key_line; /* of the key in a map, else 0 */
    unsigned key_column;
    struct bytes text; /* a scalar as written, quotes and escapes undone */
    bool truth;        /* YAML_BOOL */
    bool block;        /* text that begins on the line below: | or > */
    int64_t number;    /* YAML_INT; what does not fit is YAML_FLOAT */
    double real;       /* YAML_INT and YAML_FLOAT */
    struct bytes key;  /* inside a map */
    size_t index;      /* inside a list or map */
    const struct yaml_node *parent;
    struct yaml_node *first; /* children of a map or list */
    struct yaml_node *last;
    struct yaml_node *next;
    size_t count;
};

struct yaml_stream {
    struct yaml_node **documents; /* those that are not empty */
    size_t count;
};

/* `file` is named in front of errors: FILE:LINE:COLUMN: sentence. */
bool yaml_read(const char *file, struct bytes in, struct arena *arena, struct yaml_stream *out,
               struct fail *why);

/* The value of a key, or NULL; NULL and nodes that are no map have no keys. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);
const struct yaml_node *yaml_item(const struct yaml_node *list, size_t index);
bool yaml_is_scalar(const struct yaml_node *node);
const char *yaml_kind_name(enum yaml_kind kind); /* "a map", "a list", "text" ... */
/* spec.servers[0].tls.mode; keys that are no plain words stand as ["a.b/c"]. */
void yaml_path(const struct yaml_node *node, struct text *out);

#endif
