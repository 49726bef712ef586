#include "rules/resource.h"

#include <stdlib.h>
#include <string.h>

#include "rules/canonical.h"
#include "rules/document.h"

void resource_set_init(struct resource_set *set)
{
    memset(set, 0, sizeof(*set));
    arena_init(&set->arena);
    findings_init(&set->findings, &set->arena);
}

void resource_set_done(struct resource_set *set)
{
    arena_done(&set->arena);
    memset(set, 0, sizeof(*set));
}

static void keep(struct resource_set *set, struct resource *resource, struct report *report)
{
    if (set->count >= RESOURCES_MAX) {
        report_add(report, FINDING_ERROR, FINDING_TOO_MANY, resource->node, "more than %d resources",
                   RESOURCES_MAX);
        return;
    }
    if (set->count == set->room) {
        size_t room = set->room ? set->room * 2 : 64;
        struct resource **at = arena_array(&set->arena, struct resource *, room);
        if (set->count > 0)
            memcpy(at, set->at, set->count * sizeof(struct resource *));
        set->at = at;
        set->room = room;
    }
    set->at[set->count++] = resource;
}

static void keep_document(struct resource_set *set, const char *file, const struct yaml_node *node)
{
    if (set->document_count >= RESOURCES_MAX)
        return;
    if (set->document_count == set->document_room) {
        size_t room = set->document_room ? set->document_room * 2 : 64;
        struct set_document *at = arena_array(&set->arena, struct set_document, room);
        if (set->document_count > 0)
            memcpy(at, set->documents, set->document_count * sizeof(*at));
        set->documents = at;
        set->document_room = room;
    }
    set->documents[set->document_count++] = (struct set_document){file, node};
}

static void add_document(struct resource_set *set, const char *file, const struct yaml_node *node)
{
    struct report report = {.findings = &set->findings, .file = file};
    struct bytes kind = {0};
    const struct yaml_node *items = yaml_get(node, "items");
    if (yaml_get(node, "kind"))
        kind = yaml_get(node, "kind")->text;
    /* What `kubectl get -o yaml` prints. */
    if (bytes_equal(kind, BYTES("List")) && items && items->kind == YAML_LIST) {
        for (const struct yaml_node *n = items->first; n; n = n->next) {
            if (yaml_get(n, "kind"))
                keep_document(set, file, n);
            struct resource *resource = document_read(n, &report);
            if (resource)
                keep(set, resource, &report);
            report = (struct report){.findings = &set->findings, .file = file};
        }
        return;
    }
    if (kind.len)
        keep_document(set, file, node);
    struct resource *resource = document_read(node, &report);
    if (resource)
        keep(set, resource, &report);
}

void resource_set_add_file(struct resource_set *set, const char *name, struct bytes bytes)
{
    struct fail why;
    struct yaml_stream stream;
    const char *file = arena_text(&set->arena, bytes_of(name));
    findings_keep_source(&set->findings, file, bytes);
    if (!yaml_read(file, bytes, &set->arena, &stream, &why)) {
        struct report report = {.findings = &set->findings};
        document_unreadable(&report, file, why.text);
        return;
    }
    for (size_t i = 0; i < stream.count; i++)
        add_document(set, file, stream.documents[i]);
}

/* Each is copied, since what finishing notes about it is this set's alone. */
void resource_set_add_set(struct resource_set *set, const struct resource_set *shared)
{
    struct resource *copies = arena_array(&set->arena, struct resource, shared->count);
    for (size_t i = 0; i < shared->count; i++) {
        struct report report = {.findings = &set->findings, .file = shared->at[i]->file};
        copies[i] = *shared->at[i];
        keep(set, &copies[i], &report);
    }
    for (size_t i = 0; i < shared->document_count; i++)
        keep_document(set, shared->documents[i].file, shared->documents[i].node);
    findings_add_all(&set->findings, &shared->findings);
}

static int compare(const struct resource *a, const struct resource *b)
{
    if (a->kind->id != b->kind->id)
        return a->kind->id < b->kind->id ? -1 : 1;
    int by_namespace = bytes_compare(a->namespace, b->namespace);
    return by_namespace != 0 ? by_namespace : bytes_compare(a->name, b->name);
}

static int compare_places(const void *a, const void *b)
{
    const struct resource *x = *(struct resource *const *)a;
    const struct resource *y = *(struct resource *const *)b;
    int by_name = compare(x, y);
    if (by_name != 0)
        return by_name;
    int by_file = strcmp(x->file, y->file);
    if (by_file != 0)
        return by_file;
    return x->line < y->line ? -1 : x->line > y->line;
}

static void check_twice(struct resource_set *set)
{
    for (size_t i = 1; i < set->count; i++) {
        const struct resource *first = set->at[i - 1];
        const struct resource *again = set->at[i];
        if (compare(first, again) != 0)
            continue;
        struct report report = {.findings = &set->findings,
                                .file = again->file,
                                .kind = bytes_of(again->kind->name),
                                .namespace = again->namespace,
                                .name = again->name};
        report_add(&report, FINDING_ERROR, FINDING_TWICE, again->node, "%s %.*s/%.*s stands already at %s:%u",
                   again->kind->name, BYTES_FMT(again->namespace), BYTES_FMT(again->name), first->file,
                   first->line);
        set->at[i]->faulty = true;
    }
}

static void index_kinds(struct resource_set *set)
{
    size_t at = 0;
    for (size_t kind = 0; kind <= KIND_COUNT; kind++) {
        while (at < set->count && (size_t)set->at[at]->kind->id < kind)
            at++;
        set->first[kind] = at;
    }
}

void resource_set_digest(struct resource_set *set)
{
    struct arena scratch;
    arena_init(&scratch);
    for (size_t i = 0; i < set->count; i++) {
        struct resource *resource = set->at[i];
        if (resource->digested)
            continue;
        resource->digest = canonical_digest(resource, &scratch);
        resource->digested = true;
        arena_reset(&scratch);
    }
    arena_done(&scratch);
}

static void revise(struct resource_set *set)
{
    struct arena scratch;
    arena_init(&scratch);
    set->revision = canonical_revision(set->at, set->count, &scratch);
    arena_done(&scratch);
}

bool resource_set_finish(struct resource_set *set)
{
    if (set->count > 1)
        qsort(set->at, set->count, sizeof(struct resource *), compare_places);
    check_twice(set);
    index_kinds(set);
    resource_set_digest(set);
    revise(set);
    findings_sort(&set->findings);
    return set->findings.errors == 0;
}

void resource_set_keep_sound(struct resource_set *set)
{
    size_t left = 0;
    for (size_t i = 0; i < set->count; i++)
        if (!set->at[i]->faulty)
            set->at[left++] = set->at[i];
    set->count = left;
    index_kinds(set);
}

struct resource *resource_find(const struct resource_set *set, enum kind_id kind, struct bytes namespace,
                               struct bytes name)
{
    size_t low = set->first[kind];
    size_t high = set->first[kind + 1];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct resource *found = set->at[middle];
        int order = bytes_compare(found->namespace, namespace);
        if (order == 0)
            order = bytes_compare(found->name, name);
        if (order == 0)
            return found;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool text_map_get(const struct text_map *map, const char *key, struct bytes *out)
{
    *out = (struct bytes){0};
    for (size_t i = 0; i < map->count; i++) {
        if (bytes_equal(map->keys[i], bytes_of(key))) {
            *out = map->at[i];
            return true;
        }
    }
    return false;
}
