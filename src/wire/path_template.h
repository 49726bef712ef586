/*
 * path_template: paths with holes, as AuthorizationPolicy writes them.
 *
 * {*} stands for one segment of one character or more, {**} for any characters
 * with slashes, also none, and must be the last of the two kinds. Only what RFC
 * 3986 calls pchar fills a hole. Istio, security/v1beta1 Operation.paths.
 */
#ifndef WIRE_PATH_TEMPLATE_H
#define WIRE_PATH_TEMPLATE_H

#include "base/bytes.h"
#include "base/fail.h"

/* Does it hold {*} or {**}? Else it is no template. */
bool path_template_is(struct bytes text);
bool path_template_check(struct bytes text, struct fail *why);
/* Of a template that was checked; the path without query and fragment. */
bool path_template_matches(struct bytes text, struct bytes path);

#endif
