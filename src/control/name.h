/*
 * name: one host name that resources give as an endpoint, and its addresses.
 *
 * What is known, and when to ask again: a pure function of answers and times, by
 * Envoy's rules. An attempt that fails keeps the addresses of before and is
 * repeated with back-off; an answer that there are none takes them away. IPv4
 * and IPv6 are asked for, answered and kept apart.
 */
#ifndef CONTROL_NAME_H
#define CONTROL_NAME_H

#include "base/bytes.h"
#include "wire/address.h"

enum {
    NAME_TTL_MIN_S = 1,
    NAME_TTL_MAX_S = 3600,
    NAME_NONE_S = 5, /* until a name that does not exist is asked for again */
    NAME_RETRY_MIN_MS = 1000,
    NAME_RETRY_MAX_MS = 60 * 1000,
    NAME_ADDRESSES_MAX = 128, /* of one family */
};

enum name_family { NAME_V4, NAME_V6, NAME_FAMILIES };
enum name_outcome { NAME_FOUND, NAME_NONE, NAME_FAILED };

struct name_answer { /* about one family */
    enum name_outcome outcome;
    const struct address *at; /* in the order of the answer; those beyond the maximum are left out */
    size_t count;
    int64_t ttl_s;
    const char *problem; /* of NAME_FAILED, one sentence */
};

struct name_half {
    struct address at[NAME_ADDRESSES_MAX];
    size_t count;
    int64_t ttl_s;
    bool asking;
    bool failed; /* the last attempt */
    bool known;  /* was answered once at least, also with none */
};

struct name {
    struct name_half halves[NAME_FAMILIES];
    uint64_t next_ms;  /* to be asked for again, unless it is being asked for */
    int64_t retry_ms;  /* 0: the last attempt did not fail */
    int64_t ttl_s;     /* of the last answer that was taken */
    char problem[200]; /* of the last attempt, or empty */
};

bool name_is_asking(const struct name *name);
/* Both families are to be asked for now. */
void name_ask(struct name *name);
/* The answer about one family; with that of the other the next time is settled. */
void name_take(struct name *name, enum name_family family, const struct name_answer *answer, uint64_t now_ms);
/* IPv4 first. A name of both families gives its IPv6 addresses only where `six` says that they can be
 * reached. Room for 2 * NAME_ADDRESSES_MAX. */
size_t name_addresses(const struct name *name, bool (*six)(const struct address *), struct address *to);

#endif
