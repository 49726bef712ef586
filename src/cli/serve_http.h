/*
 * serve_http: HTTP/1.1 on one connection of serve, request by request.
 *
 * Bodies are read to their end before the answer; of what was read only the
 * length, the digest and the first SERVE_BODY_KEPT bytes remain.
 */
#ifndef CLI_SERVE_HTTP_H
#define CLI_SERVE_HTTP_H

#include "crypt/digest.h"
#include "wire/http1.h"

#define SERVE_BODY_KEPT 4096

struct serving {
    int fd;
    struct arena arena; /* of this request */
    struct http_request request;
    struct http1_framing framing;
    uint64_t body_len;
    struct digest body_digest;
    char body[SERVE_BODY_KEPT];
    struct bytes early; /* what came behind the request already: a tunnel's first bytes */
    bool keep_alive;    /* clear it to end the connection after this answer */
};

/* Called for each request; must answer exactly once. */
typedef void serve_answer(struct serving *serving, void *self);
void serve_http(int fd, serve_answer *answer, void *self);

/* A whole answer. `fields` may be NULL. */
void serving_reply(struct serving *serving, unsigned status, const char *type,
                   const struct http_fields *fields, struct bytes body);
/* Or its head; the body is the caller's affair. */
void serving_head(struct serving *serving, unsigned status, const struct http_fields *fields,
                  struct http1_write how);
/* False when the client has gone; the connection then ends. */
bool serving_send(struct serving *serving, struct bytes bytes);
bool serving_is_head(const struct serving *serving);

#endif
