/*
 * bytes: a borrowed run of bytes, text or not.
 *
 * Never owns what it points at; the lifetime is that of the arena, buffer or
 * image the bytes lie in. No terminating NUL is promised.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const char *at;
    size_t len;
};

/* A string literal as bytes; BYTES_INIT is the form for static tables. */
#define BYTES(literal) ((struct bytes){"" literal, sizeof(literal) - 1})
#define BYTES_INIT(literal)                                                                                  \
    {                                                                                                        \
        "" literal, sizeof(literal) - 1                                                                      \
    }
/* For printf's "%.*s". */
#define BYTES_FMT(b) (int)(b).len, (b).at

/* What is one or two instructions stands here, so that the data path does not call for it. */

/* NULL gives empty bytes */
static inline struct bytes bytes_of(const char *text)
{
    return (struct bytes){text, text ? strlen(text) : 0};
}

static inline struct bytes bytes_make(const void *at, size_t len)
{
    return (struct bytes){(const char *)at, len};
}

/* [from, to) clipped to what is there. */
static inline struct bytes bytes_part(struct bytes b, size_t from, size_t to)
{
    if (to > b.len)
        to = b.len;
    if (from > to)
        from = to;
    return (struct bytes){to > from ? b.at + from : b.at, to - from};
}

struct bytes bytes_trim(struct bytes b); /* spaces and tabs at both ends (HTTP's OWS) */

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool bytes_equal_nocase(struct bytes a, struct bytes b); /* ASCII letters only */
int bytes_compare(struct bytes a, struct bytes b);       /* memcmp order, shorter first */
/* Takes the same time wherever the first difference is. */
bool bytes_equal_secret(struct bytes a, struct bytes b);
static inline bool bytes_starts(struct bytes b, struct bytes prefix)
{
    return b.len >= prefix.len && (prefix.len == 0 || memcmp(b.at, prefix.at, prefix.len) == 0);
}

bool bytes_ends(struct bytes b, struct bytes suffix);
bool bytes_starts_nocase(struct bytes b, struct bytes prefix);
bool bytes_ends_nocase(struct bytes b, struct bytes suffix);

/* Index of the first (last) occurrence, or b.len when there is none. */
size_t bytes_find(struct bytes b, char c);
size_t bytes_find_last(struct bytes b, char c);
size_t bytes_find_text(struct bytes b, struct bytes needle);

/*
 * Cuts *rest at the first `mark`: *head gets what stands before it, *rest what
 * follows. Without a mark *head gets everything, *rest is empty, false returns.
 */
bool bytes_cut(struct bytes *rest, char mark, struct bytes *head);

/* Unsigned decimal, digits only, no sign, nothing else, at most `max`. */
bool bytes_to_u64(struct bytes b, uint64_t max, uint64_t *out);

/* ASCII, independent of any locale. */
static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline bool ascii_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool ascii_is_alpha(char c)
{
    c = ascii_lower(c);
    return c >= 'a' && c <= 'z';
}

int ascii_hex(char c); /* 0..15, or -1 */

/* Well-formed UTF-8: no overlong form, no surrogate, at most U+10FFFF. */
bool bytes_is_utf8(struct bytes b);

#endif
