/*
 * service_entry: networking.istio.io ServiceEntry, a service by name and where it runs.
 */
#ifndef RULES_KIND_SERVICE_ENTRY_H
#define RULES_KIND_SERVICE_ENTRY_H

#include "rules/kind/workload_entry.h"

enum service_location { SERVICE_EXTERNAL, SERVICE_INTERNAL };

enum service_resolution {
    RESOLUTION_NONE,
    RESOLUTION_STATIC,
    RESOLUTION_DNS,             /* all addresses of the names */
    RESOLUTION_DNS_ROUND_ROBIN, /* the first */
    RESOLUTION_DYNAMIC_DNS,
};

struct service_entry {
    struct group group;
    struct text_list hosts;
    FIELD_LIST_OF(struct port) ports;
    int location;   /* enum service_location */
    int resolution; /* enum service_resolution */
    FIELD_LIST_OF(struct workload_entry) endpoints;
    struct selector *workload_selector;
    struct text_list subject_alt_names;
    struct text_list addresses; /* not acted on yet */
    struct text_list export_to;
};

extern const struct kind service_entry_kind;

#endif
