/*
 * header_format: values of headers as Envoy reads them: %NAME%, %NAME(text)% and
 * %NAME(["text", ...])% are variables, %% is a percent sign.
 */
#ifndef RULES_KIND_HEADER_FORMAT_H
#define RULES_KIND_HEADER_FORMAT_H

#include "base/bytes.h"

/* Is each variable ended? Which names there are is not asked. */
bool header_format_is_sound(struct bytes value);

#endif
