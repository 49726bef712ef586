/*
 * frame: what the processes of a node say to each other.
 *
 * SEQPACKET channels carry the same fixed-size frames: supervisor and control,
 * supervisor and each worker, control and each worker; during an upgrade also the
 * supervisors of two versions, and whoever asked for it. No frame is
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
    FRAME_LISTENER, /* descriptor: a bound, listening socket; id: the listener's; number: which of its sockets
                     */
    FRAME_UNLISTEN, /* id */
    FRAME_DRAIN, /* number: milliseconds left; id: of them, how long idle connections are let go one by one;
                    also supervisor -> control */
    FRAME_CONNECTED, /* answer to FRAME_CONNECT; id: the request's; number: errno, 0 with a descriptor */
    /* worker -> supervisor */
    FRAME_CONNECT, /* connect to the unix socket of that path hash for me; id: mine; number: hash_stable(path)
                    */
    FRAME_READY,   /* serving; number: generation of its rules. Also control -> supervisor, id: 1 it refuses
                    * everything
                    */
    /* control -> supervisor */
    FRAME_BIND,     /* id; number: port; text: an IP address */
    FRAME_BIND_OWN, /* the same, for a socket that control accepts on */
    FRAME_UNBIND,   /* id */
    FRAME_PATH,   /* text: a unix socket path that workers may be connected to; number: 1 add, 0 forget all */
    FRAME_STATUS, /* text: for systemd's STATUS= */
    /* supervisor -> control */
    FRAME_BOUND,       /* id; number: errno */
    FRAME_BOUND_OWN,   /* id; number: errno; descriptor: the socket, which may follow later */
    FRAME_WORKER,      /* index; descriptor: a channel to that worker; number: its pid; id: 1 it had a control
                          before */
    FRAME_WORKER_GONE, /* index; number: wait status */
    FRAME_RING,        /* index; descriptor: that worker's record ring */
    FRAME_RELOAD,
    FRAME_HOLD,      /* number: 1 another control gets ready, so make no new signing key; 0 go on */
    FRAME_SUCCEEDED, /* another control has the admin ports now */
    /* control -> worker */
    FRAME_IMAGE,        /* descriptor: sealed memory; number: enum image_kind */
    FRAME_KEYS_ANSWER,  /* id: key set; number: 1 it was read anew (an image came before), 0 it was not */
    FRAME_LOG_LEVEL,    /* number: enum log_level */
    FRAME_LOGIN_ANSWER, /* id: that of the ask; a part of a parcel (wire/login_message.h) */
    FRAME_ENDED_ALL,    /* text: sessions that have ended (wire/login_message.h) */
    /* worker -> control */
    FRAME_HELLO,      /* index; number: pid */
    FRAME_LOADED,     /* number: enum image_kind; id: generation now in force */
    FRAME_REFUSED,    /* number: enum image_kind; id: generation; text: why */
    FRAME_NEED_KEYS,  /* id: key set: a token names a key that it lacks */
    FRAME_LIMIT_HITS, /* id: enum limit; number: how often it has bitten since the last such frame */
    FRAME_LOGIN_ASK,  /* id: mine; a part of a parcel (wire/login_message.h) */
    FRAME_ENDED,      /* text: sessions that have ended: tell everybody */
    FRAME_TYPE_COUNT,

    /*
     * What two versions say to each other: these numbers, and the layout of a
     * frame, stay as they are.
     */
    FRAME_BETWEEN_VERSIONS = 64,
    /* supervisor -> its successor */
    FRAME_HAND_BEGIN = 64, /* number: HAND_VERSION */
    FRAME_HAND_SOCKET =
        65, /* descriptor; index: which of the address's sockets; number: 1 control accepts on it */
    FRAME_HAND_CALLS = 66,  /* descriptor: where upgrades are asked for */
    FRAME_HAND_KEEPER = 67, /* descriptor: a channel to the node's first process, which waits for the last */
    FRAME_HAND_END = 68,    /* that was all */
    FRAME_HAND_TAKE = 69,   /* serve from now on; number: 1 whoever says so is the keeper */
    /* successor -> supervisor */
    FRAME_HAND_READY = 70,
    /* successor -> keeper */
    FRAME_HAND_TAKEN = 71, /* number: its pid */
    /* `selvage upgrade` -> supervisor, and back */
    FRAME_UPGRADE = 72,
    FRAME_UPGRADED = 73, /* number: pid of the supervisor that serves now, 0: none; text: then why */
    FRAME_BETWEEN_VERSIONS_END,
};

#define HAND_VERSION 1

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
