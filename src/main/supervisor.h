/*
 * supervisor: the parent of a node's processes; see supervisor.c, children.c,
 * sockets.c.
 *
 * An upgrade starts another one from the program that lies there by then: it is
 * handed every socket, gets its own processes ready and only then takes over, while
 * this one ends what is under way (successor.c, predecessor.c; upgrade_calls.c is
 * where it is asked for).
 */
#ifndef MAIN_SUPERVISOR_H
#define MAIN_SUPERVISOR_H

#include <sys/types.h>
#include <sys/un.h>

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

/* How a process is made. */
struct start {
    int program;
    const char *path; /* instead of it, or NULL */
    int extra;        /* the settings, or a worker's ring */
    int commons;
    char *const *arguments;
    char *const *environment;
    bool successor; /* it has none of these two, does not die with us, and may bind what we may */
};

/* One listening address: a socket for each worker, or one for control, kept for good. */
struct bound {
    struct link link;
    uint64_t id;
    bool orphan;    /* the control that asked for it is gone, its successor has not asked yet */
    bool inherited; /* from a predecessor, and not asked for yet: it has no id */
    bool own;       /* control accepts on it */
    uint32_t count;
    int fds[FRAME_WORKERS_MAX]; /* -1: could not be had */
};

struct path {
    struct link link;
    char *text;
    unsigned age; /* editions of the rules since it was named last */
};

enum supervisor_stage {
    STAGE_PREPARES, /* as a successor: another still serves */
    STAGE_SERVES,
    STAGE_SUCCEEDED, /* another serves: what is under way here ends */
};

struct supervisor {
    enum supervisor_stage stage;
    const struct settings *settings;
    const char *file;
    int program;             /* this very program */
    char program_path[4096]; /* where it lies, or its next version by now */
    int text;                /* sealed memory with the settings' text */
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
    char state[FRAME_TEXT_MAX + 16]; /* STATUS=, as control said it last */
    int status;                      /* what to exit with */

    struct channel predecessor; /* STAGE_PREPARES: who serves */
    struct channel keeper;      /* the node's first process, when it waits for us; fd -1: none */
    bool keeps;                 /* we are that */
    struct child successor;
    uint64_t successor_until_ms; /* when it has to be ready */

    int calls;             /* where upgrades are asked for; -1: nowhere */
    struct channel caller; /* who asks, or has asked; fd -1: nobody */
    bool called;
};

#define CHILD_NOT_EXECUTED 127

/* supervisor.c: what is under way may end, and nothing begins. */
void supervisor_drain(struct supervisor *s);

/* children.c */
bool children_prepare(struct supervisor *s, struct fail *why);
bool child_fork(struct child *child, const struct start *start);
void child_control_start(struct supervisor *s);
void child_worker_start(struct supervisor *s, uint32_t index);
/* A child ended: say so, note when it is to come back. */
void child_ended(struct supervisor *s, pid_t pid, int status);
/* Starts what is due; answers the milliseconds until the next is, or -1. */
int children_due(struct supervisor *s);
bool children_gone(const struct supervisor *s);
int memory_sealed(const char *name, struct bytes content);

/* sockets.c: FRAME_BIND and FRAME_BIND_OWN. */
void sockets_bind(struct supervisor *s, const struct frame *frame);
void sockets_unbind(struct supervisor *s, uint64_t id);
/* A new control will ask for what it wants ... */
void sockets_orphan(struct supervisor *s);
/* ... and has, once it is ready: the rest goes. */
void sockets_drop_orphans(struct supervisor *s);
void sockets_hand_over(struct supervisor *s, uint32_t index); /* all, to a new worker */
void sockets_close(struct supervisor *s);
/* From the predecessor (taken); for the successor. */
void sockets_inherit(struct supervisor *s, const struct frame *frame, int fd);
void sockets_bequeath(struct supervisor *s, struct channel *to);
/* We serve from now on: everybody gets theirs. */
void sockets_take(struct supervisor *s);
void sockets_path(struct supervisor *s, const struct frame *frame);
void sockets_connect(struct supervisor *s, struct child *worker, const struct frame *frame);

/* successor.c: the way out */
void successor_start(struct supervisor *s);
void successor_frames(struct supervisor *s);
/* Gives up one that takes too long; answers the milliseconds until then, or -1. */
int successor_due(struct supervisor *s);
/* False: that was no successor. */
bool successor_ended(struct supervisor *s, pid_t pid, int status);
void successor_give_up(struct supervisor *s, const char *why);

/* predecessor.c: the way in */
bool predecessor_receive(struct supervisor *s, struct fail *why);
void predecessor_frames(struct supervisor *s);
void keeper_frames(struct supervisor *s);
/* Our rules are in force in every worker; `refuses`: and let nothing through. */
void predecessor_tell_ready(struct supervisor *s, bool refuses);

/* upgrade_calls.c: a unix socket in the state directory */
#define UPGRADE_SOCKET "upgrade"
/* An address that a path of any length fits into; `name` must stay open while it is used. False: none. */
bool upgrade_address(struct bytes state, int *directory, struct sockaddr_un *out);
void upgrade_calls_open(struct supervisor *s);
void upgrade_calls_close(struct supervisor *s);
void upgrade_call(struct supervisor *s);
void upgrade_frames(struct supervisor *s);
/* To who asked: the process that serves now, or 0 and why there is none. */
void upgrade_answer(struct supervisor *s, pid_t pid, const char *why);

/* notify.c: sd_notify(3) without the library; nothing happens without NOTIFY_SOCKET. */
void notify(const char *state);

#endif
