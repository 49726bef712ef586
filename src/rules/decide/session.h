/*
 * session: what a browser's session consists of, and whether it still holds. Pure;
 * sealing is crypt/envelope's, cookies are session_cookie's.
 *
 *   begun                     seen            now
 *   |---------- ... ----------|---- idle -----|
 *   |------------------ lifetime ------------------|
 */
#ifndef RULES_DECIDE_SESSION_H
#define RULES_DECIDE_SESSION_H

#include "base/arena.h"
#include "rules/snapshot.h"

#define SESSION_ID_SIZE 16 /* random bytes */

struct session {
    struct bytes id;       /* made anew at each login: nobody can prepare one */
    int64_t begun_s;       /* the login */
    int64_t seen_s;        /* when the cookie was written last */
    int64_t fresh_until_s; /* then the provider is asked anew, or the login is over */
    struct bytes id_token;
    struct bytes refresh_token; /* empty: the provider gave none */
    struct bytes trail;         /* request id of the request that began the login */
    struct bytes
        provider_id; /* sid, by which the provider ends it; a refreshed ID token need not repeat it */
};

/* A login under way: half of it travels in `state` over the provider, half stays with the browser. */
struct login_state {
    struct bytes id;
    int64_t begun_s;
    struct bytes return_to; /* a path of this host, or a URL of an allowed one */
    struct bytes trail;
};
struct login_attempt {
    struct bytes id; /* that of the state */
    int64_t begun_s;
    struct bytes nonce;
    struct bytes verifier; /* RFC 7636 */
};

#define ATTEMPT_LIFE_S 600

/* Into bytes for an envelope, and back; what is read points into `in`. */
struct bytes session_pack(const struct session *session, struct arena *arena);
bool session_unpack(struct bytes in, struct session *out);
struct bytes login_state_pack(const struct login_state *state, struct arena *arena);
bool login_state_unpack(struct bytes in, struct login_state *out);
struct bytes login_attempt_pack(const struct login_attempt *attempt, struct arena *arena);
bool login_attempt_unpack(struct bytes in, struct login_attempt *out);

enum session_state {
    SESSION_GOOD,
    SESSION_STALE, /* good once the provider has been asked anew */
    SESSION_OVER,
};
enum session_state session_judge(const struct session *session, const struct rules_login *login,
                                 int64_t now_s);
/* Whether it is time to write the cookie anew, so that the idle time begins again. */
bool session_slides(const struct session *session, const struct rules_login *login, int64_t now_s);
/* How long the browser has to keep the cookie. */
int64_t session_age_s(const struct session *session, const struct rules_login *login, int64_t now_s);
bool attempt_holds(int64_t begun_s, int64_t now_s);

#endif
