#include "wire/http_char.h"

#include <string.h>

#define K HTTP_CHAR_TOKEN
#define V HTTP_CHAR_VALUE
#define T HTTP_CHAR_TARGET
#define H HTTP_CHAR_HOST
#define X HTTP_CHAR_HEX

/*
 * Targets: browsers send \ ^ ` { | } unescaped in queries, and Istio's lower
 * normalisation levels speak of the raw backslash, so these pass beyond RFC
 * 3986. A double quote, < and > never come from a browser; bytes above 0x7F and
 * "#" (a fragment is none of a server's business) mean different things to
 * different readers. They are refused.
 */
const uint8_t http_char[256] = {
    ['\t'] = V,
    [' '] = V,
    ['!'] = K | V | T | H,
    ['"'] = V,
    ['#'] = K | V,
    ['$'] = K | V | T | H,
    ['%'] = K | V | T | H,
    ['&'] = K | V | T | H,
    ['\''] = K | V | T | H,
    ['('] = V | T | H,
    [')'] = V | T | H,
    ['*'] = K | V | T | H,
    ['+'] = K | V | T | H,
    [','] = V | T,
    ['-'] = K | V | T | H,
    ['.'] = K | V | T | H,
    ['/'] = V | T,
    ['0' ... '9'] = K | V | T | H | X,
    [':'] = V | T,
    [';'] = V | T | H,
    ['<'] = V,
    ['='] = V | T | H,
    ['>'] = V,
    ['?'] = V | T,
    ['@'] = V | T,
    ['A' ... 'F'] = K | V | T | H | X,
    ['G' ... 'Z'] = K | V | T | H,
    ['['] = V | T,
    ['\\'] = V | T,
    [']'] = V | T,
    ['^'] = K | V | T,
    ['_'] = K | V | T | H,
    ['`'] = K | V | T,
    ['a' ... 'f'] = K | V | T | H | X,
    ['g' ... 'z'] = K | V | T | H,
    ['{'] = V | T,
    ['|'] = K | V | T,
    ['}'] = V | T,
    ['~'] = K | V | T | H,
    [0x80 ... 0xFF] = V,
};

#define LETTER(upper, lower) [upper] = lower, [lower] = lower
#define SELF(c) [c] = c

const char http_char_lower[256] = {
    SELF('!'),        SELF('#'),        SELF('$'),        SELF('%'),        SELF('&'),
    SELF('\''),       SELF('*'),        SELF('+'),        SELF('-'),        SELF('.'),
    SELF('^'),        SELF('_'),        SELF('`'),        SELF('|'),        SELF('~'),
    SELF('0'),        SELF('1'),        SELF('2'),        SELF('3'),        SELF('4'),
    SELF('5'),        SELF('6'),        SELF('7'),        SELF('8'),        SELF('9'),
    LETTER('A', 'a'), LETTER('B', 'b'), LETTER('C', 'c'), LETTER('D', 'd'), LETTER('E', 'e'),
    LETTER('F', 'f'), LETTER('G', 'g'), LETTER('H', 'h'), LETTER('I', 'i'), LETTER('J', 'j'),
    LETTER('K', 'k'), LETTER('L', 'l'), LETTER('M', 'm'), LETTER('N', 'n'), LETTER('O', 'o'),
    LETTER('P', 'p'), LETTER('Q', 'q'), LETTER('R', 'r'), LETTER('S', 's'), LETTER('T', 't'),
    LETTER('U', 'u'), LETTER('V', 'v'), LETTER('W', 'w'), LETTER('X', 'x'), LETTER('Y', 'y'),
    LETTER('Z', 'z'),
};

/* A vector of the compiler's: SSE2 or Neon where there is one, words elsewhere. */
typedef uint8_t sixteen __attribute__((vector_size(16)));

/* Whether one of sixteen bytes is below 0x20 or is 0x7F. */
static bool has_control(const char *at)
{
    sixteen bytes;
    uint64_t found[2];
    memcpy(&bytes, at, sizeof bytes);
    const sixteen controls = (sixteen)(bytes < 0x20) | (sixteen)(bytes == 0x7F);
    memcpy(found, &controls, sizeof found);
    return (found[0] | found[1]) != 0;
}

const char *http_value_end(const char *at, const char *end)
{
    const ptrdiff_t step = sizeof(sixteen);
    bool long_enough = end - at >= step;
    while (end - at >= step && !has_control(at))
        at += step;
    if (long_enough && end - at < step && !has_control(end - step)) /* what is left, and some of it again */
        return end;
    while (at < end && http_char_is(*at, HTTP_CHAR_VALUE))
        at++;
    return at;
}
