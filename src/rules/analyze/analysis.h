/*
 * analysis: what can be said about resources together.
 *
 * Reading judges each resource alone; analyzers look at all of them: what is
 * referred to and is not there, what contradicts, what can never act. They only
 * ever advise: nothing they find keeps a rule set from being put in force.
 */
#ifndef RULES_ANALYZE_ANALYSIS_H
#define RULES_ANALYZE_ANALYSIS_H

#include "rules/analyze/object.h"

struct hosts;

struct analysis {
    struct arena *arena;
    struct findings *findings;
    struct objects objects;
    uint64_t
        present; /* OBJECT_BITs of what was written; the ingress gateway that Istio brings does not count */
    const struct yaml_node *mesh;          /* MeshConfig, or NULL */
    const struct yaml_node *mesh_networks; /* or NULL */
    struct bytes root_namespace;
    struct hosts *hosts; /* made when first asked for; see hosts.h */
};

struct analyzer {
    const char *name; /* istioctl's where it has one */
    const char *help;
    const char *says; /* its codes */
    void (*run)(struct analysis *analysis);
    uint64_t needs; /* OBJECT_BITs: without any of these there is nothing to judge by */
    bool asked;     /* runs only when it is asked for by name */
};

extern const struct analyzer analyzers[];
extern const size_t analyzer_count;

/* Findings go into `findings` and its arena. Either tree may be NULL; without `mesh` a ConfigMap `istio` is
 * looked for. */
void analysis_init(struct analysis *analysis, const struct resource_set *set, const struct yaml_node *mesh,
                   const struct yaml_node *mesh_networks, struct findings *findings);
void analysis_done(struct analysis *analysis);
/* All that run unasked and have what they need. */
void analysis_run(struct analysis *analysis);
const struct analyzer *analyzer_find(struct bytes name); /* any letter case */

/* For analyzers: says it at `node` (or at the object when NULL), unless the object's annotation
 * galley.istio.io/analyze-suppress names the code. */
void say(struct analysis *analysis, const struct object *object, const struct yaml_node *node,
         const char *code, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The same, once for an object and sentence, at the first place. */
void say_once(struct analysis *analysis, const struct object *object, const struct yaml_node *node,
              const char *code, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The annotation on a resource's document. */
bool analysis_suppressed(const struct yaml_node *document, const char *code);

#endif
