#include "rules/compile/work.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "rules/kind/secret.h"

struct rows rows_of(uint32_t size)
{
    return (struct rows){.size = size};
}

void rows_add(struct work *work, struct rows *rows, const void *row)
{
    if (rows->count == rows->room) {
        uint32_t room = rows->room ? rows->room * 2 : 8;
        char *at = arena_alloc_array(work->arena, room, rows->size);
        if (rows->count)
            memcpy(at, rows->at, (size_t)rows->count * rows->size);
        rows->at = at;
        rows->room = room;
    }
    memcpy(rows->at + (size_t)rows->count * rows->size, row, rows->size);
    rows->count++;
}

struct image_rows rows_put(struct work *work, uint32_t table, const struct rows *rows)
{
    return image_build_rows(&work->rules, table, rows->at, rows->count);
}

struct image_text work_text(struct work *work, struct bytes text)
{
    return image_build_text(&work->rules, text);
}

struct image_rows work_names(struct work *work, const struct bytes *texts, size_t count)
{
    struct rows rows = rows_of(sizeof(struct rules_name));
    for (size_t i = 0; i < count; i++)
        rows_add(work, &rows, &(struct rules_name){work_text(work, texts[i])});
    return rows_put(work, RULES_NAME, &rows);
}

struct image_rows work_list(struct work *work, const struct text_list *list)
{
    return work_names(work, list->at, list->count);
}

struct image_rows work_name(struct work *work, struct bytes text)
{
    return work_names(work, &text, 1);
}

struct bytes lower(struct work *work, struct bytes text)
{
    char *at = arena_raw(work->arena, text.len ? text.len : 1);
    for (size_t i = 0; i < text.len; i++)
        at[i] = ascii_lower(text.at[i]);
    return bytes_make(at, text.len);
}

void work_warn(struct work *work, const struct resource *resource, const struct yaml_node *node,
               const char *code, const char *format, ...)
{
    struct text sentence;
    va_list args;
    text_init_arena(&sentence, work->arena);
    va_start(args, format);
    text_vformat(&sentence, format, args);
    va_end(args);
    struct bytes key = arena_format(work->arena, "%p %s", (const void *)resource, sentence.at);
    if (map_put(&work->said, key, work))
        return;
    struct report report = {.findings = &work->set->findings,
                            .file = resource->file,
                            .kind = bytes_of(resource->kind->name),
                            .namespace = resource->namespace,
                            .name = resource->name};
    report_add(&report, FINDING_WARNING, code, node ? node : resource->node, "%s", sentence.at);
}

/* ---- labels ----------------------------------------------------------- */

bool labels_choose(const struct text_map *want, const struct text_map *have)
{
    for (size_t i = 0; i < want->count; i++) {
        bool found = false;
        for (size_t j = 0; j < have->count && !found; j++)
            found = bytes_equal(want->keys[i], have->keys[j]) && bytes_equal(want->at[i], have->at[j]);
        if (!found)
            return false;
    }
    return true;
}

struct bytes node_label(const struct work *work, const char *name)
{
    const struct compile_node *node = work->node;
    for (size_t i = 0; i < node->label_count; i++)
        if (bytes_equal(node->labels[2 * i], bytes_of(name)))
            return node->labels[2 * i + 1];
    return (struct bytes){0};
}

bool node_chosen(const struct work *work, const struct text_map *want)
{
    const struct compile_node *node = work->node;
    for (size_t i = 0; i < want->count; i++) {
        bool found = false;
        for (size_t j = 0; j < node->label_count && !found; j++)
            found = bytes_equal(want->keys[i], node->labels[2 * j]) &&
                    bytes_equal(want->at[i], node->labels[2 * j + 1]);
        if (!found)
            return false;
    }
    return true;
}

bool namespace_sees(struct bytes here, struct bytes own, const struct text_list *export_to)
{
    for (size_t i = 0; i < export_to->count; i++) {
        struct bytes to = bytes_equal(export_to->at[i], BYTES(".")) ? own : export_to->at[i];
        if (bytes_equal(to, BYTES("*")) || bytes_equal(to, here))
            return true;
    }
    return export_to->count == 0;
}

bool node_sees(const struct work *work, struct bytes own, const struct text_list *export_to)
{
    return namespace_sees(work->node->name_space, own, export_to);
}

bool node_attached(const struct work *work, const struct resource *resource, const struct selector *selector)
{
    const struct compile_node *node = work->node;
    if (!bytes_equal(resource->namespace, node->name_space) &&
        !bytes_equal(resource->namespace, node->root_namespace))
        return false;
    return !selector || node_chosen(work, &selector->match_labels);
}

static bool is_target(const struct work *work, const struct resource *resource, const struct target_ref *ref)
{
    struct bytes name = node_label(work, "gateway.networking.k8s.io/gateway-name");
    return target_ref_is_gateway(ref) && name.len && bytes_equal(ref->name, name) &&
           bytes_equal(resource->namespace, work->node->name_space);
}

bool node_targeted(const struct work *work, const struct resource *resource, const struct selector *selector,
                   const struct target_ref *ref, const struct target_ref_list *refs)
{
    bool found = ref && is_target(work, resource, ref);
    if (!ref && !refs->count)
        return node_attached(work, resource, selector);
    for (size_t i = 0; i < refs->count; i++)
        found = found || is_target(work, resource, &refs->at[i]);
    return found;
}

/* ---- resources -------------------------------------------------------- */

static int age_compare(const void *a, const void *b)
{
    const struct resource *x = *(struct resource *const *)a, *y = *(struct resource *const *)b;
    if (x->created_s != y->created_s)
        return x->created_s < y->created_s ? -1 : 1;
    int by_name = bytes_compare(x->name, y->name);
    return by_name ? by_name : bytes_compare(x->namespace, y->namespace);
}

struct resource **work_kind(struct work *work, enum kind_id kind, size_t *count)
{
    size_t first = work->set->first[kind];
    *count = work->set->first[kind + 1] - first;
    struct resource **sorted = arena_array(work->arena, struct resource *, *count + 1);
    if (*count) {
        memcpy(sorted, work->set->at + first, *count * sizeof(struct resource *));
        qsort(sorted, *count, sizeof(struct resource *), age_compare);
    }
    return sorted;
}

uint64_t work_credential(struct work *work, struct bytes name_space, struct bytes name,
                         const struct resource *asks, const struct yaml_node *node, bool needs_ca)
{
    struct bytes key = arena_format(work->arena, "secret:%.*s/%.*s", BYTES_FMT(name_space), BYTES_FMT(name));
    struct resource *resource = resource_find(work->set, KIND_SECRET, name_space, name);
    const struct secret *secret = resource ? resource->spec : NULL;
    struct compile_credential credential = {
        .id = hash_stable(key), .name_space = name_space, .name = name, .secret = resource};
    if (!secret)
        work_warn(work, asks, node, FINDING_REFERENCE,
                  "there is no Secret '%.*s' in namespace '%.*s'; handshakes that need it are refused",
                  BYTES_FMT(name), BYTES_FMT(name_space));
    else if (needs_ca && !secret->ca.len)
        work_warn(work, asks, node, FINDING_REFERENCE,
                  "Secret '%.*s' has no ca.crt to judge certificates by; handshakes that need it are refused",
                  BYTES_FMT(name));
    if (!map_put(&work->credential_ids, key, work))
        rows_add(work, &work->credentials, &credential);
    return credential.id;
}

uint64_t work_credential_files(struct work *work, struct bytes certificate, struct bytes key, struct bytes ca)
{
    struct bytes name = arena_format(work->arena, "files:%.*s %.*s %.*s", BYTES_FMT(certificate),
                                     BYTES_FMT(key), BYTES_FMT(ca));
    struct compile_credential credential = {.id = hash_stable(name),
                                            .name = name,
                                            .certificate_file = certificate,
                                            .key_file = key,
                                            .ca_file = ca};
    if (!map_put(&work->credential_ids, name, work))
        rows_add(work, &work->credentials, &credential);
    return credential.id;
}

/* ---- listeners -------------------------------------------------------- */

/* What the node's own workload says on its way out has no proxy before it. */
static bool takes_header(const struct compile_node *node, int64_t port, enum rules_direction direction)
{
    bool named = !node->protocol_port_count;
    for (size_t i = 0; i < node->protocol_port_count; i++)
        named = named || node->protocol_ports[i] == port;
    return named && node->protocol_network_count && direction != DIRECTION_OUTBOUND;
}

struct rules_listener *work_listener(struct work *work, const struct resource *resource,
                                     const struct yaml_node *node, struct bytes address, int64_t port,
                                     enum rules_direction direction, enum rules_protocol protocol)
{
    bool six = bytes_find(address, ':') < address.len;
    struct bytes name =
        arena_format(work->arena, six ? "[%.*s]:%lld" : "%.*s:%lld", BYTES_FMT(address), (long long)port);
    if (map_get(&work->listener_names, name)) {
        work_warn(work, resource, node, FINDING_INVALID, "%.*s is listened on already; the first stands",
                  BYTES_FMT(name));
        return NULL;
    }
    map_put(&work->listener_names, name, work);
    struct rules_listener *listener = arena_new(work->arena, struct rules_listener);
    *listener = (struct rules_listener){
        .id = hash_stable(name),
        .name = work_text(work, name),
        .address = work_text(work, address),
        .port = (uint32_t)port,
        .direction = direction,
        .protocol = protocol,
        .workload_port = (uint32_t)port,
        .proxy_protocol = takes_header(work->node, port, direction),
    };
    rows_add(work, &work->binds,
             &(struct compile_bind){listener->id, address, (uint32_t)port, protocol == SPEAKS_TCP});
    return listener;
}

void work_listener_add(struct work *work, const struct rules_listener *listener)
{
    rows_add(work, &work->listeners, listener);
}
