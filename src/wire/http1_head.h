/*
 * http1_head: what requests and responses have in common, the field lines and
 * what they say about the message's framing. Inside of http1 only.
 */
#ifndef WIRE_HTTP1_HEAD_H
#define WIRE_HTTP1_HEAD_H

#include "wire/http1.h"

/* More options than anyone needs; each costs a walk over the fields. */
#define HTTP1_NAMED_MAX 16

/* The part of the buffer not read yet. */
struct http1_reader {
    char *at;
    char *end;
    const struct http1_limits *limits;
    struct http1_error *error;
};

struct http1_head {
    struct http_fields *fields;
    bool request;
    uint32_t lines;
    unsigned hosts, lengths, codings; /* how many fields of the kind there were */
    struct bytes host;
    struct bytes length;
    struct bytes coding;
    struct bytes upgrade; /* all Upgrade fields, joined */
    bool close;           /* connection options */
    bool keep_alive;
    uint32_t rest_s; /* Keep-Alive: timeout */
    bool upgrade_named;
    bool trailers_wanted; /* TE: trailers */
    bool expect_continue;
    struct bytes named[HTTP1_NAMED_MAX]; /* options that are no words of ours: names of fields to drop */
    unsigned named_count;
};

/* Reads the start line at reader->at and moves on behind its CRLF. */
typedef enum http1_turn http1_start_line(struct http1_reader *reader, void *message);

enum http1_turn http1_refuse(struct http1_error *error, unsigned status, const char *sentence);
/* A limit has bitten: 414 for the request line, else 431. */
enum http1_turn http1_over(struct http1_error *error, enum limit limit, const char *sentence);
/* One whole head; see http1_read_request. `head` is ready when DONE. */
enum http1_turn http1_head_read(struct http1_reader *reader, size_t *seen, http1_start_line *start,
                                void *message, struct http1_head *head);
/* One field line; the name is folded in place. At the empty line DONE with an empty name. */
enum http1_turn http1_field_line(struct http1_reader *reader, struct bytes *name, struct bytes *value);
/* "HTTP/1.x" at reader->at: *minor is 0 or 1 (a later 1.x is a 1.1). */
enum http1_turn http1_version(struct http1_reader *reader, int *minor);
/* Drops the fields that Connection named and says what became of the length fields. */
enum http1_turn http1_head_framing(struct http1_head *head, int minor, struct http1_framing *framing,
                                   struct http1_error *error);

#endif
