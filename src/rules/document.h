/*
 * document: one YAML document becomes a resource of the kind it names.
 */
#ifndef RULES_DOCUMENT_H
#define RULES_DOCUMENT_H

#include "rules/resource.h"

extern const struct field_table metadata_table;

/* NULL when it is no resource of ours; what there is to say is in the report's findings either way. */
struct resource *document_read(const struct yaml_node *node, struct report *report);
/* `sentence` as yaml_read gives it: FILE:LINE:COLUMN: what is wrong. */
void document_unreadable(struct report *report, const char *file, const char *sentence);

#endif
