/*
 * tree: short ways through the tree of a resource, for analyzers.
 *
 * Analyzers look at what was written, of whatever kind and however wrong: what
 * is absent or of another shape is NULL or empty, never a mistake of theirs.
 */
#ifndef RULES_ANALYZE_TREE_H
#define RULES_ANALYZE_TREE_H

#include "wire/yaml.h"

static inline const struct yaml_node *tree_first(const struct yaml_node *list)
{
    return list ? list->first : NULL;
}

/* The children of a list or map; none when there is no list. */
#define TREE_EACH(child, list)                                                                               \
    for (const struct yaml_node *(child) = tree_first(list); child; (child) = (child)->next)

/* spec.tls.mode below `from`; the words between the points are keys. */
const struct yaml_node *tree_at(const struct yaml_node *from, const char *path);
/* The same as text: a scalar as written, else empty. */
struct bytes tree_text(const struct yaml_node *from, const char *path);
/* The same as a number; false when there is none. */
bool tree_number(const struct yaml_node *from, const char *path, int64_t *out);
bool tree_is(const struct yaml_node *from, const char *path, const char *text);
bool tree_true(const struct yaml_node *from, const char *path);
/* Is there something, and not null? */
bool tree_has(const struct yaml_node *from, const char *path);
bool list_holds(const struct yaml_node *list, struct bytes text);

/* Each pair of `want` stands in `have`; no pairs choose everything. */
bool labels_fit(const struct yaml_node *want, const struct yaml_node *have);
/* a=b,c=d by their keys. */
struct bytes labels_text(const struct yaml_node *labels, struct arena *arena);
struct bytes label_of(const struct yaml_node *labels, const char *name);
/* a, b, c */
struct bytes list_text(const struct yaml_node *list, struct arena *arena);

/* Kubernetes' selector of matchLabels and matchExpressions; NULL chooses everything. */
bool selector_fits(const struct yaml_node *selector, const struct yaml_node *labels);

/* The same value, whatever its order of keys and its way of quoting; `but` is a key left out at the top. */
bool tree_same(const struct yaml_node *a, const struct yaml_node *b, const char *but);

#endif
