/*
 * record_write: records into the worker's ring.
 */
#ifndef PROXY_RECORD_WRITE_H
#define PROXY_RECORD_WRITE_H

#include "proxy/client.h"

/* Encodes the record into the ring; when that is full, it is counted there. */
void record_write(struct worker *worker, const struct record *record);
/* A connection that never became an exchange. `details` is static. */
void record_refused(const struct client *client, enum record_flag flag, const char *details,
                    const struct fail *why);
/* A connection that was closed as soon as it came. One record a second of a worker; the others are only
 * counted (limit_hits). */
void record_turned_away(struct listen *listen, struct bytes remote, enum record_flag flag,
                        struct bytes details);

#endif
