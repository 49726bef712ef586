/*
 * pace: how fast a peer brings or takes a body while it is waited for.
 *
 * Only the time counts in which nothing but the peer held things up: what we, or
 * whoever is behind us, take our time for is not its fault.
 */
#ifndef PROXY_PACE_H
#define PROXY_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
    uint64_t bytes;
    uint64_t waited_ms; /* up to since_ms */
    uint64_t since_ms;  /* waiting began or was last noted */
    bool waiting;
};

/* Bytes have passed; from now on the peer is waited for, or not. */
void pace_note(struct pace *pace, uint64_t now_ms, uint64_t bytes, bool waiting);
/* Whether its average is below `rate` bytes a second (0: none is demanded), after `grace_ms` of waiting.
 * Asked when bytes have come: who is silent altogether runs into a time-out of its own. */
bool pace_is_slow(const struct pace *pace, uint64_t rate, uint64_t grace_ms);

#endif
