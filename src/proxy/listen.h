/*
 * listen: sockets that clients connect to, and what is known of a client once it
 * has.
 */
#ifndef PROXY_LISTEN_H
#define PROXY_LISTEN_H

#include "proxy/connection.h"
#include "proxy/worker.h"

/* What client_http1 and client_tcp share: the accepted connection. */
struct client {
    struct connection connection;
    struct worker *worker;
    struct listen *listen;
    struct generation *generation;     /* a reference: what the TLS context was chosen from */
    const struct rules_listener *row;  /* in that generation */
    const struct rules_server *server; /* chosen by SNI, or NULL */
    struct client_facts facts;
    struct link link; /* in worker->clients */
    char address_text[64];
    char local_text[64];
    const struct client_kind *kind;
    struct census_entry *census; /* of its address, or NULL */
    bool opened;
    struct timer timer; /* the TLS handshake's, then the kind's own */
};

/* The two kinds of clients. */
struct client_kind {
    struct client *(*open)(void);         /* on the heap, zeroed */
    void (*begin)(struct client *client); /* connected, TLS done, peer judged */
    void (*readable)(struct client *client);
    void (*written)(struct client *client, size_t wrote);
    void (*broken)(struct client *client);
    void (*drain)(struct client *client); /* end as soon as it politely can */
    void (*cut)(struct client *client);
    void (*free)(struct client *client);
};
extern const struct client_kind client_http1_kind;
extern const struct client_kind client_tcp_kind;

/* The connection is what it will be: what it was judged by is let go of. */
void client_settled(struct client *client);
/* TLS begins: it has its own short time, and a record when that runs out. */
void client_handshake(struct client *client);
/* When it has lived long enough: maxAge from now on, up to a tenth less at random, so that those who came
 * together do not leave together. */
uint64_t client_old_ms(const struct client *client);
void listen_start(struct listen *listen);
/* The rules changed: look the row up anew, start or stop accepting. */
void listen_refresh(struct listen *listen);
/* Accepts whoever waits already, before the socket is closed. */
void listen_last(struct listen *listen);
/* The row of that listener in the generation, or NULL. */
const struct rules_listener *listen_row(const struct generation *generation, uint64_t id);

#endif
