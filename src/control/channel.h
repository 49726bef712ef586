/*
 * channel: frames to and from another process of the node; see wire/frame.h.
 *
 * Never waits: what the socket does not take now is queued, up to a bound.
 */
#ifndef CONTROL_CHANNEL_H
#define CONTROL_CHANNEL_H

#include "base/list.h"
#include "wire/frame.h"

#define CHANNEL_QUEUE_MAX 4096

struct channel {
    int fd; /* -1: closed */
    struct link queue;
    size_t queued;
    uint64_t lost; /* frames dropped because the queue was full */
};

/* Takes the descriptor and makes it non-blocking. */
void channel_init(struct channel *channel, int take);
void channel_done(struct channel *channel);
/* `fd` may be -1; it is borrowed. False when the frame was dropped. */
bool channel_send(struct channel *channel, const struct frame *frame, int fd);
/* Sends what is queued, as far as it goes. */
void channel_flush(struct channel *channel);
bool channel_is_clogged(const struct channel *channel);

enum channel_turn { CHANNEL_FRAME, CHANNEL_EMPTY, CHANNEL_CLOSED };
/* *fd is the caller's, or -1. A malformed frame is passed over with a warning. */
enum channel_turn channel_receive(struct channel *channel, struct frame *frame, int *fd);

#endif
