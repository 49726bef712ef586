/*
 * load_thread: the worker's second thread, in which images are mapped, checked and
 * made into generations, so that the event loop never waits for that.
 *
 * Jobs are done in the order they came; their results are handed back through a
 * list and an eventfd, which the loop watches.
 */
#ifndef MAIN_LOAD_THREAD_H
#define MAIN_LOAD_THREAD_H

#include "base/list.h"
#include "proxy/generation.h"
#include "wire/frame.h"

struct load_job {
    struct link link;
    struct frame frame; /* what asked for it; frames that must wait their turn travel along undone */
    int fd;             /* FRAME_IMAGE: taken */
    bool fine;
    uint64_t number;               /* control's generation of that image */
    struct generation *generation; /* NULL: not all three images are there yet */
    struct fail why;
};

struct load_thread;
struct load_thread *load_thread_start(struct fail *why);
int load_thread_fd(const struct load_thread *thread); /* readable when results are there */
void load_thread_post(struct load_thread *thread, const struct frame *frame, int fd);
/* The next result (free() it), or NULL. */
struct load_job *load_thread_take(struct load_thread *thread);

#endif
