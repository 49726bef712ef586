/*
 * workload_entry: networking.istio.io WorkloadEntry, one address that serves.
 */
#ifndef RULES_KIND_WORKLOAD_ENTRY_H
#define RULES_KIND_WORKLOAD_ENTRY_H

#include "rules/kind/common.h"

struct workload_entry {
    struct group group;
    struct bytes address;        /* an IP, a name, unix:///path */
    FIELD_MAP_OF(int64_t) ports; /* name of the service's port -> number here */
    struct text_map labels;
    struct bytes network; /* not acted on yet */
    struct bytes locality;
    int64_t weight; /* 0: unset, like all others that are unset */
    struct bytes service_account;
};

extern const struct field_table workload_entry_table;
extern const struct kind workload_entry_kind;

/* The checks of one entry, also inside a ServiceEntry. `names`: its address may be a name. */
void workload_entry_check(const struct workload_entry *entry, bool names, struct report *report);
/* The ports alone. */
void workload_entry_check_ports(const struct workload_entry *entry, struct report *report);
/* Is it a path or an abstract name? */
void workload_entry_check_socket(const struct workload_entry *entry, struct report *report);

#endif
