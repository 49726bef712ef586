/*
 * form: application/x-www-form-urlencoded, as query strings and small bodies have
 * it. WHATWG URL 5; for OAuth RFC 6749 appendix B.
 *
 * Strict where it decides about people: a name that comes twice is refused (RFC
 * 6749 3.1), so is a broken percent escape, a control character and what is not
 * UTF-8.
 */
#ifndef WIRE_FORM_H
#define WIRE_FORM_H

#include "base/arena.h"
#include "base/fail.h"
#include "base/text.h"

#define FORM_PAIRS_MAX 32

struct form_pair {
    struct bytes name;
    struct bytes value;
};

struct form {
    struct form_pair at[FORM_PAIRS_MAX];
    size_t count;
};

bool form_read(struct bytes in, struct arena *arena, struct form *out, struct fail *why);
/* Empty with false when it is absent. */
bool form_get(const struct form *form, const char *name, struct bytes *out);

/* "name=value", behind an "&" when something stands there already that does not end with "?". */
void form_add(struct text *out, const char *name, struct bytes value);
/* All but unreserved characters (RFC 3986 2.3) as %XX. */
void form_escape(struct text *out, struct bytes value);

#endif
