/*
 * regex: RE2 behind C, for expressions that operators write.
 *
 * UTF-8, the whole text must match, program size bounded, linear time. Not for
 * sharing between threads on a hot path: RE2 locks its cache, so each worker
 * compiles its own.
 */
#ifndef WIRE_REGEX_H
#define WIRE_REGEX_H

#ifdef __cplusplus
extern "C" {
#endif

#include "base/bytes.h"
#include "base/fail.h"

#define REGEX_TEXT_MAX 1024
#define REGEX_REWRITE_MAX 256

struct regex;

/* NULL with *why when it is too long, malformed or too big once compiled. */
struct regex *regex_new(struct bytes pattern, struct fail *why);
void regex_free(struct regex *regex);
/* The whole of `text`; false also when matching ran out of memory. */
bool regex_matches(const struct regex *regex, struct bytes text);
/*
 * Every place of `text` that matches becomes `rewrite`, in which \\0 to \\9 stand for
 * the groups; into out[room], *len bytes. False when it has no room there.
 */
bool regex_replace(const struct regex *regex, struct bytes text, struct bytes rewrite, char *out, size_t room,
                   size_t *len);
/* Does `rewrite` name only groups that there are? */
bool regex_rewrite_check(const struct regex *regex, struct bytes rewrite, struct fail *why);
/* How many groups the expression captures. */
int regex_groups(const struct regex *regex);

#ifdef __cplusplus
}
#endif

#endif
