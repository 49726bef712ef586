/*
 * login: selvage.dev Login, how browsers log in at the edge: OpenID Connect's
 * authorization code flow with PKCE.
 */
#ifndef RULES_KIND_LOGIN_H
#define RULES_KIND_LOGIN_H

#include "rules/kind/common.h"

struct login_secret {
    struct group group;
    struct bytes name; /* of a Secret in the Login's namespace */
    struct bytes key;  /* in its data */
    struct bytes file; /* an absolute path, or the name of one of systemd's credentials */
};

struct login_session {
    struct group group;
    int64_t idle_ms;
    int64_t lifetime_ms;
    int64_t refresh_ms; /* 0: when the ID token expires */
};

struct login {
    struct group group;
    struct selector *selector;
    struct text_list hosts;
    struct text_list paths;
    struct text_list public_paths;
    struct bytes issuer;
    struct bytes client_id;
    struct login_secret *client_secret; /* NULL: a public client */
    struct text_list scopes;
    struct text_map parameters;
    struct login_session *session; /* NULL: what holds when nothing is written */
    struct bytes cookie_name;
    struct bytes callback_path;
    struct bytes logout_path;
    struct bytes backchannel_path;
    struct bytes after_logout;
    struct text_list redirect_hosts;
    bool forward_id_token;
};

#define LOGIN_IDLE_S (8 * 60 * 60)
#define LOGIN_LIFETIME_S (24 * 60 * 60)

extern const struct kind login_kind;

#endif
