/*
 * duration: spans of time as Go and protobuf's JSON write them.
 */
#ifndef RULES_DURATION_H
#define RULES_DURATION_H

#include "base/bytes.h"

/* 1.5s, 300ms, 1h2m3s (h m s ms us ns, no sign); rounded up to whole milliseconds, at most a thousand years.
 */
bool duration_read(struct bytes text, int64_t *out_ms);
/* Are they whole milliseconds, so that nothing was rounded? */
bool duration_is_whole(struct bytes text);
/* The shortest such form: 10m, 1.5s, 24h. */
void duration_text(int64_t ms, char out[32]);

#endif
