/*
 * stock: what every installation of Istio brings, so that files alone can be
 * judged: the ingress gateway's Pod and Service.
 */
#ifndef RULES_ANALYZE_STOCK_H
#define RULES_ANALYZE_STOCK_H

#include "rules/resource.h"

/* The file that its objects name: nothing is said about them. */
#define STOCK_FILE "-stock-"

/* A copy of the set's documents with the stock added; of the same length plus a few. */
struct set_document *stock_add(const struct resource_set *set, struct arena *arena, size_t *count);

#endif
