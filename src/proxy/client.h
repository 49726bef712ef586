/*
 * client: an accepted connection, from its first byte until a codec has it.
 *
 * What it is is found out in this order: what its first bytes say (sniff.h), TLS
 * by the listener's rules, and who the peer is. When all that is known, its kind
 * is chosen, in one place (kind_of in client.c), and that codec has the events
 * from then on.
 */
#ifndef PROXY_CLIENT_H
#define PROXY_CLIENT_H

#include "proxy/connection.h"
#include "proxy/sniff.h"
#include "proxy/worker.h"

enum client_phase {
    CLIENT_SNIFFING,
    CLIENT_HANDSHAKING,
    CLIENT_BEGUN, /* its kind is chosen */
};

struct client {
    struct connection connection;
    struct worker *worker;
    struct listen *listen;
    enum client_phase phase;
    struct generation *generation;     /* until it has begun: what it is judged by; a reference */
    const struct rules_listener *row;  /* in that generation */
    const struct rules_server *server; /* chosen by SNI, or NULL */
    uint64_t
        row_id; /* once it has begun: whose rules it goes by, the listener's or its pass-through half's */
    struct client_facts facts;
    struct link link;            /* in worker->clients */
    struct sniff *sniff;         /* while its first bytes are looked at, and as long as its SNI lies there */
    struct census_entry *census; /* of its address, or NULL */
    const struct client_kind *kind; /* NULL until it has begun */
    void *codec;                    /* the kind's own half */
    bool drained;                   /* it was told that the node ends */
    struct timer timer;             /* of sniffing and of the TLS handshake, then the kind's own */
};

/* What speaks with a client: HTTP/1.1, HTTP/2, raw bytes. Makes client->codec in `begin`. */
struct client_kind {
    void (*begin)(struct client *client);
    void (*readable)(struct client *client);
    void (*fill)(struct client *client); /* see connection_ops; NULL: nothing */
    void (*written)(struct client *client, size_t wrote);
    void (*broken)(struct client *client);
    void (*drain)(struct client *client); /* end as soon as it politely can */
    void (*cut)(struct client *client);
    void (*free)(struct client *client); /* the codec */
};
extern const struct client_kind client_http1_kind;
extern const struct client_kind client_http2_kind;
extern const struct client_kind client_tcp_kind;

/* A socket that the listener accepted (taken), and its place in the census (taken, or NULL). */
void client_open(struct listen *listen, int fd, const struct sockaddr_storage *peer,
                 struct census_entry *entry);
/* client_facts.c: by the socket; by a PROXY header, when one has come; and their texts go. */
void client_facts_fill(struct client *client, const struct sockaddr_storage *peer);
void client_facts_proxied(struct client *client, const struct proxy_protocol *said);
void client_facts_drop(struct client_facts *facts);
/* An address as records and rules have it: IP:PORT, and sixteen bytes with IPv4 as ::ffff:. */
void client_address(const struct sockaddr_storage *from, char text[64], unsigned char bytes[16]);
/* When it has lived long enough: maxAge from now on, up to a tenth less at random, so that those who came
 * together do not leave together. */
uint64_t client_old_ms(const struct client *client);
/* Whether a connection that takes its `requests`-th request now shall take no other. It is counted. */
bool client_worn_out(const struct client *client, uint32_t requests, uint64_t old_ms);
/* Whether the rules of now would still let in whoever is at the other end, by its certificate. */
bool client_peer_stands(const struct client *client, struct fail *why);
/* The node ends: politely, and at once. */
void client_drain(struct client *client);
void client_cut(struct client *client);
/* A request begins. NULL: the listener is gone, or would not have let this connection in by now. */
struct exchange *client_exchange(struct client *client, const struct client_ops *ops, void *codec);
/* Its head is there: x->request; the path is made normal, and the chain walked. */
void client_exchange_start(struct exchange *x);
/* Too little has come, or was taken, for too long: counted, and the exchange ends. */
void client_late(struct exchange *x, enum limit limit);
/* Another kind takes over; the one that asks is freed by that, and gives back first what it has read. */
void client_become(struct client *client, const struct client_kind *kind);
/* What a kind ends with: nothing of it is called any more. */
void client_close(struct client *client);

#endif
