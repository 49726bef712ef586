/*
 * way_play: one request on its whole way through a worker in the simulated world:
 * what the client gets, and what the workload sees of it.
 *
 * An assertion of the fixture that fails ends the program, which counts as a failure.
 */
#ifndef CONFORMANCE_WAY_PLAY_H
#define CONFORMANCE_WAY_PLAY_H

#include "base/arena.h"
#include "rules/snapshot.h"
#include "wire/json.h"

/* Port of the only upstream, at 127.0.0.1 and 10.0.0.1. */
#define WAY_PORT "8080"

struct way_set {
    const char *yaml; /* all resources; names no port but those of its own listeners */
    enum rules_role role;
    struct bytes name_space;
    const struct bytes *labels; /* pairs */
    size_t label_count;
    const char *jwks; /* of every key set that is named by address; NULL: it cannot be fetched */
};

struct way_answer {
    unsigned status;
    struct bytes upstream; /* the head that the workload got; empty: it got none */
};

/* False: the rules are refused. Texts of *out lie in the arena. */
bool way_play(const struct way_set *set, struct bytes request, struct arena *arena, struct way_answer *out,
              struct fail *why);
/* "GET / HTTP/1.1" and so on, of a row's request: method, path, host, headers. */
struct bytes way_request(const json_t *request, struct bytes token, struct arena *arena);
/* Are these headers as they should be there? Keys of `wanted` in any letter case; "" is absent. */
bool way_fields_check(struct bytes head, const json_t *wanted, struct fail *why);
/* The pairs of a row's labels. */
struct bytes *way_labels(const json_t *labels, size_t *count, struct arena *arena);
/* The public key that Istio's own tests sign with, for data that lacks the file. */
extern const char way_istio_jwks[];

#endif
