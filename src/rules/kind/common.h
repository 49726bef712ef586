/*
 * common: pieces that several resource kinds share.
 */
#ifndef RULES_KIND_COMMON_H
#define RULES_KIND_COMMON_H

#include "rules/field.h"
#include "rules/kind/host.h"
#include "rules/resource.h"

enum protocol {
    PROTOCOL_NONE,
    PROTOCOL_HTTP,
    PROTOCOL_HTTPS,
    PROTOCOL_HTTP2,
    PROTOCOL_GRPC,
    PROTOCOL_GRPC_WEB,
    PROTOCOL_TCP,
    PROTOCOL_TLS,
    PROTOCOL_MONGO,
    PROTOCOL_MYSQL,
    PROTOCOL_REDIS,
    PROTOCOL_UDP,
    PROTOCOL_HTTP_PROXY,
    PROTOCOL_HBONE,
};

bool protocol_is_http(enum protocol protocol);  /* HTTP, HTTP2, GRPC, GRPC-WEB: plain text on the wire */
bool protocol_is_tls(enum protocol protocol);   /* HTTPS, TLS */
bool protocol_is_http2(enum protocol protocol); /* HTTP2, GRPC */

struct port {
    struct group group;
    int64_t number;
    int protocol; /* enum protocol */
    struct bytes name;
    int64_t target_port; /* 0: the same as number */
};

/* {number: 8080} */
struct port_selector {
    struct group group;
    int64_t number;
};

struct destination {
    struct group group;
    struct bytes host;
    struct bytes subset;
    struct port_selector *port; /* NULL: the service's only one */
};

/* Labels that choose workloads; none chooses all. */
struct selector {
    struct group group;
    struct text_map match_labels; /* `matchLabels`, or `labels` in networking kinds */
};

/* What is spoken there: what was written, else what the name begins with, as in http2-web. */
enum protocol port_protocol(const struct port *port);

extern const struct field_table port_table;
extern const struct field_table port_selector_table;
extern const struct field_table destination_table;
extern const struct field_table selector_table;          /* matchLabels */
extern const struct field_table workload_selector_table; /* labels */
extern const struct field_table percent_table;           /* struct percent */
extern const char *const protocol_choices[];

struct percent {
    struct group group;
    double value; /* 0 to 100 */
};

/* Checks of syntax; each says what is wrong at `node` and answers whether all is well. */
bool check_cidr(struct report *report, const struct yaml_node *node, struct bytes text);
bool check_port(struct report *report, const struct yaml_node *node, int64_t port);
bool check_label_name(struct report *report, const struct yaml_node *node, struct bytes name);
/* Names and values of a map of labels, the field `name` of `group`. */
void check_labels(struct report *report, const struct group *group, const char *name,
                  const struct text_map *labels);
bool check_header_name(struct report *report, const struct yaml_node *node, struct bytes name);
/* Of one that rules may give a value: none that frames messages or belongs to a connection. */
bool check_header_made(struct report *report, const struct yaml_node *node, struct bytes name);
bool check_regex(struct report *report, const struct yaml_node *node, struct bytes pattern);
/* An expression, and what its matches become: \\0 to \\9 stand for its groups. */
bool check_substitution(struct report *report, const struct yaml_node *node, struct bytes pattern,
                        const struct yaml_node *rewrite_node, struct bytes rewrite);
bool check_selector(struct report *report, const struct selector *selector);
/* Of a rule that sends somewhere: the host, the subset, the port. */
bool check_destination(struct report *report, const struct destination *destination);
/* Every string match below `node`'s map of them. Empty expressions and prefixes are refused. */
void check_matches(struct report *report, const struct group *group, const char *name,
                   const struct match_map *matches);
/* With `any_prefix` an empty prefix is well: it means everything. */
void check_match(struct report *report, const struct group *group, const char *name,
                 const struct string_match *match, bool any_prefix);
/* 127.0.0.1:80, [::1]:80, 0.0.0.0:80 or unix:///path (unix://@abstract). */
bool endpoint_read(struct bytes text, struct bytes *address, int64_t *port);
bool header_is_name(struct bytes text); /* RFC 9110 5.6.2: a token */
bool address_is_ip(struct bytes text);
bool address_is_cidr(struct bytes text); /* an address, with or without /bits */
bool address_is_unix(struct bytes text); /* unix:///path or unix://@name */
bool host_is_plain(struct bytes host);   /* RFC 1123 name, no wildcard; all of it may be numbers */

#endif
