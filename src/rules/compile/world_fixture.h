/*
 * world_fixture: resources as text, compiled for one node, for tests and benches.
 */
#ifndef RULES_COMPILE_WORLD_FIXTURE_H
#define RULES_COMPILE_WORLD_FIXTURE_H

#include "rules/compile/compile.h"
#include "rules/limits.h"

struct world {
    struct arena arena;
    struct resource_set set;
    struct compile_node node; /* change it between world_init and world_compile */
    struct compile_result result;
    struct image rules;
    struct image endpoints;
    bool compiled;
};

/* A node w in namespace foo of trust domain td (alias old-td), account acc, labels app=web, version=v1. */
void world_init(struct world *world, enum rules_role role);
void world_add(struct world *world, const char *yaml);
/* Errors in the resources, of the compiler or of the images are in *why. */
bool world_compile(struct world *world, struct fail *why);
/* The three at once; ends the process with the sentence when it fails. */
void world_open(struct world *world, enum rules_role role, const char *yaml);
void world_done(struct world *world);

const struct rules_listener *world_listener(const struct world *world, const char *name); /* NULL: none */
const struct rules_node *world_node(const struct world *world);
/* NULL: no such cluster. */
const struct rules_cluster *world_cluster(const struct world *world, const char *name);
const struct endpoints_cluster *world_endpoints(const struct world *world, const char *cluster);
/* Is there a finding with that sentence? */
bool world_says(const struct world *world, const char *sentence);
/* A row of a test is wrong: says what and ends the test. */
void world_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));
struct bytes world_text(const struct world *world, struct image_text text);

#endif
