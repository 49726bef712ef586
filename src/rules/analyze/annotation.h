/*
 * annotation: the annotations that Istio knows, where they act and which values
 * they take.
 */
#ifndef RULES_ANALYZE_ANNOTATION_H
#define RULES_ANALYZE_ANNOTATION_H

#include "base/arena.h"
#include "base/fail.h"

enum annotation_on {
    ON_POD = 1,
    ON_SERVICE = 2,
    ON_NAMESPACE = 4,
    ON_SERVICE_ENTRY = 8,
    ON_WORKLOAD_ENTRY = 16,
    ON_POLICY = 32,
    ON_GATEWAY = 64,
    ON_GATEWAY_CLASS = 128,
    ON_INGRESS = 256,
    ON_ANY = 512,
};

struct annotation {
    const char *name;
    unsigned on; /* enum annotation_on */
    bool alpha;
    bool deprecated;
    bool (*check)(struct bytes value, struct arena *arena, struct fail *why); /* NULL: any */
};

extern const struct annotation annotations[];
extern const size_t annotation_count;
const struct annotation *annotation_find(struct bytes name);

bool annotation_mode(struct bytes value, struct arena *arena, struct fail *why);
bool annotation_port(struct bytes value, struct arena *arena, struct fail *why);
bool annotation_ports(struct bytes value, struct arena *arena, struct fail *why);
bool annotation_ports_or_all(struct bytes value, struct arena *arena, struct fail *why);
bool annotation_number(struct bytes value, struct arena *arena, struct fail *why);
bool annotation_networks(struct bytes value, struct arena *arena, struct fail *why);
bool annotation_networks_or_all(struct bytes value, struct arena *arena, struct fail *why);
bool annotation_interfaces(struct bytes value, struct arena *arena, struct fail *why);
bool annotation_truth(struct bytes value, struct arena *arena, struct fail *why);
bool annotation_settings(struct bytes value, struct arena *arena, struct fail *why);
bool annotation_quantity(struct bytes value, struct arena *arena, struct fail *why);

#endif
