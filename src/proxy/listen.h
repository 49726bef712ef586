/* listen: sockets that clients connect to. */
#ifndef PROXY_LISTEN_H
#define PROXY_LISTEN_H

#include "proxy/worker.h"

void listen_start(struct listen *listen);
/* The rules changed: look the row up anew, start or stop accepting. */
void listen_refresh(struct listen *listen);
/* Accepts whoever waits already, before the socket is closed. */
void listen_last(struct listen *listen);
/* The row of that listener in the generation, or NULL. */
const struct rules_listener *listen_row(const struct generation *generation, uint64_t id);

#endif
