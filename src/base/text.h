/*
 * text: a growing piece of text.
 *
 * Lies either in an arena (text_init_arena: grows, nothing to free) or in a
 * buffer of the caller's (text_init_fixed: what does not fit is dropped and
 * `cut` says so). A NUL always follows the content.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdarg.h>
#include <string.h>

#include "base/arena.h"
#include "base/bytes.h"

struct text {
    char *at;
    size_t len;
    size_t room; /* bytes at `at`, the NUL's included */
    struct arena *arena;
    bool cut;
};

void text_init_arena(struct text *text, struct arena *arena);
void text_init_fixed(struct text *text, char *buffer, size_t size);

/* For what does not fit as it is: grows, or cuts. */
void text_add_grow(struct text *text, struct bytes b);

static inline void text_add(struct text *text, struct bytes b)
{
    if (text->len + b.len >= text->room) {
        text_add_grow(text, b);
        return;
    }
    if (b.len)
        memcpy(text->at + text->len, b.at, b.len);
    text->len += b.len;
    text->at[text->len] = '\0';
}

static inline void text_add_c(struct text *text, char c)
{
    text_add(text, bytes_make(&c, 1));
}

static inline void text_add_s(struct text *text, const char *s)
{
    text_add(text, bytes_of(s));
}

void text_add_u64(struct text *text, uint64_t number);
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_vformat(struct text *text, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
/* As a JSON string with its quotes; what is not UTF-8 becomes U+FFFD. */
void text_add_json(struct text *text, struct bytes b);
void text_add_hex(struct text *text, struct bytes b); /* lower case */
/* For messages to people: control characters and what is not UTF-8 as \xNN, cut after `max` bytes with ... */
void text_add_shown(struct text *text, struct bytes b, size_t max);
struct bytes text_bytes(const struct text *text);

#endif
