/*
 * authority: HOST or HOST:PORT, as a Host field, an :authority and a request target
 * have it. RFC 3986 3.2.2, 3.2.3; no user name.
 */
#ifndef WIRE_AUTHORITY_H
#define WIRE_AUTHORITY_H

#include "base/bytes.h"

/* host[:port] taken apart, slices of the text; the port may be empty. */
struct authority {
    struct bytes host;
    struct bytes port;
};

/* False when it is neither a name, an IPv4 address nor an IP literal in brackets, or the port is no number.
 */
bool authority_split(struct bytes text, struct authority *out);
/* An empty port is the same as none (RFC 3986 6.2.3): one spelling for whoever compares. Not empty. */
struct bytes authority_text(struct bytes text);
/* The same host and port; a missing port is the scheme's own. */
bool authority_agree(struct bytes scheme, const struct authority *a, const struct authority *b);

#endif
