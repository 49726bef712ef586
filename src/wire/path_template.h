/*
 * path_template: paths with {*} and {**} in AuthorizationPolicy's operations.
 *
 * {*} is one segment of at least one character; {**} is any number of
 * characters, slashes included, also none, and the last operator. An operator
 * is a whole segment. Only RFC 3986's pchar are taken by an operator.
 */
#ifndef WIRE_PATH_TEMPLATE_H
#define WIRE_PATH_TEMPLATE_H

#include "base/bytes.h"
#include "base/fail.h"

/* Whether the text means to be a template at all: it holds {*} or {**}. */
bool path_template_is(struct bytes text);
bool path_template_check(struct bytes text, struct fail *why);
/* `text` has passed the check; `path` has no query. */
bool path_template_match(struct bytes text, struct bytes path);

#endif
