/*
 * exchange: what is known about one request and its response, or about one TCP
 * connection (then http is false and there is no head).
 *
 * Each group of fields has one writer, named beside it. Everything lies in the
 * exchange's arena and goes with it. It keeps the generation it began with.
 */
#ifndef PROXY_EXCHANGE_H
#define PROXY_EXCHANGE_H

#include "loop/loop.h"
#include "proxy/filter.h"
#include "proxy/permit.h"
#include "proxy/pump.h"
#include "rules/decide/authz.h"
#include "rules/decide/mapping.h"
#include "rules/decide/route.h"
#include "wire/proxy_protocol.h"
#include "wire/record.h"
#include "wire/trace.h"

struct worker;
struct stock;
struct generation;
struct call;
struct upstream_work;
struct mirror;
struct identity_work;
struct change;
struct login_work;
struct token;
struct peer;

/* The protocol by which the client speaks, towards its exchange. */
struct client_ops {
    /* A 1xx head that came before the response. */
    void (*info)(struct exchange *x, const struct http_response *info);
    /* Sends x->response. With `whole`, `body` is all there is of it; else parts will come to x->to_client. */
    void (*head)(struct exchange *x, bool whole, struct bytes body);
    /* The exchange is over: x->end tells whether the connection may go on. Must not touch x later. */
    void (*done)(struct exchange *x);
};

/* Facts of the client's connection, shared by all its exchanges; written by the listener and its codec. */
struct client_facts {
    uint64_t id; /* of the connection, in this worker */
    struct proxy_protocol
        ends; /* the client and what it connected to; from a PROXY header where one is taken */
    struct bytes address_text; /* 10.0.0.1:4711; on the heap, as short as it is */
    struct bytes local_text;
    struct bytes direct_text;        /* empty: the client itself is the other end of the socket */
    unsigned char address_bytes[16]; /* of the ends, IPv4 as ::ffff: */
    unsigned char local_bytes[16];
    unsigned char
        direct_bytes[16];    /* the other end of the socket: with a header the proxy, else the client */
    const struct peer *peer; /* its certificate, or NULL */
    bool mesh;               /* the certificate was judged by the mesh's rules */
    bool tls;
    struct bytes sni;
    const char *tls_version;
};

enum exchange_end {
    END_OPEN, /* still going */
    END_FINE, /* request and response complete */
    END_CUT,  /* one of them is not: the connection cannot go on */
};

struct exchange {
    /* worker, chain.c */
    struct worker *worker;
    struct generation *generation; /* a reference */
    const struct rules_listener *listener;
    struct arena arena;
    const struct filter *const *chain;
    int at;      /* filter that is at work */
    int entered; /* filters whose enter ran */
    bool running;
    bool replied;   /* the response head has gone to the client */
    bool rewritten; /* set by a filter behind policy that changed method, path, host or fields; cleared by the
                       runner */
    bool judged_again;
    bool frozen; /* exchange_judge_again has bound it to newer rules */
    enum exchange_end end;
    struct wait wait;
    struct timer timer;
    struct task resume_task;
    struct task grave;
    struct link link;        /* in worker->exchanges */
    struct exchange *parent; /* of a child exchange */
    struct link children;
    struct link sibling;
    bool detached; /* a child that outlives its parent's end (not its failure) */

    /* the client's codec (or the parent, for a child) */
    bool http;
    const struct client_ops *client_ops;
    void *client; /* the codec's connection */
    const struct client_facts *facts;
    struct http_request request; /* path is normalised by chain_start */
    struct bytes original_path;
    unsigned retry_after_s; /* said with an answer of ours; 0: nothing */
    unsigned refusal;       /* status for a request that its codec refused; the chain stops behind trace */
    bool request_has_body;
    bool request_sized; /* Content-Length: request_length */
    uint64_t request_length;
    struct bytes upgrade;
    struct stage *from_client; /* source of the request's body */
    struct stage *to_client;   /* sink of the response's body */

    /* trace */
    struct trace trace;
    struct bytes trace_parent; /* as it is sent on and answered */
    struct bytes trace_state;
    struct bytes request_id;
    struct record record;
    uint64_t began_ms;
    uint64_t began_us;       /* wall time */
    uint64_t began_clock_us; /* monotonic */

    bool trusted_proxy; /* the direct peer may say who the client is */

    /* login */
    const struct rules_login *login; /* this host's; NULL: none */
    struct login_work *login_work;
    uint64_t waits_for_login; /* id of the question; login_wait.c */
    struct bytes login_answer;

    /* identity */
    struct bytes remote_text;
    unsigned char remote_bytes[16];
    struct token *token;     /* the verified token that policy looks at, or NULL; a reference */
    struct token *assertion; /* the verified assertion, or NULL; a reference */
    const json_t *claims;    /* of token, or NULL */
    struct mapping_result groups;
    bool groups_mapped;
    struct bytes *group_labels;
    struct bytes *spaced_claims; /* those of `claims` whose text is a list of words, besides the usual */
    size_t spaced_count;
    struct identity_work *identity_work;
    uint64_t waits_for_keys; /* key set id; key_wait.c */

    /* policy */
    bool decided;
    struct decision decision;
    const struct permit *permit;

    /* route */
    struct route_choice choice;
    const struct rules_destination *destination;
    const struct rules_cluster *cluster;
    struct change *later; /* to the response, of rules that were let go of (route_freeze) */
    uint32_t later_count;
    struct http_fields *cors; /* what the response says to a page of another origin, or NULL */
    struct bytes forward_path;
    struct bytes forward_authority;

    /* upstream */
    struct call *call;
    const struct endpoints_endpoint *endpoint;
    struct upstream_work *upstream_work;
    struct mirror *mirror; /* of a mirrored copy: its own state */
    unsigned attempts;
    bool response_seen;            /* the final head came */
    struct http_response response; /* whoever answers REPLY: the filter itself, or upstream */
    bool response_whole;           /* the answer was made here: response_body is all of it */
    struct bytes response_body;
    bool response_tunnel; /* both bodies are raw from now on */
    bool response_sized;  /* the upstream said how long it is */
    uint64_t response_length;
    bool response_bare; /* nothing follows the upstream's head, no trailers either */
    struct stage *from_upstream;
};

/* ---- runner (chain.c) ---------------------------------------------------- */

struct stock *exchange_stock_new(void);
void exchange_stock_free(struct stock *stock, struct loop *loop);
/* A fresh exchange on the worker's current generation. */
struct exchange *exchange_new(struct worker *worker, const struct filter *const *chain,
                              const struct rules_listener *listener, struct generation *generation);
struct exchange *exchange_new_child(struct exchange *parent, const struct filter *const *chain);
/* The request head is there: walk the chain. */
void exchange_start(struct exchange *x);
/* The codec refuses what came: only trace is entered, and `status` is answered. `details` is static. */
void exchange_refuse(struct exchange *x, unsigned status, enum record_flag flag, const char *details);
/* What the exchange waited for: called by callbacks. Runs from the loop's soon list. */
void exchange_resume(struct exchange *x, enum wait_result result);
/* On to the worker's current generation, when that still knows the listener. Before policy only. */
void exchange_rebind(struct exchange *x);
/* A 1xx from the upstream. */
void exchange_info(struct exchange *x, const struct http_response *info);
/* The response's last part has gone to the client, and the request needs no more. */
void exchange_finish(struct exchange *x);
/* It cannot be completed: cut. Before the response head went out, `status` is answered instead (0: no
 * answer). */
void exchange_fail(struct exchange *x, unsigned status, enum record_flag flag, struct bytes details);
/* The client left. */
void exchange_client_gone(struct exchange *x);

/*
 * The generation it began with is too old to be kept: it is decided again under the
 * rules of now and bound to them. False: it is not allowed any more (or its place
 * is gone), and has to be cut. True also when it is too early to tell.
 */
bool exchange_judge_again(struct exchange *x);
/* A tunnel or TCP connection that the rules of now would not let begin. */
bool exchange_is_revoked(struct exchange *x);

/* The decision under other rules, of which nothing is kept. */
bool policy_allows(struct exchange *x, const struct generation *generation,
                   const struct rules_listener *listener);
/* For that: what the filters still need of the old rules becomes their own. */
bool policy_judge(struct exchange *x);
/* What is known of the token, for whoever matches claims. */
void policy_claims(const struct exchange *x, const struct generation *generation, struct facts *facts);
void route_freeze(struct exchange *x);
void trace_freeze(struct exchange *x);
/* The response's trailers have come. */
void trace_trailers(struct exchange *x, const struct http_fields *trailers);

/* ---- answers made here (answer.c) ----------------------------------------- */

/* Makes x->response: `body` as text/plain, or as a JSON object with the ids when the client accepts
 * application/json. Empty body: status, reason and the ids. Answers REPLY, so that filters can return it. */
enum turn exchange_answer(struct exchange *x, unsigned status, struct bytes body);
/* To a client of gRPC (exchange_answer does it by itself): the status goes in its own field, in a response of
 * nothing but a head. */
enum turn exchange_answer_grpc(struct exchange *x, uint32_t status, struct bytes message);
/* Its client speaks gRPC, by what it says it sends. */
bool exchange_is_grpc(const struct exchange *x);
/* Exactly that body, for every client; an empty type or body: none. */
enum turn exchange_answer_exactly(struct exchange *x, unsigned status, struct bytes type, struct bytes body);
/* The same as the first, for what the upstream brought about; a TCP connection ends. */
enum turn upstream_answer(struct exchange *x, unsigned status, enum record_flag flag, const char *details);
/* Before the final head goes out: Date where the upstream gave none, or the rules removed it (RFC 9110 6.6.1:
 * whoever has a clock says when it was). */
void answer_complete(struct exchange *x);
/* The client would take a 2xx for a tunnel (RFC 9110 9.3.6, RFC 8441 5). */
static inline bool exchange_wants_tunnel(const struct exchange *x)
{
    return http_connects(&x->request) || (x->request.minor == 2 && x->upgrade.len);
}
/* Notes flag and details (static text) in the record. */
void exchange_note(struct exchange *x, enum record_flag flag, const char *details);

#endif
