/*
 * login_call: one request to a token or revocation endpoint, and those who wait
 * for its answer. What was refreshed is remembered for a minute.
 */
#ifndef CONTROL_LOGIN_CALL_H
#define CONTROL_LOGIN_CALL_H

#include "base/list.h"
#include "control/fetch.h"
#include "control/login_discovery.h"
#include "crypt/digest.h"
#include "rules/compile/compile.h"
#include "wire/login_message.h"

#define LOGIN_WAITERS_MAX 64

struct login_waiter {
    uint32_t worker;
    uint64_t id;
};

struct login_call {
    struct link link;
    enum login_wish wish;
    uint64_t login;
    struct digest token; /* of the refresh token: who asks with the same one */
    struct fetch *fetch; /* NULL: it is over */
    struct login_waiter waiters[LOGIN_WAITERS_MAX];
    size_t waiter_count;
    char *answer; /* packed; heap */
    size_t answer_len;
    uint64_t over_ms;
};

/* The form and the client's credentials into a fetch for `provider`; NULL with *why. `secret` may be empty.
 */
struct fetch *login_call_fetch(const struct login_ask *ask, const struct compile_login *client,
                               struct bytes secret, const struct login_provider *provider,
                               const struct fetch_trust *trust, void *owner, struct fail *why);
/* RFC 6749 5.1, 5.2: what the transfer ended in, packed, in the arena. */
struct bytes login_call_answer(const struct login_call *call, CURLcode code, struct arena *arena);
void login_call_free(struct login_call *call);

#endif
