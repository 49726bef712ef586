#include "wire/yaml.h"

#include <yaml.h>

#include "base/map.h"
#include "wire/yaml_scalar.h"

struct anchor {
    struct bytes name;
    const struct yaml_node *node;
    struct anchor *next;
};

struct reading {
    const char *file;
    struct arena *arena;
    struct fail *why;
    yaml_parser_t parser;
    yaml_event_t event;
    size_t nodes;
    /* What is open: maps and lists, outermost first, each with the key that waits for its value. */
    struct yaml_node *open[YAML_DEPTH_MAX];
    struct yaml_node key[YAML_DEPTH_MAX];
    bool has_key[YAML_DEPTH_MAX];
    struct bytes anchor[YAML_DEPTH_MAX];
    size_t depth;
    struct anchor *anchors;
    struct yaml_node *root;
};

static bool refuse(struct reading *r, yaml_mark_t at, enum fail_kind kind, const char *sentence)
{
    return fail(r->why, kind, "%s:%zu:%zu: %s", r->file, at.line + 1, at.column + 1, sentence);
}

static bool refuse_syntax(struct reading *r)
{
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_MEMORY_ERROR)
        return fail(r->why, FAIL_SELF, "%s: out of memory", r->file);
    return refuse(r, p->problem_mark, FAIL_INPUT, p->problem ? p->problem : "not readable as YAML");
}

static struct yaml_node *node_new(struct reading *r, enum yaml_kind kind)
{
    if (r->nodes >= YAML_NODES_MAX) {
        fail(r->why, FAIL_LIMIT, "%s:%zu:%zu: more than %d values in one file", r->file,
             r->event.start_mark.line + 1, r->event.start_mark.column + 1, YAML_NODES_MAX);
        return NULL;
    }
    r->nodes++;
    struct yaml_node *node = arena_new(r->arena, struct yaml_node);
    node->kind = kind;
    node->line = (unsigned)r->event.start_mark.line + 1;
    node->column = (unsigned)r->event.start_mark.column + 1;
    return node;
}

static void adopt(struct yaml_node *parent, struct yaml_node *node)
{
    node->parent = parent;
    node->index = parent->count++;
    if (parent->last)
        parent->last->next = node;
    else
        parent->first = node;
    parent->last = node;
}

/* Hangs a value where it belongs: below the innermost map or list, or as the document itself. */
static void place(struct reading *r, struct yaml_node *node)
{
    if (r->depth == 0) {
        r->root = node;
        return;
    }
    size_t top = r->depth - 1;
    if (r->open[top]->kind == YAML_MAP) {
        node->key = r->key[top].text;
        node->key_line = r->key[top].line;
        node->key_column = r->key[top].column;
        r->has_key[top] = false;
    }
    adopt(r->open[top], node);
}

static bool wants_key(const struct reading *r)
{
    return r->depth > 0 && r->open[r->depth - 1]->kind == YAML_MAP && !r->has_key[r->depth - 1];
}

static struct bytes name_of(struct reading *r, const yaml_char_t *name)
{
    return name ? arena_bytes(r->arena, bytes_of((const char *)name)) : (struct bytes){0};
}

static void anchor_keep(struct reading *r, struct bytes name, const struct yaml_node *node)
{
    if (!name.at)
        return;
    struct anchor *anchor = arena_new(r->arena, struct anchor);
    *anchor = (struct anchor){name, node, r->anchors};
    r->anchors = anchor;
}

static const struct yaml_node *anchor_find(const struct reading *r, struct bytes name)
{
    for (const struct anchor *a = r->anchors; a; a = a->next) {
        if (bytes_equal(a->name, name))
            return a->node;
    }
    return NULL;
}

/* An alias becomes a copy, so that every node has one parent and one path. */
static struct yaml_node *copy(struct reading *r, const struct yaml_node *from, size_t depth)
{
    if (depth > YAML_DEPTH_MAX) {
        refuse(r, r->event.start_mark, FAIL_LIMIT, "nested too deeply");
        return NULL;
    }
    struct yaml_node *node = node_new(r, from->kind);
    if (!node)
        return NULL;
    *node = *from;
    node->parent = NULL;
    node->first = node->last = node->next = NULL;
    node->count = 0;
    for (const struct yaml_node *child = from->first; child; child = child->next) {
        struct yaml_node *twin = copy(r, child, depth + 1);
        if (!twin)
            return NULL;
        adopt(node, twin);
    }
    return node;
}

static bool take_alias(struct reading *r)
{
    if (wants_key(r))
        return refuse(r, r->event.start_mark, FAIL_INPUT, "an alias cannot be a key");
    const struct yaml_node *from = anchor_find(r, bytes_of((const char *)r->event.data.alias.anchor));
    if (!from)
        return refuse(r, r->event.start_mark, FAIL_INPUT, "the alias names no anchor that stands before it");
    struct yaml_node *node = copy(r, from, r->depth + 1);
    if (!node)
        return false;
    node->key = (struct bytes){0};
    node->key_line = node->key_column = 0;
    place(r, node);
    return true;
}

/* What a tag says it is; YAML_TEXT for none, since then the text decides. */
static enum yaml_kind tag_kind(const yaml_char_t *tag)
{
    static const struct {
        const char *name;
        enum yaml_kind kind;
    } rows[] = {{":int", YAML_INT},   {":float", YAML_FLOAT}, {":bool", YAML_BOOL},
                {":null", YAML_NULL}, {":map", YAML_MAP},     {":seq", YAML_LIST}};
    for (size_t i = 0; tag && i < sizeof(rows) / sizeof(rows[0]); i++)
        if (bytes_ends(bytes_of((const char *)tag), bytes_of(rows[i].name)))
            return rows[i].kind;
    return YAML_TEXT;
}

/* Plain text, and whatever says so by its tag, is typed by what it looks like. */
static bool type_set(struct reading *r, struct yaml_node *node)
{
    const yaml_event_t *e = &r->event;
    const yaml_char_t *tag = e->data.scalar.tag;
    enum yaml_kind wanted = tag_kind(tag);
    bool text = tag && bytes_ends(bytes_of((const char *)tag), BYTES(":str"));
    if (text || (e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE && wanted == YAML_TEXT))
        return true;
    yaml_scalar_type(node);
    if (wanted == YAML_FLOAT && node->kind == YAML_INT)
        node->kind = YAML_FLOAT;
    return wanted == YAML_TEXT || node->kind == wanted ||
           refuse(r, e->start_mark, FAIL_INPUT, "is not what its tag says");
}

/* Keys are text in JSON, and so in Kubernetes: what is no text becomes its plain form. */
static bool key_text(struct reading *r, struct yaml_node *key)
{
    if (!type_set(r, key))
        return false;
    if (key->kind == YAML_NULL)
        return refuse(r, r->event.start_mark, FAIL_INPUT, "a key cannot be null; write it in quotes");
    if (key->kind == YAML_FLOAT)
        return refuse(r, r->event.start_mark, FAIL_INPUT,
                      "a key cannot be a number with a fraction; write it in quotes");
    if (key->kind == YAML_BOOL)
        key->text = key->truth ? BYTES("true") : BYTES("false");
    if (key->kind == YAML_INT)
        key->text = arena_format(r->arena, "%lld", (long long)key->number);
    key->kind = YAML_TEXT;
    return true;
}

static bool take_key(struct reading *r)
{
    const yaml_event_t *e = &r->event;
    size_t top = r->depth - 1;
    struct bytes text = bytes_make(e->data.scalar.value, e->data.scalar.length);
    if (bytes_equal(text, BYTES("<<")) && e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return refuse(r, e->start_mark, FAIL_INPUT, "merge keys (<<) are not read; write the fields out");
    if (e->data.scalar.anchor)
        return refuse(r, e->start_mark, FAIL_INPUT, "a key cannot have an anchor");
    r->key[top] = (struct yaml_node){.kind = YAML_TEXT,
                                     .text = arena_bytes(r->arena, text),
                                     .line = (unsigned)e->start_mark.line + 1,
                                     .column = (unsigned)e->start_mark.column + 1};
    r->has_key[top] = true;
    return key_text(r, &r->key[top]);
}

static bool tag_is_known(const yaml_char_t *tag)
{
    static const char *const known[] = {"str", "int", "float", "bool", "null", "map", "seq"};
    struct bytes rest = bytes_of((const char *)tag);
    struct bytes prefix = BYTES("tag:yaml.org,2002:");
    if (!tag || bytes_equal(rest, BYTES("!")))
        return true;
    if (!bytes_starts(rest, prefix))
        return false;
    rest = bytes_part(rest, prefix.len, rest.len);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (bytes_equal(rest, bytes_of(known[i])))
            return true;
    }
    return false;
}

static bool take_scalar(struct reading *r)
{
    const yaml_event_t *e = &r->event;
    if (!tag_is_known(e->data.scalar.tag))
        return refuse(r, e->start_mark, FAIL_INPUT, "tags of one's own are not read");
    if (wants_key(r))
        return take_key(r);
    struct yaml_node *node = node_new(r, YAML_TEXT);
    if (!node)
        return false;
    node->text = arena_bytes(r->arena, bytes_make(e->data.scalar.value, e->data.scalar.length));
    node->block =
        e->data.scalar.style == YAML_LITERAL_SCALAR_STYLE || e->data.scalar.style == YAML_FOLDED_SCALAR_STYLE;
    if (!type_set(r, node))
        return false;
    anchor_keep(r, name_of(r, e->data.scalar.anchor), node);
    place(r, node);
    return true;
}

static bool take_start(struct reading *r, enum yaml_kind kind, const yaml_char_t *anchor,
                       const yaml_char_t *tag)
{
    if (wants_key(r))
        return refuse(r, r->event.start_mark, FAIL_INPUT, "a key must be plain text");
    if (!tag_is_known(tag))
        return refuse(r, r->event.start_mark, FAIL_INPUT, "tags of one's own are not read");
    if (r->depth >= YAML_DEPTH_MAX)
        return refuse(r, r->event.start_mark, FAIL_LIMIT, "nested too deeply");
    struct yaml_node *node = node_new(r, kind);
    if (!node)
        return false;
    place(r, node);
    r->anchor[r->depth] = name_of(r, anchor);
    r->has_key[r->depth] = false;
    r->open[r->depth++] = node;
    return true;
}

static const struct yaml_node *key_twice(const struct yaml_node *map)
{
    const struct yaml_node *twice = NULL;
    struct map seen;
    map_init(&seen);
    for (struct yaml_node *n = map->first; n && !twice; n = n->next) {
        if (map_put(&seen, n->key, n))
            twice = n;
    }
    map_done(&seen);
    return twice;
}

static bool take_end(struct reading *r)
{
    struct yaml_node *node = r->open[--r->depth];
    const struct yaml_node *twice = node->kind == YAML_MAP && node->count > 1 ? key_twice(node) : NULL;
    if (twice) {
        char shown[80];
        struct text text;
        text_init_fixed(&text, shown, sizeof(shown));
        text_add_shown(&text, twice->key, 60);
        return fail(r->why, FAIL_INPUT, "%s:%u:%u: the key '%s' stands here a second time", r->file,
                    twice->key_line, twice->key_column, shown);
    }
    anchor_keep(r, r->anchor[r->depth], node);
    return true;
}

static bool take(struct reading *r)
{
    const yaml_event_t *e = &r->event;
    switch (e->type) {
    case YAML_ALIAS_EVENT:
        return take_alias(r);
    case YAML_SCALAR_EVENT:
        return take_scalar(r);
    case YAML_SEQUENCE_START_EVENT:
        return take_start(r, YAML_LIST, e->data.sequence_start.anchor, e->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return take_start(r, YAML_MAP, e->data.mapping_start.anchor, e->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return take_end(r);
    case YAML_DOCUMENT_START_EVENT:
        r->anchors = NULL;
        r->root = NULL;
        return true;
    default:
        return true;
    }
}

struct documents {
    struct yaml_node **at;
    size_t count;
    size_t room;
};

static void documents_add(struct documents *documents, struct arena *arena, struct yaml_node *root)
{
    if (!root || root->kind == YAML_NULL)
        return;
    if (documents->count == documents->room) {
        size_t room = documents->room ? documents->room * 2 : 8;
        struct yaml_node **at = arena_array(arena, struct yaml_node *, room);
        for (size_t i = 0; i < documents->count; i++)
            at[i] = documents->at[i];
        documents->at = at;
        documents->room = room;
    }
    documents->at[documents->count++] = root;
}

static bool read_all(struct reading *r, struct documents *documents)
{
    for (bool more = true; more;) {
        if (!yaml_parser_parse(&r->parser, &r->event))
            return refuse_syntax(r);
        bool ok = take(r);
        if (ok && r->event.type == YAML_DOCUMENT_END_EVENT)
            documents_add(documents, r->arena, r->root);
        more = r->event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&r->event);
        if (!ok)
            return false;
    }
    return true;
}

bool yaml_read(const char *file, struct bytes in, struct arena *arena, struct yaml_stream *out,
               struct fail *why)
{
    if (in.len > YAML_BYTES_MAX)
        return fail(why, FAIL_LIMIT, "%s: longer than %zu bytes", file, YAML_BYTES_MAX);
    if (bytes_starts(in, BYTES("\xEF\xBB\xBF")))
        in = bytes_part(in, 3, in.len);
    if (!bytes_is_utf8(in))
        return fail(why, FAIL_INPUT, "%s: is not UTF-8", file);
    struct reading r = {.file = file, .arena = arena, .why = why};
    struct documents documents = {0};
    if (!yaml_parser_initialize(&r.parser))
        return fail(why, FAIL_SELF, "%s: out of memory", file);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(in.at ? in.at : ""), in.len);
    bool ok = read_all(&r, &documents);
    yaml_parser_delete(&r.parser);
    if (ok)
        *out = (struct yaml_stream){documents.at, documents.count};
    return ok;
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
    if (!map || map->kind != YAML_MAP)
        return NULL;
    for (const struct yaml_node *n = map->first; n; n = n->next) {
        if (bytes_equal(n->key, bytes_of(key)))
            return n;
    }
    return NULL;
}

const struct yaml_node *yaml_item(const struct yaml_node *list, size_t index)
{
    if (!list || (list->kind != YAML_LIST && list->kind != YAML_MAP))
        return NULL;
    const struct yaml_node *n = list->first;
    while (n && index-- > 0)
        n = n->next;
    return n;
}

bool yaml_is_scalar(const struct yaml_node *node)
{
    return node->kind != YAML_MAP && node->kind != YAML_LIST;
}

const char *yaml_kind_name(enum yaml_kind kind)
{
    static const char *const names[] = {"null", "a truth value", "a number", "a number",
                                        "text", "a map",         "a list"};
    return names[kind];
}

static bool is_word(struct bytes key)
{
    for (size_t i = 0; i < key.len; i++) {
        char c = key.at[i];
        if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '_' && c != '-')
            return false;
    }
    return key.len > 0 && key.len <= 64;
}

static void path_step(const struct yaml_node *node, struct text *out)
{
    if (node->parent->kind == YAML_LIST) {
        text_format(out, "[%zu]", node->index);
    } else if (is_word(node->key)) {
        if (out->len > 0)
            text_add_c(out, '.');
        text_add(out, node->key);
    } else {
        text_add_s(out, "[\"");
        text_add_shown(out, node->key, 64);
        text_add_s(out, "\"]");
    }
}

void yaml_path(const struct yaml_node *node, struct text *out)
{
    const struct yaml_node *way[YAML_DEPTH_MAX + 2];
    size_t count = 0;
    for (; node && node->parent && count < sizeof(way) / sizeof(way[0]); node = node->parent)
        way[count++] = node;
    while (count > 0)
        path_step(way[--count], out);
}
