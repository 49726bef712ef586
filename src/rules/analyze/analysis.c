#include "rules/analyze/analysis.h"

#include <string.h>

#include "rules/analyze/code.h"
#include "rules/analyze/hosts.h"
#include "rules/analyze/stock.h"

/* The mesh's own settings, as Istio keeps them: text in a ConfigMap. */
static const struct yaml_node *from_config_map(struct analysis *analysis, const char *key)
{
    struct yaml_stream stream;
    struct fail why;
    OBJECTS_EACH(map, &analysis->objects, OBJECT_CONFIG_MAP) {
        const struct yaml_node *text = yaml_get(yaml_get(map->node, "data"), key);
        if (!bytes_equal(map->name, BYTES("istio")) || !text)
            continue;
        if (yaml_read(map->file, text->text, analysis->arena, &stream, &why) && stream.count)
            return stream.documents[0];
    }
    return NULL;
}

static uint64_t present_of(const struct objects *objects)
{
    uint64_t present = 0;
    for (size_t i = 0; i < objects->count; i++)
        if (strcmp(objects->at[i].file, STOCK_FILE) != 0)
            present |= OBJECT_BIT(objects->at[i].kind);
    return present;
}

void analysis_init(struct analysis *analysis, const struct resource_set *set, const struct yaml_node *mesh,
                   const struct yaml_node *mesh_networks, struct findings *findings)
{
    size_t count;
    *analysis = (struct analysis){.arena = findings->arena, .findings = findings};
    const struct set_document *documents = stock_add(set, analysis->arena, &count);
    objects_read(documents, count, analysis->arena, &analysis->objects);
    analysis->present = present_of(&analysis->objects);
    analysis->mesh = mesh ? mesh : from_config_map(analysis, "mesh");
    analysis->mesh_networks = mesh_networks ? mesh_networks : from_config_map(analysis, "meshNetworks");
    analysis->root_namespace = tree_text(analysis->mesh, "rootNamespace");
    if (!analysis->root_namespace.len)
        analysis->root_namespace = BYTES("istio-system");
}

void analysis_done(struct analysis *analysis)
{
    hosts_free(analysis->hosts);
    analysis->hosts = NULL;
}

void analysis_run(struct analysis *analysis)
{
    for (size_t i = 0; i < analyzer_count; i++)
        if (!analyzers[i].asked && (!analyzers[i].needs || analyzers[i].needs & analysis->present))
            analyzers[i].run(analysis);
}

const struct analyzer *analyzer_find(struct bytes name)
{
    for (size_t i = 0; i < analyzer_count; i++)
        if (bytes_equal_nocase(bytes_of(analyzers[i].name), name))
            return &analyzers[i];
    return NULL;
}

bool analysis_suppressed(const struct yaml_node *document, const char *code)
{
    const struct yaml_node *annotations = tree_at(document, "metadata.annotations");
    struct bytes rest = label_of(annotations, "galley.istio.io/analyze-suppress"), one;
    for (bool more = rest.len > 0; more;) {
        more = bytes_cut(&rest, ',', &one);
        one = bytes_trim(one);
        if (bytes_equal(one, bytes_of(code)) || bytes_equal(one, BYTES("*")))
            return true;
    }
    return false;
}

static void say_text(struct analysis *analysis, const struct object *object, const struct yaml_node *node,
                     const char *code, struct bytes text)
{
    const struct code *about = code_find(bytes_of(code));
    struct report report = {.findings = analysis->findings,
                            .file = object->file,
                            .kind = object->kind_name,
                            .namespace = object->namespace,
                            .name = object->name};
    if (strcmp(object->file, STOCK_FILE) == 0 || analysis_suppressed(object->node, code))
        return;
    report_add(&report, about->level, about->code, node ? node : object->node, "%.*s", BYTES_FMT(text));
}

static struct bytes text_of(struct analysis *analysis, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static struct bytes text_of(struct analysis *analysis, const char *format, va_list args)
{
    struct text text;
    text_init_arena(&text, analysis->arena);
    text_vformat(&text, format, args);
    return text_bytes(&text);
}

void say(struct analysis *analysis, const struct object *object, const struct yaml_node *node,
         const char *code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say_text(analysis, object, node, code, text_of(analysis, format, args));
    va_end(args);
}

static bool said_already(const struct analysis *analysis, const struct object *object, const char *code,
                         struct bytes text)
{
    for (size_t i = analysis->findings->count; i-- > 0;) {
        const struct finding *each = &analysis->findings->at[i];
        if (strcmp(each->code, code) == 0 && bytes_equal(each->name, object->name) &&
            bytes_equal(each->kind, object->kind_name) && bytes_equal(each->namespace, object->namespace) &&
            bytes_equal(each->sentence, text))
            return true;
    }
    return false;
}

void say_once(struct analysis *analysis, const struct object *object, const struct yaml_node *node,
              const char *code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct bytes text = text_of(analysis, format, args);
    va_end(args);
    if (!said_already(analysis, object, code, text))
        say_text(analysis, object, node, code, text);
}
