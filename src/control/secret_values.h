/*
 * secret_values: secrets by namespace, name and key, wherever they come from.
 *
 * Values are secrets: never print, log or hash them.
 */
#ifndef CONTROL_SECRET_VALUES_H
#define CONTROL_SECRET_VALUES_H

#include "base/arena.h"
#include "base/fail.h"
#include "base/text.h"

#define SECRET_VALUE_MAX ((size_t)1 << 20) /* of one Secret, all keys together: Kubernetes' bound */
#define SECRET_VALUES_MAX 4096

struct secret_value {
    struct bytes name_space;
    struct bytes name;
    struct bytes key;
    struct bytes value;
    int64_t changed_s; /* unix time */
};

struct secret_values {
    struct secret_value *at; /* sorted: those of one Secret stand side by side */
    size_t count;
};

/* Kubernetes' rules: names of at most 253 lower-case letters, digits, - and ., namespaces (63) without dots,
 * keys of at most 253 letters, digits, -, _ and . that are not . or .. alone. */
bool secret_name_judge(struct bytes name_space, struct bytes name, struct fail *why);
bool secret_key_judge(struct bytes key, struct fail *why);

void secret_values_sort(struct secret_values *values);
void secret_values_wipe(const struct secret_values *values);
/* How many from `first` on belong to the same Secret. */
size_t secret_values_run(const struct secret_values *values, size_t first);
/* The Secret resource that these `count` values are, one JSON document, which is YAML too. */
void secret_document_write(const struct secret_value *values, size_t count, struct arena *scratch,
                           struct text *out);

#endif
