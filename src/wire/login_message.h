/*
 * login_message: what workers ask control about logins and what they are told, as
 * parcels (wire/parcel.h): codes, refresh tokens, what became of them, and which
 * sessions have ended.
 */
#ifndef WIRE_LOGIN_MESSAGE_H
#define WIRE_LOGIN_MESSAGE_H

#include "base/arena.h"
#include "wire/frame.h"

enum login_wish { LOGIN_EXCHANGE = 1, LOGIN_REFRESH, LOGIN_REVOKE, LOGIN_WISHES_END };

struct login_ask {
    enum login_wish wish;
    uint64_t login;           /* rules_login.id */
    struct bytes token;       /* the code, or the refresh token */
    struct bytes verifier;    /* EXCHANGE */
    struct bytes redirect_to; /* EXCHANGE: the redirect_uri of the authorization request */
};

enum login_outcome {
    LOGIN_DONE = 1,
    LOGIN_DENIED, /* the provider said no */
    LOGIN_FAILED, /* it was not there, or not understood */
    LOGIN_OUTCOMES_END,
};

struct login_answer {
    enum login_outcome outcome;
    struct bytes id_token;      /* may be empty after a refresh: the old one stands */
    struct bytes refresh_token; /* empty: the old one, if there was any, stands */
    uint64_t expires_s;         /* the access token's life; 0: not said */
    struct bytes problem;       /* for logs */
};

/* Texts of what is read point into `in`. False: that was none. */
struct bytes login_ask_pack(const struct login_ask *ask, struct arena *arena);
bool login_ask_unpack(struct bytes in, struct login_ask *out);
struct bytes login_answer_pack(const struct login_answer *answer, struct arena *arena);
bool login_answer_unpack(struct bytes in, struct login_answer *out);

/* That sessions which bear the mark and began at or before a time have ended. */
struct ended {
    uint64_t mark;
    int64_t at_s;
    int64_t until_s; /* later none of them could live any more */
};
#define ENDED_IN_FRAME (FRAME_TEXT_MAX / 24)
/* As many as fit; answers how many went. */
size_t ended_pack(const struct ended *at, size_t count, struct frame *frame);
/* Answers how many there are. */
size_t ended_unpack(const struct frame *frame, struct ended out[ENDED_IN_FRAME]);

#endif
