#include "wire/base64.h"

/* One table reads both alphabets: the value in the low six bits, above it who may use the character. */
enum { CLASSIC = 0x40, URL = 0x80 };

static const char classic_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#define BOTH(value) (CLASSIC | URL | (value))
static const uint8_t reading[256] = {
    ['A'] = BOTH(0),  ['B'] = BOTH(1),  ['C'] = BOTH(2),      ['D'] = BOTH(3),      ['E'] = BOTH(4),
    ['F'] = BOTH(5),  ['G'] = BOTH(6),  ['H'] = BOTH(7),      ['I'] = BOTH(8),      ['J'] = BOTH(9),
    ['K'] = BOTH(10), ['L'] = BOTH(11), ['M'] = BOTH(12),     ['N'] = BOTH(13),     ['O'] = BOTH(14),
    ['P'] = BOTH(15), ['Q'] = BOTH(16), ['R'] = BOTH(17),     ['S'] = BOTH(18),     ['T'] = BOTH(19),
    ['U'] = BOTH(20), ['V'] = BOTH(21), ['W'] = BOTH(22),     ['X'] = BOTH(23),     ['Y'] = BOTH(24),
    ['Z'] = BOTH(25), ['a'] = BOTH(26), ['b'] = BOTH(27),     ['c'] = BOTH(28),     ['d'] = BOTH(29),
    ['e'] = BOTH(30), ['f'] = BOTH(31), ['g'] = BOTH(32),     ['h'] = BOTH(33),     ['i'] = BOTH(34),
    ['j'] = BOTH(35), ['k'] = BOTH(36), ['l'] = BOTH(37),     ['m'] = BOTH(38),     ['n'] = BOTH(39),
    ['o'] = BOTH(40), ['p'] = BOTH(41), ['q'] = BOTH(42),     ['r'] = BOTH(43),     ['s'] = BOTH(44),
    ['t'] = BOTH(45), ['u'] = BOTH(46), ['v'] = BOTH(47),     ['w'] = BOTH(48),     ['x'] = BOTH(49),
    ['y'] = BOTH(50), ['z'] = BOTH(51), ['0'] = BOTH(52),     ['1'] = BOTH(53),     ['2'] = BOTH(54),
    ['3'] = BOTH(55), ['4'] = BOTH(56), ['5'] = BOTH(57),     ['6'] = BOTH(58),     ['7'] = BOTH(59),
    ['8'] = BOTH(60), ['9'] = BOTH(61), ['+'] = CLASSIC | 62, ['/'] = CLASSIC | 63, ['-'] = URL | 62,
    ['_'] = URL | 63,
};

static uint8_t reading_of(char c)
{
    return reading[(unsigned char)c];
}

/* The last two or three characters of an unpadded text; bits that do not make a whole byte must be zero. */
static bool tail_decode(const char *in, size_t count, uint8_t alphabet, uint8_t *at)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t value = reading_of(in[i]);
        if (!(value & alphabet))
            return false;
        bits = bits << 6 | (value & 63);
    }
    if (count == 2) {
        at[0] = (uint8_t)(bits >> 4);
        return (bits & 15) == 0;
    }
    at[0] = (uint8_t)(bits >> 10);
    at[1] = (uint8_t)(bits >> 2);
    return (bits & 3) == 0;
}

/* `in` has no padding. */
static bool decode(struct bytes in, uint8_t alphabet, struct arena *arena, struct bytes *out)
{
    size_t tail = in.len % 4;
    if (tail == 1)
        return false;
    size_t whole = in.len - tail, len = whole / 4 * 3 + (tail ? tail - 1 : 0);
    uint8_t *start = (uint8_t *)arena_raw(arena, len + 1), *at = start;
    for (size_t i = 0; i < whole; i += 4, at += 3) {
        uint8_t a = reading_of(in.at[i]), b = reading_of(in.at[i + 1]);
        uint8_t c = reading_of(in.at[i + 2]), d = reading_of(in.at[i + 3]);
        if (!(a & b & c & d & alphabet))
            return false;
        at[0] = (uint8_t)((a & 63) << 2 | (b & 63) >> 4);
        at[1] = (uint8_t)((b & 15) << 4 | (c & 63) >> 2);
        at[2] = (uint8_t)((c & 3) << 6 | (d & 63));
    }
    if (tail && !tail_decode(in.at + whole, tail, alphabet, at))
        return false;
    *out = bytes_make(start, len);
    return true;
}

static struct bytes encode(struct bytes in, const char *alphabet, bool padded, struct arena *arena)
{
    char *start = arena_raw(arena, (in.len + 2) / 3 * 4 + 1), *at = start;
    const uint8_t *from = (const uint8_t *)in.at;
    size_t left = in.len;
    for (; left >= 3; left -= 3, from += 3) {
        *at++ = alphabet[from[0] >> 2];
        *at++ = alphabet[(from[0] & 3) << 4 | from[1] >> 4];
        *at++ = alphabet[(from[1] & 15) << 2 | from[2] >> 6];
        *at++ = alphabet[from[2] & 63];
    }
    if (left) {
        uint8_t second = left == 2 ? from[1] : 0;
        *at++ = alphabet[from[0] >> 2];
        *at++ = alphabet[(from[0] & 3) << 4 | second >> 4];
        if (left == 2)
            *at++ = alphabet[(second & 15) << 2];
        for (size_t i = left; padded && i < 3; i++)
            *at++ = '=';
    }
    return bytes_make(start, (size_t)(at - start));
}

bool base64url_decode(struct bytes in, struct arena *arena, struct bytes *out)
{
    return decode(in, URL, arena, out);
}

struct bytes base64url_encode(struct bytes in, struct arena *arena)
{
    return encode(in, url_alphabet, false, arena);
}

/* Cuts the "=" that fill the last four off; false when there are too few or too many. */
static bool padding_cut(struct bytes *in)
{
    if (in->len % 4)
        return false;
    for (int i = 0; i < 2 && in->len && in->at[in->len - 1] == '='; i++)
        in->len--;
    return true;
}

bool base64url_decode_padded(struct bytes in, struct arena *arena, struct bytes *out)
{
    if (in.len && in.at[in.len - 1] == '=' && !padding_cut(&in))
        return false;
    return decode(in, URL, arena, out);
}

static struct bytes without_space(struct bytes in, struct arena *arena)
{
    char *start = arena_raw(arena, in.len + 1), *at = start;
    for (size_t i = 0; i < in.len; i++) {
        char c = in.at[i];
        if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
            *at++ = c;
    }
    return bytes_make(start, (size_t)(at - start));
}

bool base64_decode(struct bytes in, bool loose, struct arena *arena, struct bytes *out)
{
    if (loose)
        in = without_space(in, arena);
    return padding_cut(&in) && decode(in, CLASSIC, arena, out);
}

struct bytes base64_encode(struct bytes in, struct arena *arena)
{
    return encode(in, classic_alphabet, true, arena);
}
