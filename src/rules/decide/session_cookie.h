/*
 * session_cookie: a text that may be longer than a cookie, in several.
 *
 *   NAME   = COUNT.MARK.PIECE
 *   NAME.1 = MARK.PIECE
 *   NAME.2 = MARK.PIECE
 *
 * MARK is drawn anew each time the text is written, so the pieces of two texts
 * never join, and what somebody else planted under one of the names is passed
 * over. Whether the whole is what it should be is for the seal in it to tell.
 */
#ifndef RULES_DECIDE_SESSION_COOKIE_H
#define RULES_DECIDE_SESSION_COOKIE_H

#include "wire/cookie.h"

#define SESSION_COOKIE_PIECE 3800 /* with name and attributes below the 4096 bytes that browsers take */
#define SESSION_COOKIE_PIECES_MAX 5
#define SESSION_COOKIE_MARK_SIZE 8
#define SESSION_COOKIE_FOUND_MAX 4 /* of one name; more are not looked at */

/* All texts that came under the name and are whole, in order; answers how many. */
size_t session_cookie_find(const struct http_fields *fields, struct bytes name, struct arena *arena,
                           struct bytes out[SESSION_COOKIE_FOUND_MAX]);
/*
 * Adds the Set-Cookie fields for the text, and those that end older pieces which the
 * request had. False: it is too long. An empty text ends the cookie. `mark` is text.
 */
bool session_cookie_set(struct http_fields *response, const struct http_fields *request, struct bytes name,
                        struct bytes text, struct bytes mark, int64_t max_age_s, struct arena *arena);

#endif
