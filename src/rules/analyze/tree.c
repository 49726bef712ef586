#include "rules/analyze/tree.h"

#include <stdlib.h>
#include <string.h>

const struct yaml_node *tree_at(const struct yaml_node *from, const char *path)
{
    struct bytes rest = bytes_of(path), word;
    for (bool more = true; more && from;) {
        more = bytes_cut(&rest, '.', &word);
        const struct yaml_node *found = NULL;
        if (from->kind == YAML_MAP)
            TREE_EACH(child, from)
                if (bytes_equal(child->key, word))
                    found = child;
        from = found;
    }
    return from;
}

struct bytes tree_text(const struct yaml_node *from, const char *path)
{
    const struct yaml_node *node = tree_at(from, path);
    return node && yaml_is_scalar(node) && node->kind != YAML_NULL ? node->text : (struct bytes){0};
}

bool tree_number(const struct yaml_node *from, const char *path, int64_t *out)
{
    const struct yaml_node *node = tree_at(from, path);
    if (!node || node->kind != YAML_INT)
        return false;
    *out = node->number;
    return true;
}

bool tree_is(const struct yaml_node *from, const char *path, const char *text)
{
    return bytes_equal(tree_text(from, path), bytes_of(text));
}

bool tree_true(const struct yaml_node *from, const char *path)
{
    const struct yaml_node *node = tree_at(from, path);
    return node && node->kind == YAML_BOOL && node->truth;
}

bool tree_has(const struct yaml_node *from, const char *path)
{
    const struct yaml_node *node = tree_at(from, path);
    return node && node->kind != YAML_NULL;
}

bool list_holds(const struct yaml_node *list, struct bytes text)
{
    TREE_EACH(item, list)
        if (bytes_equal(item->text, text))
            return true;
    return false;
}

/* ---- labels ----------------------------------------------------------- */

bool labels_fit(const struct yaml_node *want, const struct yaml_node *have)
{
    TREE_EACH(pair, want) {
        bool found = false;
        TREE_EACH(label, have)
            found = found || (bytes_equal(label->key, pair->key) && bytes_equal(label->text, pair->text));
        if (!found)
            return false;
    }
    return true;
}

static int compare_keys(const void *a, const void *b)
{
    const struct yaml_node *x = *(const struct yaml_node *const *)a;
    const struct yaml_node *y = *(const struct yaml_node *const *)b;
    return bytes_compare(x->key, y->key);
}

static const struct yaml_node **sorted(const struct yaml_node *map, struct arena *arena)
{
    const struct yaml_node **all = arena_array(arena, const struct yaml_node *, map->count + 1);
    size_t count = 0;
    TREE_EACH(child, map)
        all[count++] = child;
    qsort(all, count, sizeof(*all), compare_keys);
    return all;
}

struct bytes labels_text(const struct yaml_node *labels, struct arena *arena)
{
    struct text text;
    if (!labels || labels->kind != YAML_MAP)
        return (struct bytes){0};
    const struct yaml_node **all = sorted(labels, arena);
    text_init_arena(&text, arena);
    for (size_t i = 0; all[i]; i++)
        text_format(&text, "%s%.*s=%.*s", i ? "," : "", BYTES_FMT(all[i]->key), BYTES_FMT(all[i]->text));
    return text_bytes(&text);
}

struct bytes label_of(const struct yaml_node *labels, const char *name)
{
    const struct yaml_node *label = yaml_get(labels, name);
    return label ? label->text : (struct bytes){0};
}

struct bytes list_text(const struct yaml_node *list, struct arena *arena)
{
    struct text text;
    text_init_arena(&text, arena);
    TREE_EACH(item, list) {
        text_add_s(&text, item->index ? ", " : "");
        text_add(&text, item->text);
    }
    return text_bytes(&text);
}

/* One of matchExpressions; an operator that is unknown chooses nothing. */
static bool expression_fits(const struct yaml_node *expression, const struct yaml_node *labels)
{
    struct bytes key = tree_text(expression, "key");
    const struct yaml_node *values = tree_at(expression, "values"), *label = NULL;
    TREE_EACH(each, labels)
        if (bytes_equal(each->key, key))
            label = each;
    if (tree_is(expression, "operator", "Exists"))
        return label;
    if (tree_is(expression, "operator", "DoesNotExist"))
        return !label;
    if (tree_is(expression, "operator", "In"))
        return label && list_holds(values, label->text);
    return tree_is(expression, "operator", "NotIn") && (!label || !list_holds(values, label->text));
}

bool selector_fits(const struct yaml_node *selector, const struct yaml_node *labels)
{
    if (!labels_fit(tree_at(selector, "matchLabels"), labels))
        return false;
    TREE_EACH(expression, tree_at(selector, "matchExpressions"))
        if (!expression_fits(expression, labels))
            return false;
    return true;
}

/* ---- comparing -------------------------------------------------------- */

static size_t count_but(const struct yaml_node *map, const char *but)
{
    return map->count - (but && yaml_get(map, but) ? 1 : 0);
}

static bool maps_same(const struct yaml_node *a, const struct yaml_node *b, const char *but)
{
    if (count_but(a, but) != count_but(b, but))
        return false;
    TREE_EACH(x, a) {
        const struct yaml_node *same = NULL;
        if (but && bytes_equal(x->key, bytes_of(but)))
            continue;
        TREE_EACH(y, b)
            if (bytes_equal(x->key, y->key) && tree_same(x, y, NULL))
                same = y;
        if (!same)
            return false;
    }
    return true;
}

bool tree_same(const struct yaml_node *a, const struct yaml_node *b, const char *but)
{
    if (!a || !b)
        return a == b;
    if (yaml_is_scalar(a) && yaml_is_scalar(b))
        return a->kind == b->kind && bytes_equal(a->text, b->text);
    if (a->kind != b->kind)
        return false;
    if (a->kind == YAML_MAP)
        return maps_same(a, b, but);
    if (a->count != b->count)
        return false;
    for (const struct yaml_node *x = a->first, *y = b->first; x && y; x = x->next, y = y->next)
        if (!tree_same(x, y, NULL))
            return false;
    return true;
}
