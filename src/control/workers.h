/*
 * workers: who carries the traffic, which images each has, and what it said of them.
 *
 * The newest image of each kind is kept (as a descriptor of sealed memory) and
 * owed to every worker that has not got it, so that a slow worker costs no queue
 * and a new one gets all at once.
 */
#ifndef CONTROL_WORKERS_H
#define CONTROL_WORKERS_H

#include "control/channel.h"
#include "wire/image.h"

#define IMAGE_KINDS (IMAGE_KEYS + 1) /* indexes by enum image_kind */

struct worker {
    bool live;
    bool ready;
    uint64_t pid;
    struct channel channel;
    uint64_t sent[IMAGE_KINDS]; /* generations; 0: none */
    uint64_t loaded[IMAGE_KINDS];
    int64_t loaded_us[IMAGE_KINDS]; /* wall time */
    uint64_t refused[IMAGE_KINDS];
    char why[FRAME_TEXT_MAX + 1]; /* of the last refusal, or empty */
};

struct workers {
    struct worker at[FRAME_WORKERS_MAX];
    int image[IMAGE_KINDS]; /* descriptors, or -1 */
    uint64_t generation[IMAGE_KINDS];
    uint64_t starts;
    uint64_t ends;
};

void workers_init(struct workers *workers);
void workers_done(struct workers *workers);

/* Takes the channel; sends everything there is. */
void workers_add(struct workers *workers, uint32_t index, int take, uint64_t pid);
void workers_remove(struct workers *workers, uint32_t index);
/* Takes the descriptor; every worker gets it as soon as it can. */
void workers_publish(struct workers *workers, enum image_kind kind, int take, uint64_t generation);
/* Sends what is owed and queued, as far as it goes now. */
void workers_push(struct workers *workers);
/* FRAME_LOADED, FRAME_REFUSED and FRAME_HELLO; answers false for other frames. */
bool workers_frame(struct workers *workers, uint32_t index, const struct frame *frame);

size_t workers_live(const struct workers *workers);
/* Whether every live worker has answered for that generation, one way or the other. */
bool workers_settled(const struct workers *workers, enum image_kind kind, uint64_t generation);
/* Whether every live worker, and at least one, has it in force. */
bool workers_loaded(const struct workers *workers, enum image_kind kind, uint64_t generation);

#endif
