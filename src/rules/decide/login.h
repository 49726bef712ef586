/*
 * login: which Login is a request's business, and what kind of request it is.
 * Pure.
 */
#ifndef RULES_DECIDE_LOGIN_H
#define RULES_DECIDE_LOGIN_H

#include "rules/snapshot.h"
#include "wire/http.h"

/* The Login whose hosts name `authority` (a port is passed over): exact before *.name, longer before shorter,
 * of equals the first. NULL: none. */
const struct rules_login *login_find(const struct image *rules, struct image_rows logins,
                                     struct bytes authority);

enum login_place {
    LOGIN_OPEN,     /* nobody has to be logged in */
    LOGIN_WANTED,   /* whoever comes must be known */
    LOGIN_CALLBACK, /* the login's own paths */
    LOGIN_LOGOUT,
    LOGIN_BACKCHANNEL,
};
/* `path` is normalised; its query is passed over. */
enum login_place login_place(const struct image *rules, const struct rules_login *login, struct bytes path);

/*
 * A person's browser goes to a page, so that it can be sent elsewhere; not a
 * script, an image or a program (Fetch Metadata; without it by method and Accept).
 */
bool login_navigates(const struct http_request *request);
/*
 * Whether the request was brought about by another site: then a cookie that came
 * with it is no proof that its owner wanted it. A GET or HEAD may come from
 * anywhere, as links do, but not one that asks for another protocol: what a
 * WebSocket says its page can read, whoever's page it is. `secure`: the browser
 * came by https, here or to a proxy in front of us.
 */
bool login_is_forged(const struct http_request *request, bool secure, bool upgrades);
/* The same for what changes something by whichever method: from this very host, or typed in. */
bool login_is_own(const struct http_request *request, bool secure);

#endif
