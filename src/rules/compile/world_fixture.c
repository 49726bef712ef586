#include "base/test.h"

#include "rules/compile/world_fixture.h"

#include <stdio.h>
#include <stdlib.h>

static const struct bytes labels[] = {BYTES_INIT("app"), BYTES_INIT("web"), BYTES_INIT("version"),
                                      BYTES_INIT("v1")};
static const struct bytes trust_domains[] = {BYTES_INIT("td"), BYTES_INIT("old-td")};

void world_init(struct world *world, enum rules_role role)
{
    *world = (struct world){.node = {.name = BYTES("w"),
                                     .role = role,
                                     .name_space = BYTES("foo"),
                                     .account = BYTES("acc"),
                                     .labels = labels,
                                     .label_count = 2,
                                     .root_namespace = BYTES("istio-system"),
                                     .trust_domains = trust_domains,
                                     .trust_domain_count = 2,
                                     .cluster_domain = BYTES("cluster.local")}};
    arena_init(&world->arena);
    resource_set_init(&world->set);
}

void world_add(struct world *world, const char *yaml)
{
    resource_set_add_file(&world->set, "w.yaml", bytes_of(yaml));
}

static bool errors_tell(const struct resource_set *set, struct fail *why)
{
    struct text text;
    char buffer[400];
    for (size_t i = 0; i < set->findings.count; i++) {
        if (set->findings.at[i].level != FINDING_ERROR)
            continue;
        text_init_fixed(&text, buffer, sizeof buffer);
        finding_write(&set->findings.at[i], &text);
        return fail(why, FAIL_INPUT, "%s", buffer);
    }
    return fail(why, FAIL_INPUT, "there are errors");
}

bool world_compile(struct world *world, struct fail *why)
{
    if (!resource_set_finish(&world->set))
        return errors_tell(&world->set, why);
    if (!compile(&world->set, &world->node, 7, &world->arena, &world->result, why))
        return false;
    world->compiled = true;
    return image_open(world->result.rules, world->result.rules_size, &rules_schema, &world->rules, why) &&
           image_open(world->result.endpoints, world->result.endpoints_size, &endpoints_schema,
                      &world->endpoints, why);
}

void world_open(struct world *world, enum rules_role role, const char *yaml)
{
    struct fail why = {0};
    world_init(world, role);
    world_add(world, yaml);
    if (world_compile(world, &why))
        return;
    fprintf(stderr, "the world cannot be made: %s\n", why.text);
    abort();
}

void world_done(struct world *world)
{
    if (world->compiled)
        compile_result_done(&world->result);
    resource_set_done(&world->set);
    arena_done(&world->arena);
}

struct bytes world_text(const struct world *world, struct image_text text)
{
    return image_text(&world->rules, text);
}

const struct rules_listener *world_listener(const struct world *world, const char *name)
{
    IMAGE_FOR(&world->rules, RULES_LISTENER, struct rules_listener, listener,
              image_all(&world->rules, RULES_LISTENER))
    if (bytes_equal(world_text(world, listener->name), bytes_of(name)))
        return listener;
    return NULL;
}

const struct rules_node *world_node(const struct world *world)
{
    return image_row(&world->rules, RULES_NODE, image_all(&world->rules, RULES_NODE), 0);
}

const struct rules_cluster *world_cluster(const struct world *world, const char *name)
{
    IMAGE_FOR(&world->rules, RULES_CLUSTER, struct rules_cluster, cluster,
              image_all(&world->rules, RULES_CLUSTER))
    if (bytes_equal(world_text(world, cluster->name), bytes_of(name)))
        return cluster;
    return NULL;
}

const struct endpoints_cluster *world_endpoints(const struct world *world, const char *name)
{
    const struct rules_cluster *cluster = world_cluster(world, name);
    if (!cluster)
        return NULL;
    IMAGE_FOR(&world->endpoints, ENDPOINTS_CLUSTER, struct endpoints_cluster, found,
              image_all(&world->endpoints, ENDPOINTS_CLUSTER))
    if (found->id == cluster->id)
        return found;
    return NULL;
}

bool world_says(const struct world *world, const char *sentence)
{
    for (size_t i = 0; i < world->set.findings.count; i++)
        if (bytes_equal(world->set.findings.at[i].sentence, bytes_of(sentence)))
            return true;
    return false;
}

void world_wrong(const char *format, ...)
{
    char sentence[500];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    print_error("%s\n", sentence);
    _fail(__FILE__, __LINE__);
}
