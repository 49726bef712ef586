/*
 * frame: what the processes of a node say to each other.
 *
 * Three SEQPACKET channels carry the same fixed-size frames: supervisor and
 * control, supervisor and each worker, control and each worker. No frame is
 * parsed: it is a struct of known size whose numbers and lengths are checked
 * when it comes in (frame_check), because the process that sent it may have been
 * taken over. A descriptor may travel beside a frame.
 */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include "base/bytes.h"
#include "base/fail.h"

#define FRAME_TEXT_MAX 256
#define FRAME_WORKERS_MAX 64

enum frame_type {
    /* supervisor -> worker */
    FRAME_CONTROL = 1, /* descriptor: a channel to the (new) control */
    FRAME_LISTENER,    /* descriptor: a bound, listening socket; id: the listener's */
    FRAME_UNLISTEN,    /* id */
    FRAME_DRAIN,       /* number: milliseconds left; also supervisor -> control */
    FRAME_CONNECTED,   /* answer to FRAME_CONNECT; id: the request's; number: errno, 0 with a descriptor */
    /* worker -> supervisor */
    FRAME_CONNECT, /* connect to the unix socket of that path hash for me; id: mine; number: hash_stable(path)
                    */
    FRAME_READY,   /* serving; number: generation of its rules. Also control -> supervisor */
    /* control -> supervisor */
    FRAME_BIND,   /* id; number: port; text: an IP address */
    FRAME_UNBIND, /* id */
    FRAME_PATH,   /* text: a unix socket path that workers may be connected to; number: 1 add, 0 forget all */
    FRAME_STATUS, /* text: for systemd's STATUS= */
    /* supervisor -> control */
    FRAME_BOUND,       /* id; number: errno */
    FRAME_WORKER,      /* index; descriptor: a channel to that worker; number: its pid; id: 1 it had a control
                          before */
    FRAME_WORKER_GONE, /* index; number: wait status */
    FRAME_RING,        /* index; descriptor: that worker's record ring */
    FRAME_RELOAD,
    /* control -> worker */
    FRAME_IMAGE,       /* descriptor: sealed memory; number: enum image_kind */
    FRAME_KEYS_ANSWER, /* id: key set; number: 1 it was read anew (an image came before), 0 it was not */
    FRAME_LOG_LEVEL,   /* number: enum log_level */
    /* worker -> control */
    FRAME_HELLO,      /* index; number: pid */
    FRAME_LOADED,     /* number: enum image_kind; id: generation now in force */
    FRAME_REFUSED,    /* number: enum image_kind; id: generation; text: why */
    FRAME_NEED_KEYS,  /* id: key set: a token names a key that it lacks */
    FRAME_LIMIT_HITS, /* id: enum limit; number: how often it has bitten since the last such frame */
    FRAME_TYPE_COUNT,
};

struct frame {
    uint32_t type;
    uint32_t index; /* of a worker */
    uint64_t id;
    uint64_t number;
    uint32_t text_len;
    char text[FRAME_TEXT_MAX]; /* not NUL-terminated */
    uint32_t spare;
};

/* Judges a frame as it came: type known, index and text within bounds. */
bool frame_check(const struct frame *frame, size_t size, struct fail *why);
struct bytes frame_text(const struct frame *frame);
void frame_text_set(struct frame *frame, struct bytes text); /* cut to FRAME_TEXT_MAX */

#endif
