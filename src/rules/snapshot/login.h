/*
 * login: how browsers log in at this node, by host.
 */
#ifndef RULES_SNAPSHOT_LOGIN_H
#define RULES_SNAPSHOT_LOGIN_H

#include "rules/snapshot/plain.h"

struct rules_login {
    uint64_t id;                    /* KEYS_LOGIN id */
    uint64_t key_set;               /* KEYS_SET id of its issuer */
    struct image_text name;         /* NAMESPACE/NAME */
    struct image_rows hosts;        /* RULES_NAME, lower case: exact or "*.x" */
    struct image_rows paths;        /* RULES_NAME: exact or with "*" at the end; empty: all */
    struct image_rows public_paths; /* RULES_NAME: nobody has to be logged in there */
    struct image_text issuer;
    struct image_text client_id;
    struct image_text scope;      /* joined by spaces, openid among them */
    struct image_rows parameters; /* RULES_NAME in pairs: more of the authorization request */
    struct image_text cookie;     /* with __Host- in front */
    struct image_text callback_path;
    struct image_text logout_path;
    struct image_text backchannel_path;
    struct image_text after_logout;
    struct image_rows redirect_hosts; /* RULES_NAME: wire/redirect_target.h */
    uint32_t idle_s;
    uint32_t lifetime_s;
    uint32_t refresh_s; /* 0: when the ID token expires */
    uint32_t forward_id_token;
};

#endif
