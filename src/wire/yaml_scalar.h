/*
 * yaml_scalar: which type a plain scalar has, as kubectl's YAML library sees it.
 */
#ifndef WIRE_YAML_SCALAR_H
#define WIRE_YAML_SCALAR_H

#include "wire/yaml.h"

/* Sets kind, truth, number and real of an unquoted scalar from its text. */
void yaml_scalar_type(struct yaml_node *node);

/* A whole number as Go writes them (0x1f, 0o17, 017, 0b1, 1_000, signs); false when it is none or too big. */
bool yaml_scalar_int(struct bytes text, int64_t *out);

#endif
