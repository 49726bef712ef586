/*
 * pump: a body on its way, from a source through taps and transforms to a sink.
 *
 * Parts travel forward (give), credit travels back (want): a source gives no more
 * bytes than it was asked for. The end is explicit: END, after TRAILERS if there
 * are any, or ABORT with a reason; nothing follows it. A stage that wants no more
 * says stop, which travels back to the source. 1xx heads and upgrades are events
 * of the exchange, not parts (see filter.h).
 *
 * Nobody is called from within his own call twice: a stage that is given a part
 * may ask for more at once, but a source answers a `want` from its own turn
 * (see source_stage's note in pump.c: sources post themselves to the loop).
 */
#ifndef PROXY_PUMP_H
#define PROXY_PUMP_H

#include "proxy/block.h"
#include "wire/http.h"

enum part_kind { PART_DATA, PART_TRAILERS, PART_END, PART_ABORT };

enum pump_reason {
    PUMP_FINE,
    PUMP_CLIENT_GONE,
    PUMP_CLIENT_BAD, /* its framing was wrong */
    PUMP_UPSTREAM_GONE,
    PUMP_UPSTREAM_BAD,
    PUMP_LATE,
    PUMP_CANCELLED, /* we ended it */
};

struct part {
    enum part_kind kind;
    enum pump_reason reason;            /* ABORT */
    struct block *block;                /* DATA: where it lies; keep it by block_ref */
    struct bytes data;                  /* DATA, never empty */
    const struct http_fields *trailers; /* TRAILERS */
};

struct stage;

struct stage_ops {
    const char *name;
    void (*give)(struct stage *stage, const struct part *part);
    void (*want)(struct stage *stage, size_t bytes);
    void (*stop)(struct stage *stage, enum pump_reason reason);
};

struct stage {
    const struct stage_ops *ops;
    struct stage *after;  /* towards the sink; NULL at the sink */
    struct stage *before; /* towards the source; NULL at the source */
};

/* Sinks ask for this much to begin with, and for what they wrote from then on. */
#define PUMP_CREDIT (64u * 1024)

void stage_link(struct stage *before, struct stage *after);
/* Puts a tap or transform between two stages that are linked. */
void stage_insert(struct stage *before, struct stage *stage);
void stage_unlink(struct stage *stage);
/* Its neighbours meet. */
void stage_take_out(struct stage *stage);
/* The stage that a pump which begins there ends with so far. */
struct stage *stage_last(struct stage *stage);

/* To the neighbour, if there still is one. */
void stage_give(struct stage *from, const struct part *part);
void stage_want(struct stage *from, size_t bytes);
void stage_stop(struct stage *from, enum pump_reason reason);
/* For stages that only look: hand on unchanged. */
void stage_pass_give(struct stage *stage, const struct part *part);
void stage_pass_want(struct stage *stage, size_t bytes);
void stage_pass_stop(struct stage *stage, enum pump_reason reason);

void stage_give_data(struct stage *from, struct block *block, struct bytes data);
void stage_give_end(struct stage *from);
void stage_give_abort(struct stage *from, enum pump_reason reason);

/*
 * keep: a tap that holds on to a body's beginning, so that the request can be
 * sent again while nobody has seen an answer. Beyond its bound, or when told
 * to, it lets go: replay is off then.
 */
#define PUMP_KEEP_MAX (64u * 1024)
#define KEEP_PARTS_MAX 64

struct keep {
    struct stage stage;
    struct part parts[KEEP_PARTS_MAX];
    uint32_t count;
    size_t bytes;
    size_t max;
    bool off;      /* too long, or committed */
    bool complete; /* END has passed */
    bool replaying;
    uint32_t next; /* part that a replay gives next */
};

void keep_init(struct keep *keep, size_t max); /* bytes, at most PUMP_KEEP_MAX */
void keep_drop(struct keep *keep);             /* the response is committed, or the exchange over */
/* Before linking to a new sink: what was kept is given again, as credit comes. */
bool keep_can_replay(const struct keep *keep);
void keep_replay(struct keep *keep);

/*
 * tee: a tap that gives a copy (by reference) to a second sink, for mirrors. The
 * copy never holds up the original: when it falls behind by PUMP_KEEP_MAX, it is
 * aborted.
 */
struct tee {
    struct stage stage; /* in the original's pump */
    struct stage copy;  /* the source of the copy's pump */
    struct part parts[KEEP_PARTS_MAX];
    uint32_t count;
    size_t bytes;
    size_t credit;
    bool ended;  /* the copy got its end, or what will be one */
    bool behind; /* its end is an abort that it was not told yet */
};

void tee_init(struct tee *tee);
void tee_done(struct tee *tee);

#endif
