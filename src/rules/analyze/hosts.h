/*
 * hosts: names that traffic can go to: of ServiceEntries and Services, with who
 * may see them and their ports.
 */
#ifndef RULES_ANALYZE_HOSTS_H
#define RULES_ANALYZE_HOSTS_H

#include "rules/analyze/analysis.h"

struct host {
    struct bytes scope; /* a namespace, or * */
    struct bytes name;  /* lower case, in full */
    const struct object *object;
    const struct yaml_node *ports; /* a list */
    const char *port_field;        /* what a port's number is called in it */
    struct host *next;             /* with the same scope and name: the earlier ones */
};

/* A short name as it is meant in a namespace: reviews -> reviews.default.svc.cluster.local */
struct bytes host_in_full(struct analysis *analysis, struct bytes name, struct bytes namespace);
/* Whom a resource in `namespace` that is itself exported to `export_to` means by a name; NULL: nobody. */
const struct host *host_meant(struct analysis *analysis, struct bytes namespace,
                              const struct yaml_node *export_to, struct bytes name);
/* Do the names (each may begin with *) have one in common? */
bool hosts_overlap(struct bytes a, struct bytes b);
void hosts_free(struct hosts *hosts); /* what is not the arena's */
bool exported_to_all(const struct yaml_node *export_to);

#endif
