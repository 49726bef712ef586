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

#define EACH(byte) (UINT64_MAX / 255 * (byte))

/* Whether one of eight bytes is below 0x20 or is 0x7F: a borrow reaches the top bit of no other byte. */
static bool word_has_control(uint64_t word)
{
    uint64_t del = word ^ EACH(0x7F);
    uint64_t low = (word - EACH(0x20)) & ~word;
    uint64_t zero = (del - EACH(0x01)) & ~del;
    return ((low | zero) & EACH(0x80)) != 0;
}

const char *http_value_end(const char *at, const char *end)
{
    while (end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        if (word_has_control(word))
            break;
        at += 8;
    }
    while (at < end && http_char_is(*at, HTTP_CHAR_VALUE))
        at++;
    return at;
}
