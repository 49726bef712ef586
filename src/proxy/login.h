/*
 * login: browsers' sessions at this node: what the files login*.c share.
 *
 * filter_login stands before identity: it reads the session's cookie, has stale
 * ones refreshed and serves the login's own paths. filter_demand stands behind it:
 * where a login is wanted and nobody is known, a browser is sent to the provider
 * and a machine has 401. In between identity takes the session for a token when
 * no other came (login_token).
 */
#ifndef PROXY_LOGIN_H
#define PROXY_LOGIN_H

#include "proxy/body_read.h"
#include "proxy/exchange.h"
#include "rules/decide/id_token.h"
#include "rules/decide/login.h"
#include "rules/decide/logout_token.h"
#include "rules/decide/session.h"
#include "wire/form.h"
#include "wire/login_message.h"

enum login_step {
    LOGIN_IDLE,
    LOGIN_ASKED,   /* the provider, for tokens */
    LOGIN_KEYS,    /* its keys, to verify them */
    LOGIN_READING, /* a logout token */
};

struct login_work {
    enum login_place place;
    enum login_step step;
    struct bytes host;  /* in lower case with its port: whose cookies these are */
    struct bytes trail; /* of the session, or of this request */
    int64_t now_s;
    bool came; /* a session's cookie, good or not */
    bool has;  /* a session that holds */
    bool kept; /* ... and its cookie is as it should be */
    bool over; /* the cookie has to go */
    struct session session;
    struct token *token;          /* of the session; a reference */
    struct login_state state;     /* at the callback */
    struct login_attempt attempt; /* at the callback */
    struct bytes gone;            /* name of an attempt's cookie that is used up */
    struct login_answer answer;
    struct bytes logout_token;
    struct body_read body;
    const struct http_fields *cookies; /* the request's fields as they came, with our cookies */
};

/* Texts of the row. */
struct bytes login_text(const struct exchange *x, struct image_text text);
int64_t login_now_s(const struct exchange *x);
/* As the browser came: here, or to a trusted proxy in front of us. */
bool login_is_https(const struct exchange *x);
/* https, or a host that browsers trust without: the only ones to which they give our cookies back. */
bool login_is_safe(const struct exchange *x);
/* https://HOST and the path. */
struct bytes login_address(struct exchange *x, struct bytes path);
/* 302, not to be stored. */
enum turn login_redirect(struct exchange *x, struct bytes to);
/* A sentence for a person, and one for the log. */
enum turn login_refuse(struct exchange *x, unsigned status, const char *sentence, const char *details);
/* More for the log, where the sentence is not enough. */
void login_note(struct exchange *x, const char *details, struct bytes more);

/* login_session.c */
void session_load(struct exchange *x);
/* True: x waits for the provider. */
bool session_refresh_start(struct exchange *x);
void session_refreshed(struct exchange *x, struct bytes id_token);
void session_begin(struct exchange *x, struct bytes id_token);
/* It ends everywhere. */
void session_end(struct exchange *x);
/* Set-Cookie fields into x->response. */
void session_write(struct exchange *x);
bool session_ended(const struct exchange *x, const struct session *session, const json_t *claims);

/* login_begin.c */
enum turn login_begin(struct exchange *x);
struct bytes login_attempt_name(const struct exchange *x, struct bytes id, struct arena *arena);
/* The attempt that was begun here with that id. */
bool login_attempt_find(struct exchange *x, struct bytes id, struct login_attempt *out);
bool login_state_open(struct exchange *x, struct bytes sealed, struct login_state *out);
struct envelope_use login_use(const struct exchange *x, const char *purpose);

/* login_callback.c */
enum turn login_callback(struct exchange *x);
/* What was asked for has come, or not. */
enum turn login_answered(struct exchange *x);
enum turn login_verified(struct exchange *x, bool may_wait);

/* login_logout.c */
enum turn login_logout(struct exchange *x);
enum turn login_backchannel(struct exchange *x);
enum turn login_backchannel_read(struct exchange *x, bool may_wait);

/* For identity: the session's token as good as a verified one, or NULL. */
struct token *login_token(const struct exchange *x);
/*
 * exchange_rebind for whoever waited: the login's row goes with the old rules, too.
 * REPLY: the newer ones know another login here, or none.
 */
enum turn login_rebind(struct exchange *x);
/* Fields that a session adds to its requests. */
void login_fields_set(struct exchange *x);

#endif
