/*
 * admit: whether one more connection is taken: as long as the listener, the
 * client's address and memory have room for it.
 */
#ifndef PROXY_ADMIT_H
#define PROXY_ADMIT_H

#include "proxy/worker.h"

/* True: *entry is its place in the census, or NULL when its address is not counted. False: it was counted and
 * recorded as turned away; nothing was made of it, so that a flood costs no more than the accepting. */
bool admit(struct listen *listen, const struct sockaddr_storage *peer, struct census_entry **entry);

/* The client whom a PROXY header named counts in place of who brought the header. False: it has enough. */
bool admit_named(struct worker *worker, const unsigned char address[16], struct census_entry **entry);
/* Whether connections from there to `row` begin with a PROXY header. */
bool admit_brings_header(const struct generation *generation, const struct rules_listener *row,
                         const unsigned char address[16]);

#endif
