/*
 * admin: the small servers for operators, probes and scrapers.
 *
 *   admin   15000  all pages
 *   status  15021  /healthz/ready
 *   metrics 15090  /stats/prometheus
 *   merged  15020  /stats/prometheus, /metrics, /healthz/ready
 *
 * One thread, one request a connection. On a loopback address only loopback names
 * are accepted as Host, and what changes something needs a header that no page in
 * a browser can send unasked. Its sockets come from the supervisor, so that they
 * outlive it.
 */
#ifndef CONTROL_ADMIN_H
#define CONTROL_ADMIN_H

#include "control/board.h"
#include "control/mailbox.h"
#include "control/metrics.h"
#include "control/settings.h"
#include "wire/commons.h"
#include "wire/http.h"

enum admin_server { ADMIN_ADMIN, ADMIN_STATUS, ADMIN_METRICS, ADMIN_MERGED, ADMIN_SERVERS };

/* LETTER_LOG_LEVEL, admin -> control */
struct level_letter {
    struct letter letter;
    int level; /* enum log_level */
};

/* What pages are made from; borrowed until stop. */
struct admin_world {
    const struct settings *settings;
    struct board *board;
    struct metrics *metrics;
    struct mailbox *out;
    const struct commons *commons;
    uint64_t started_ms;
    bool loopback; /* the servers' address is one */
};

struct admin_reply {
    unsigned status;
    const char *type;
    struct text body;
};

/* admin_pages.c: the answer to one request; the body lies in the arena. */
void admin_answer(const struct admin_world *world, enum admin_server server,
                  const struct http_request *request, struct arena *arena, struct admin_reply *reply);

struct admin;
/* NULL when `settings` is: off. */
struct admin *admin_start(const struct settings_admin *settings, const struct admin_world *world);
/* The port that this server is to have, 0: off. */
uint32_t admin_port(const struct settings_admin *settings, enum admin_server server);
/* The listening socket of a server (taken), instead of one that it had; -1: it accepts no more. */
void admin_listen(struct admin *admin, enum admin_server server, int fd);
void admin_stop(struct admin *admin);

#endif
