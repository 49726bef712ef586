/* What client_http1.c (the connection, its requests) and client_http1_answer.c share. */
#ifndef PROXY_CLIENT_HTTP1_INSIDE_H
#define PROXY_CLIENT_HTTP1_INSIDE_H

#include "proxy/client.h"
#include "proxy/http1_io.h"
#include "proxy/pace.h"

/* An unwanted body up to this is read away to keep the connection. */
enum { CLIENT_HTTP1_DISCARD_MAX = 64 * 1024 };

enum client_http1_state {
    STATE_HEAD, /* reading a head, or waiting for one */
    STATE_EXCHANGE,
    STATE_DISCARD, /* the exchange is over, the rest of its request's body is read away */
    STATE_LINGER,  /* our side is closed; reading away until the client closes too */
};

struct client_http1 {
    struct client *client;
    enum client_http1_state state;
    struct inlet inlet;   /* source of request bodies */
    struct outlet outlet; /* sink of response bodies */
    struct block *head;   /* the block that the current request's head lies in, when it is in no arena */
    struct exchange *x;
    struct http1_framing framing;
    uint64_t discarded;
    uint64_t old_ms;   /* after this no further request is taken */
    uint32_t requests; /* so far */
    struct pace in;    /* of the request's body */
    struct pace out;   /* of the answer's */
    bool raw;          /* both bodies are raw: a tunnel */
    bool keep_alive;
    bool waited;        /* the timer is about the client, not about who owes it something */
    bool served;        /* a request has come already */
    bool continue_owed; /* 100 Continue, once the body is wanted */
    bool leaving;       /* closes unless a request is here already */
};

/* Something has moved: the client has its time anew. */
void client_http1_patience(struct client_http1 *c);
/* See client_ops. */
void client_http1_info(struct exchange *x, const struct http_response *info);
void client_http1_head(struct exchange *x, bool whole, struct bytes body);
/* The outlet's last part came. */
void client_http1_sent(struct outlet *outlet, enum pump_reason reason);

#endif
