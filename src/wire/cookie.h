/*
 * cookie: the Cookie field of requests and the Set-Cookie field of responses.
 * RFC 6265bis 4.2, 5.7.
 *
 * Browsers send what they were given, whoever gave it: nothing here takes a name
 * for a proof, and of two cookies of one name both are found.
 */
#ifndef WIRE_COOKIE_H
#define WIRE_COOKIE_H

#include "wire/http.h"

struct cookie {
    struct bytes name;
    struct bytes value;
};

/* A walk over all pairs of all Cookie fields, in order. Zeroed it begins. */
struct cookie_walk {
    uint32_t field;
    struct bytes rest;
    bool inside;
};
/* False at the end. What has no "=" is passed over. */
bool cookie_next(const struct http_fields *fields, struct cookie_walk *walk, struct cookie *out);

/* Takes out all pairs whose name begins with one of the prefixes; a field that is left empty goes. */
void cookies_strip(struct http_fields *fields, const struct bytes *prefixes, size_t count,
                   struct arena *arena);

/* A name that may follow "__Host-": letters, digits, "-", "_" and "." only. */
bool cookie_is_name(struct bytes name);
/*
 * "NAME=VALUE; Path=/; Secure; HttpOnly; SameSite=Lax": together with a name that
 * begins with "__Host-" browsers let nobody but this very host set it.
 * max_age_s 0: it goes now; below 0: with the browser's session.
 */
struct bytes cookie_write(struct bytes name, struct bytes value, int64_t max_age_s, struct arena *arena);

#endif
