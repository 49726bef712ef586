/*
 * fetch: one GET or POST of something small over HTTP, on libcurl, by the rules for what
 * decides about trust: a deadline, a bound, TLS verified, no redirect, 200 only.
 */
#ifndef CONTROL_FETCH_H
#define CONTROL_FETCH_H

#include <curl/curl.h>

#include "base/arena.h"
#include "base/fail.h"
#include "crypt/spiffe_server.h"

#define FETCH_BODY_MAX ((size_t)1 << 20)

struct fetch {
    CURL *easy;
    char *body;
    size_t len;
    bool too_big;
    int64_t max_age_s; /* of Cache-Control, -1: none said */
    char *url;
    char *form; /* what is posted, or NULL: a GET */
    size_t form_len;
    long status;
    struct spiffe_server *server; /* NULL: the web's authorities vouch for it */
    char error[CURL_ERROR_SIZE];
};

/* What is trusted: the system's roots and a PEM file beside them. */
struct fetch_trust {
    char *pem; /* NULL: the system's alone */
    size_t len;
};
/* `extra` may be empty. */
bool fetch_trust_load(struct fetch_trust *trust, struct bytes extra, struct fail *why);
void fetch_trust_done(struct fetch_trust *trust);

/* http:// or https:// with a host, without user or password or fragment. */
bool fetch_url_check(struct bytes url, struct fail *why);
/* Ready to be added to a curl multi handle; `owner` comes back as CURLINFO_PRIVATE. NULL with *why. */
struct fetch *fetch_new(struct bytes url, int64_t timeout_ms, const struct fetch_trust *trust, void *owner,
                        struct fail *why);
/* Makes it a POST of a form (copied, wiped with it), as the client `user` when that is not empty. A client's
 * own mistakes (400, 401) have bodies of their own: fetch_judge lets them pass. */
void fetch_post(struct fetch *fetch, struct bytes form, struct bytes user, struct bytes password);
/* The server is the one with that SPIFFE id, for which these roots (PEM) vouch, whatever the URL's host. */
bool fetch_demand(struct fetch *fetch, struct bytes roots, struct bytes spiffe_id, struct fail *why);
void fetch_free(struct fetch *fetch);
/* After the transfer: the body (borrowed), or why there is none. */
bool fetch_judge(struct fetch *fetch, CURLcode code, struct bytes *body, struct fail *why);

#endif
