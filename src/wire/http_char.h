/*
 * http_char: which byte may stand where in HTTP, as one table.
 */
#ifndef WIRE_HTTP_CHAR_H
#define WIRE_HTTP_CHAR_H

#include "base/bytes.h"

enum {
    HTTP_CHAR_TOKEN = 1,  /* tchar, RFC 9110 5.6.2 */
    HTTP_CHAR_VALUE = 2,  /* field-vchar, obs-text, space and tab, RFC 9110 5.5 */
    HTTP_CHAR_TARGET = 4, /* what we take in a request target; see the table */
    HTTP_CHAR_HOST = 8,   /* reg-name, RFC 3986 3.2.2, without the comma that could end a list's element */
    HTTP_CHAR_HEX = 16,
};
extern const uint8_t http_char[256];
/* A token's character in lower case; 0 for what no token holds. */
extern const char http_char_lower[256];

static inline bool http_char_is(char c, unsigned kinds)
{
    return (http_char[(unsigned char)c] & kinds) != 0;
}

/* Where the first byte lies that no field value may hold (a control but tab); `end` when there is none. */
const char *http_value_end(const char *at, const char *end);

#endif
