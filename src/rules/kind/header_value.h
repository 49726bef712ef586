/*
 * header_value: a header's value as Istio's rules give it, with Envoy's operators:
 * text, %% for a percent sign, %NAME% and %NAME(FIELD?OTHER):MAX%. Which there are
 * is one table; what they stand for is filled in by the data path.
 */
#ifndef RULES_KIND_HEADER_VALUE_H
#define RULES_KIND_HEADER_VALUE_H

#include "base/arena.h"
#include "base/fail.h"
#include "rules/snapshot.h"

enum { HEADER_PARTS_MAX = 16 };

struct header_part {
    enum rules_operator is;
    struct bytes text;  /* the text itself, or the field's name in lower case */
    struct bytes other; /* the field that is asked where the first is absent, or empty */
    uint32_t max;       /* bytes of a field's value; 0: all */
};

/* Texts lie in `value` or in the arena. `on_response`: operators that know the answer may stand there too. */
bool header_value_read(struct bytes value, bool on_response, struct arena *arena,
                       struct header_part parts[HEADER_PARTS_MAX], size_t *count, struct fail *why);

#endif
