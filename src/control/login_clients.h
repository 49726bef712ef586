/*
 * login_clients: the thread that speaks with identity providers on behalf of
 * logins: discovery, codes and refresh tokens for tokens, revocation.
 *
 * A refresh token is used once at a time: whoever asks with the same one while it
 * is under way, or within a minute after, has the same answer, so that tabs and
 * workers cannot use up each other's.
 */
#ifndef CONTROL_LOGIN_CLIENTS_H
#define CONTROL_LOGIN_CLIENTS_H

#include "control/fetch.h"
#include "control/mailbox.h"
#include "rules/compile/compile.h"

/* LETTER_LOGINS: the whole list, anew; in the letter's own arena, wiped with it. */
struct logins_order {
    struct letter letter;
    struct compile_login *at;
    size_t count;
};

/* LETTER_LOGIN_ASK: a worker's (wire/login_message.h); bytes are wiped with it. */
struct login_ask_letter {
    struct letter letter;
    uint32_t worker;
    uint64_t id;
    struct bytes ask;
};

/* LETTER_LOGIN_PROVIDER: what discovery has told, or why not. */
struct login_provider_letter {
    struct letter letter;
    uint64_t id;                         /* of the login */
    struct bytes authorization_endpoint; /* empty: keep what there is */
    struct bytes end_session_endpoint;
    bool says_issuer;
    struct bytes problem;
};

/* LETTER_LOGIN_ANSWER: bytes are wiped with it. */
struct login_answer_letter {
    struct letter letter;
    uint32_t worker;
    uint64_t id;
    struct bytes answer;
};

struct login_clients;
/* NULL when extraRootCAs cannot be read. */
struct login_clients *login_clients_start(struct bytes extra_root_cas, struct mailbox *out, struct fail *why);
/* Copies `logins` and their secrets. */
void login_clients_order(struct login_clients *clients, const struct compile_login *logins, size_t count);
void login_clients_ask(struct login_clients *clients, uint32_t worker, uint64_t id, struct bytes ask);
void login_clients_stop(struct login_clients *clients);

#endif
