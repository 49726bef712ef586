/*
 * record: what one exchange, or one connection, leaves behind.
 *
 * The one list of fields (record_fields) for every role: access line, metrics
 * labels, `selvage trace`, manual. Workers encode a record into their ring,
 * control decodes it. Names are Istio's JSON access log names where it has one.
 */
#ifndef WIRE_RECORD_H
#define WIRE_RECORD_H

#include "base/arena.h"
#include "base/fail.h"
#include "base/text.h"

/* Istio's response flags, as bits; record_flags_text writes them ("UF,URX"). */
enum record_flag {
    RECORD_NR = 1 << 0,    /* no route */
    RECORD_NC = 1 << 1,    /* no cluster */
    RECORD_UH = 1 << 2,    /* no healthy upstream */
    RECORD_UF = 1 << 3,    /* upstream connection failure */
    RECORD_UC = 1 << 4,    /* upstream connection ended */
    RECORD_UT = 1 << 5,    /* upstream too late */
    RECORD_UO = 1 << 6,    /* overflow */
    RECORD_URX = 1 << 7,   /* retries or connection attempts used up */
    RECORD_DC = 1 << 8,    /* client ended the connection */
    RECORD_DPE = 1 << 9,   /* the client's bytes were not HTTP as we accept it */
    RECORD_UPE = 1 << 10,  /* the upstream's were not */
    RECORD_UAEX = 1 << 11, /* an external or own policy said no */
    RECORD_SI = 1 << 12,   /* stream idle too long */
    RECORD_DT = 1 << 13,   /* the exchange took longer than allowed */
    RECORD_LR = 1 << 14,   /* we ended it */
    RECORD_DI = 1 << 15,   /* delayed on purpose */
    RECORD_FI = 1 << 16,   /* failed on purpose */
    RECORD_OM = 1 << 20,   /* overload: turned away so that the rest is served */
    RECORD_UR = 1 << 19,   /* upstream reset the stream */
};

enum record_protocol { RECORD_HTTP, RECORD_TCP, RECORD_GRPC };

/* Why a request was not tried once more, though its end called for it. */
enum record_retry_end {
    RECORD_RETRY_NONE,     /* nothing called for it */
    RECORD_RETRY_LIMIT,    /* as often as the route allows */
    RECORD_RETRY_OVERFLOW, /* the cluster's limit or budget of retries */
    RECORD_RETRY_BODY,     /* its body is longer than what is kept */
};

struct record {
    int64_t start_us; /* wall time */
    uint64_t duration_us;
    uint64_t bytes_received; /* body bytes from the client */
    uint64_t bytes_sent;     /* body bytes to the client */
    uint64_t upstream_us;    /* from sending to the response head; 0: none */
    uint32_t status;         /* 0: nothing was answered */
    uint32_t flags;          /* enum record_flag */
    uint32_t role;           /* enum rules_role */
    uint32_t direction;      /* enum rules_direction */
    uint32_t protocol;       /* enum record_protocol */
    uint32_t mutual_tls;     /* 1 when the client's (inbound) connection was mesh mTLS */
    uint32_t upstream_mutual_tls;
    uint32_t worker;
    uint32_t attempts;  /* tries of the request: 0 when none was made */
    uint32_t retry_end; /* enum record_retry_end */
    uint32_t ejected;   /* 1: it brought about that an endpoint is left out */
    uint32_t spare;
    /* texts, each cut to 1 KiB when written */
    struct bytes node;
    struct bytes request_id;
    struct bytes trace_id;
    struct bytes span_id;
    struct bytes parent_span_id;
    struct bytes method;
    struct bytes path;          /* as decided on, with its query */
    struct bytes original_path; /* when normalising or rewriting changed it */
    struct bytes version;       /* HTTP/1.1 */
    struct bytes authority;
    struct bytes details;     /* response_code_details */
    struct bytes grpc_status; /* a number, of the head or the trailers */
    struct bytes termination; /* connection_termination_details */
    struct bytes failure;     /* upstream_transport_failure_reason */
    struct bytes forwarded_for;
    struct bytes user_agent;
    struct bytes upstream_host;
    struct bytes upstream_cluster;
    struct bytes upstream_local;
    struct bytes local;       /* downstream_local_address */
    struct bytes remote;      /* downstream_remote_address */
    struct bytes direct;      /* downstream_direct_remote_address: who sent a PROXY header */
    struct bytes server_name; /* SNI */
    struct bytes route;
    struct bytes tls_version;
    struct bytes source_principal;    /* spiffe:// of the client's certificate */
    struct bytes upstream_principal;  /* of the upstream's */
    struct bytes request_principal;   /* iss/sub of the verified token */
    struct bytes groups;              /* label<rule, ... : which mapping rule gave which group */
    struct bytes login_id;            /* request id of the request that began the browser's login */
    struct bytes token_id;            /* jti of the assertion that came or went */
    struct bytes decision;            /* allow, deny */
    struct bytes policy;              /* ns[NS]-policy[NAME]-rule[I] that decided, or none */
    struct bytes audit;               /* AUDIT policies that matched */
    struct bytes destination_service; /* the cluster's host */
    struct bytes destination_service_name;
    struct bytes destination_service_namespace;
    struct bytes destination_workload;
    struct bytes revision; /* first 12 hex digits of the rules' revision */
};

enum record_field_type {
    RECORD_TIME,
    RECORD_MS,
    RECORD_NUMBER,
    RECORD_STATUS,
    RECORD_FLAGS,
    RECORD_CHOICE,
    RECORD_TEXT
};

struct record_field {
    const char *name;
    struct bytes json_name; /* ,"name": */
    enum record_field_type type;
    size_t offset;
    const char *const *choices; /* RECORD_CHOICE, NULL-terminated */
    const char *help;
};
extern const struct record_field record_fields[];
extern const size_t record_field_count;

/* The largest encoding. */
#define RECORD_BYTES_MAX (14 * 1024)
/* Into a fixed text buffer of RECORD_BYTES_MAX. */
void record_encode(struct text *out, const struct record *record);
/* Texts point into `in`. Refuses what no encoder wrote. */
bool record_decode(struct bytes in, struct record *out, struct fail *why);
/* One JSON object without newline; empty texts are left out. */
void record_json(struct text *out, const struct record *record);
void record_flags_text(struct text *out, uint32_t flags); /* "-" when none */

#endif
