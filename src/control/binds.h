/*
 * binds: the listening sockets that the supervisor holds for us.
 *
 * A port that cannot be had is an error of its own: the others go on, and it is
 * asked for again every few seconds. Sockets of an older edition are given up
 * only when told so, once no worker needs them.
 */
#ifndef CONTROL_BINDS_H
#define CONTROL_BINDS_H

#include "control/channel.h"

#define BINDS_MAX 1024
#define BIND_ANSWER_MS 5000
#define BIND_RETRY_MS 5000

enum bind_state { BIND_ASKED, BIND_HELD, BIND_FAILED };

struct bind {
    uint64_t id;
    struct bytes address; /* heap */
    uint32_t port;
    enum bind_state state;
    int error; /* errno, for BIND_FAILED */
    uint64_t asked_ms;
    bool wanted;
};

struct binds {
    struct bind at[BINDS_MAX];
    size_t count;
    enum frame_type ask; /* FRAME_BIND, or FRAME_BIND_OWN */
    struct channel *supervisor;
};

void binds_init(struct binds *binds, enum frame_type ask, struct channel *supervisor);
void binds_done(struct binds *binds);

/* Asks for it unless it is held or asked for already. False: too many. */
bool binds_want(struct binds *binds, uint64_t id, struct bytes address, uint32_t port);
/* FRAME_BOUND, or FRAME_BOUND_OWN, came. Answers the bind, or NULL when nobody asked. */
const struct bind *binds_bound(struct binds *binds, uint64_t id, int error);
/* Whether an answer is still awaited. */
bool binds_waiting(const struct binds *binds);
/* Answers that are late become failures; failures are asked for again. */
void binds_tick(struct binds *binds, uint64_t now_ms);
/* binds_keep_none, then binds_keep for each that stays, then binds_drop: gives up the others. */
void binds_keep_none(struct binds *binds);
void binds_keep(struct binds *binds, uint64_t id);
void binds_drop(struct binds *binds);

#endif
