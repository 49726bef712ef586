/*
 * redirect_target: may a browser be sent there?
 *
 * For targets that came from outside: where a login or a logout returns to. A
 * target is a path of this host, or an http or https URL of this host or of one
 * that the operator allows. What a browser (WHATWG URL) would read otherwise than
 * RFC 3986 does is refused: backslashes, controls, user names, missing slashes.
 */
#ifndef WIRE_REDIRECT_TARGET_H
#define WIRE_REDIRECT_TARGET_H

#include "base/bytes.h"
#include "base/fail.h"

enum { REDIRECT_TARGET_MAX = 2048 };

/*
 * Where browsers may be sent. An allowed host is HOST, .HOST or *.HOST (that one
 * and all below), without a port (only URLs that name none), with one (only that
 * one) or with ":*" (any).
 */
struct redirect_scope {
    struct bytes own; /* the request's own host, its port behind it when it has one */
    const struct bytes *allowed;
    uint32_t allowed_count;
};

/* Is this an allowed host in the form above? For whoever reads what the operator wrote. */
bool redirect_allowed_check(struct bytes allowed, struct fail *why);
/* True: `target` may stand in a Location field as it is. The sentence never shows the target. */
bool redirect_target_check(struct bytes target, const struct redirect_scope *scope, struct fail *why);

#endif
