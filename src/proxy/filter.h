/*
 * filter: one stop on a request's way.
 *
 * It reads what filters before it found out (fields of the exchange that they
 * alone write), writes its own field, and answers what shall happen next. It
 * never calls another filter.
 *
 *   enter    once, when the request reaches the filter (policy: once more when a
 *            filter behind it changed what policy had judged)
 *   resume   when what it waited for has come, failed or run late: see x->wait
 *   reply    once, on the way back, when the response head is known
 *   leave    once if enter ran, whatever happened: let go of everything. The
 *            client may have gone, so the exchange may be half done.
 *
 * A member that is NULL does nothing (enter: NEXT).
 */
#ifndef PROXY_FILTER_H
#define PROXY_FILTER_H

#include <stdint.h>

struct exchange;

enum turn {
    NEXT,  /* on to the next filter */
    WAIT,  /* x->wait says for what and until when; resume is called then */
    REPLY, /* x->response is the answer; the filters behind are skipped */
};

enum wait_result { WAIT_CAME, WAIT_FAILED, WAIT_LATE };

/* The one thing an exchange waits for. */
struct wait {
    const char *what;                   /* for people: "keys of https://issuer" ; NULL: not waiting */
    uint64_t until_ms;                  /* TIMER_NEVER: without end */
    void (*cancel)(struct exchange *x); /* time ran out or the client left: let go of it */
    enum wait_result result;
};

struct filter {
    const char *name;
    enum turn (*enter)(struct exchange *x);
    enum turn (*resume)(struct exchange *x);
    void (*reply)(struct exchange *x);
    void (*leave)(struct exchange *x);
};

/* In order; chain.c. */
extern const struct filter *const http_chain[];
extern const struct filter *const tcp_chain[];
extern const struct filter *const mirror_chain[];

extern const struct filter filter_trace;
extern const struct filter filter_known;
extern const struct filter filter_login;
extern const struct filter filter_identity;
extern const struct filter filter_demand;
extern const struct filter filter_policy;
extern const struct filter filter_route;
extern const struct filter filter_upstream;

#endif
