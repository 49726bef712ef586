/*
 * node: who this node is, whom it believes, and what it accepts of whoever calls.
 */
#ifndef RULES_SNAPSHOT_NODE_H
#define RULES_SNAPSHOT_NODE_H

#include "rules/snapshot/plain.h"

enum rules_role { ROLE_EDGE, ROLE_GATEWAY, ROLE_SIDECAR, ROLE_COUNT };

struct rules_node {
    struct image_text name;
    struct image_text name_space;
    struct image_text account;
    struct image_text workload; /* label app, or the node's name */
    struct image_text app;
    struct image_text version;
    struct image_text principal;     /* TD/ns/NS/sa/SA, without spiffe:// */
    struct image_rows trust_domains; /* RULES_NAME: the own first, then aliases */
    uint32_t role;                   /* enum rules_role */
    uint32_t path_level;             /* enum path_level */
    uint32_t deny_all;               /* 1: there is no valid set of rules: every request is refused */
    uint32_t spare;
    struct image_text deny_reason;
    /* Front proxies that may say who the client is: by certificate name, by address. Default none. */
    struct image_rows proxy_names;    /* RULES_NAME: SPIFFE ids or DNS names of client certificates */
    struct image_rows proxy_networks; /* RULES_NETWORK */
    struct image_rows
        protocol_networks; /* RULES_NETWORK: who sends PROXY headers, where a listener takes them */
    struct image_text proxy_token_field; /* e.g. cf-access-jwt-assertion; empty: none */
    struct image_rows stripped;  /* RULES_NAME: lower-case fields removed from every request: ours, and all
                                    that claims are mapped to */
    struct image_rows assertion; /* RULES_ASSERTION */
    struct image_rows mapping;   /* RULES_MAPPING, in order */
    struct image_text mapping_claim; /* the claim that the groups become; "groups" */
    struct image_rows logins;        /* RULES_LOGIN */
};

enum rules_underscores { UNDERSCORES_ALLOW, UNDERSCORES_REJECT, UNDERSCORES_COUNT };

/*
 * What a worker accepts of whoever calls (settings: `limits`, see rules/limits.h).
 * What is counted over the whole node is divided by the number of workers here.
 * 0 means "no limit" for body_bytes, body_rate, requests, age_ms and the counts of
 * connections.
 */
struct rules_limits {
    /* a request's head */
    int64_t line_bytes;
    int64_t head_bytes;
    int64_t fields;
    int64_t name_bytes;
    int64_t head_ms; /* from its first byte to its last */
    /* bodies, either way */
    int64_t body_bytes; /* of a request */
    int64_t body_idle_ms;
    int64_t body_rate; /* bytes a second, on average over the time that we waited for the client */
    int64_t body_grace_ms;
    int64_t answer_idle_ms; /* without a byte of an answer that the upstream owes */
    int64_t retained_bytes; /* of a request, so that it can be sent again */
    int64_t interim_answers;
    /* connections of clients */
    int64_t handshake_ms;
    int64_t idle_ms;
    int64_t tunnel_idle_ms;
    int64_t requests;
    int64_t age_ms;       /* up to a tenth less, at random */
    int64_t buffer_bytes; /* under way in each direction */
    int64_t listener_connections;
    int64_t address_connections;
    /* HTTP/2 */
    int64_t streams;
    int64_t new_streams;
    int64_t resets;
    int64_t reset_period_ms;
    int64_t flood_bytes;
    int64_t owed_frames;
    int64_t empty_frames;
    int64_t useless_frames;
    int64_t continuation_frames;
    int64_t continuation_bytes;
    int64_t stream_window;
    int64_t connection_window;
    int64_t table_bytes;
    /* memory that one worker may use */
    int64_t memory_bytes;
    int64_t shed_percent;   /* of it: requests are answered with 503 */
    int64_t refuse_percent; /* connections are closed at once */
    uint32_t underscores;   /* enum rules_underscores, in names of fields */
    uint32_t spare;
};

#endif
