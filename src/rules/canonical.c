#include "rules/canonical.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "rules/kind/secret.h"

static int by_key(const void *a, const void *b)
{
    const struct yaml_node *x = *(const struct yaml_node *const *)a;
    const struct yaml_node *y = *(const struct yaml_node *const *)b;
    return bytes_compare(x->key, y->key);
}

static void write_node(const struct yaml_node *node, struct arena *scratch, struct text *out);

/* kubectl keeps what was applied in an annotation: a copy, which for a Secret would give it away. */
static const char kubectl_copy[] = "kubectl.kubernetes.io/last-applied-configuration";

static void write_map(const struct yaml_node *map, struct arena *scratch, struct text *out)
{
    const struct yaml_node **sorted = arena_array(scratch, const struct yaml_node *, map->count);
    size_t count = 0;
    for (const struct yaml_node *n = map->first; n; n = n->next) {
        if (n->kind != YAML_NULL && !bytes_equal(n->key, bytes_of(kubectl_copy)))
            sorted[count++] = n;
    }
    if (count > 1)
        qsort(sorted, count, sizeof(const struct yaml_node *), by_key);
    text_add_c(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            text_add_c(out, ',');
        text_add_json(out, sorted[i]->key);
        text_add_c(out, ':');
        write_node(sorted[i], scratch, out);
    }
    text_add_c(out, '}');
}

static void write_list(const struct yaml_node *list, struct arena *scratch, struct text *out)
{
    text_add_c(out, '[');
    for (const struct yaml_node *n = list->first; n; n = n->next) {
        if (n != list->first)
            text_add_c(out, ',');
        write_node(n, scratch, out);
    }
    text_add_c(out, ']');
}

static void write_node(const struct yaml_node *node, struct arena *scratch, struct text *out)
{
    switch (node->kind) {
    case YAML_NULL:
        text_add_s(out, "null");
        break;
    case YAML_BOOL:
        text_add_s(out, node->truth ? "true" : "false");
        break;
    case YAML_INT:
        text_format(out, "%" PRId64, node->number);
        break;
    case YAML_FLOAT:
        if (isfinite(node->real))
            text_format(out, "%.17g", node->real);
        else
            text_add_json(out, node->text);
        break;
    case YAML_TEXT:
        text_add_json(out, node->text);
        break;
    case YAML_MAP:
        write_map(node, scratch, out);
        break;
    case YAML_LIST:
        write_list(node, scratch, out);
        break;
    }
}

static int by_bytes(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

/* Names of what the secret holds; what is in both parts once. */
static void write_secret(const struct secret *secret, struct arena *scratch, struct text *out)
{
    size_t count = 0;
    struct bytes *names = arena_array(scratch, struct bytes, secret->data.count + secret->string_data.count);
    for (size_t i = 0; i < secret->data.count; i++)
        names[count++] = secret->data.keys[i];
    for (size_t i = 0; i < secret->string_data.count; i++)
        names[count++] = secret->string_data.keys[i];
    if (count > 1)
        qsort(names, count, sizeof(*names), by_bytes);
    text_add_s(out, "{\"names\":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && bytes_equal(names[i], names[i - 1]))
            continue;
        if (i > 0)
            text_add_c(out, ',');
        text_add_json(out, names[i]);
    }
    text_add_s(out, "],\"type\":");
    text_add_json(out, secret->type);
    text_add_c(out, '}');
}

static void write_labels(const char *name, const struct resource *resource, struct arena *scratch,
                         struct text *out)
{
    const struct yaml_node *map = yaml_get(yaml_get(resource->node, "metadata"), name);
    if (!map || map->kind != YAML_MAP || map->count == 0)
        return;
    text_format(out, "\"%s\":", name);
    write_map(map, scratch, out);
    text_add_c(out, ',');
}

static void write_metadata(const struct resource *resource, struct arena *scratch, struct text *out)
{
    text_add_c(out, '{');
    write_labels("annotations", resource, scratch, out);
    write_labels("labels", resource, scratch, out);
    text_add_s(out, "\"name\":");
    text_add_json(out, resource->name);
    text_add_s(out, ",\"namespace\":");
    text_add_json(out, resource->namespace);
    text_add_c(out, '}');
}

static void write_resource(const struct resource *resource, struct arena *scratch, struct text *out)
{
    const struct yaml_node *spec = yaml_get(resource->node, "spec");
    text_add_s(out, "{\"apiVersion\":\"");
    if (resource->kind->group[0])
        text_format(out, "%s/", resource->kind->group);
    text_add(out, resource->version);
    text_format(out, "\",\"kind\":\"%s\",\"metadata\":", resource->kind->name);
    write_metadata(resource, scratch, out);
    text_add_s(out, ",\"spec\":");
    if (resource->kind->id == KIND_SECRET)
        write_secret(resource->spec, scratch, out);
    else if (spec && spec->kind == YAML_MAP)
        write_map(spec, scratch, out);
    else
        text_add_s(out, "{}");
    text_add_c(out, '}');
}

void canonical_write(const struct resource *resource, struct text *out)
{
    struct arena scratch;
    arena_init(&scratch);
    write_resource(resource, &scratch, out);
    arena_done(&scratch);
}

struct digest canonical_digest(const struct resource *resource, struct arena *scratch)
{
    struct text text;
    text_init_arena(&text, scratch);
    write_resource(resource, scratch, &text);
    return digest_of(text_bytes(&text));
}

struct digest canonical_revision(struct resource *const *resources, size_t count, struct arena *scratch)
{
    struct text text;
    text_init_arena(&text, scratch);
    for (size_t i = 0; i < count; i++) {
        const struct resource *r = resources[i];
        text_format(&text, "%s %.*s %.*s ", r->kind->name, BYTES_FMT(r->namespace), BYTES_FMT(r->name));
        text_add_hex(&text, bytes_make(r->digest.bytes, DIGEST_SIZE));
        text_add_c(&text, '\n');
    }
    return digest_of(text_bytes(&text));
}
