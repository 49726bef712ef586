/*
 * census: how many connections each client address has in this worker.
 *
 * Of IPv6 the first 64 bits count: a network is one client's (RFC 6177 2). Unix
 * sockets are not counted.
 */
#ifndef PROXY_CENSUS_H
#define PROXY_CENSUS_H

#include "base/map.h"

struct census {
    struct map by_address; /* -> struct census_entry */
};

struct census_entry;

void census_init(struct census *census);
void census_done(struct census *census);
/* One more from there (IPv4 as ::ffff:). NULL: it has `max` already; 0 is no limit. */
struct census_entry *census_enter(struct census *census, const unsigned char address[16], uint64_t max);
void census_leave(struct census *census, struct census_entry *entry); /* NULL is fine */

#endif
