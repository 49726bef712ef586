/*
 * supervisor: the parent of a node's processes; see supervisor.c, children.c,
 * sockets.c.
 */
#ifndef MAIN_SUPERVISOR_H
#define MAIN_SUPERVISOR_H

#include <sys/types.h>

#include "control/channel.h"
#include "main/run.h"
#include "wire/commons.h"

/* One process that is kept running. */
struct child {
    pid_t pid; /* 0: not running */
    struct channel channel;
    uint64_t started_ms;
    uint64_t again_ms; /* when to start it anew; 0: it runs */
    uint64_t pause_ms; /* back-off */
    bool met;          /* workers: a control was told of it */
    int ring;          /* workers: memory of the record ring, kept for good */
};

/* One listening address: a socket for each worker, kept for good. */
struct bound {
    struct link link;
    uint64_t id;
    bool orphan; /* the control that asked for it is gone, its successor has not asked yet */
    int fds[FRAME_WORKERS_MAX];
};

struct path {
    struct link link;
    char *text;
    unsigned age; /* editions of the rules since it was named last */
};

struct supervisor {
    const struct settings *settings;
    const char *file;
    int program; /* this very program */
    int text;    /* sealed memory with the settings' text */
    struct bytes text_bytes;
    uint32_t workers;
    struct commons *commons; /* what the workers share; read by nobody here */
    int commons_fd;
    struct child control;
    struct child worker[FRAME_WORKERS_MAX];
    struct link bounds;
    struct link paths;
    int signals;
    uint64_t stop_ms; /* when draining has to be over; 0: not stopping */
    bool ready_told;
};

/* children.c */
bool children_prepare(struct supervisor *s, struct fail *why);
void child_control_start(struct supervisor *s);
void child_worker_start(struct supervisor *s, uint32_t index);
/* A child ended: say so, note when it is to come back. */
void child_ended(struct supervisor *s, pid_t pid, int status);
/* Starts what is due; answers the milliseconds until the next is, or -1. */
int children_due(struct supervisor *s);
bool children_gone(const struct supervisor *s);
int memory_sealed(const char *name, struct bytes content);

/* sockets.c */
void sockets_bind(struct supervisor *s, const struct frame *frame);
void sockets_unbind(struct supervisor *s, uint64_t id);
/* A new control will ask for what it wants ... */
void sockets_orphan(struct supervisor *s);
/* ... and has, once it is ready: the rest goes. */
void sockets_drop_orphans(struct supervisor *s);
void sockets_hand_over(struct supervisor *s, uint32_t index); /* all, to a new worker */
void sockets_close(struct supervisor *s);
void sockets_path(struct supervisor *s, const struct frame *frame);
void sockets_connect(struct supervisor *s, struct child *worker, const struct frame *frame);

/* notify.c: sd_notify(3) without the library; nothing happens without NOTIFY_SOCKET. */
void notify(const char *state);

#endif
