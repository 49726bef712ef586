#include <string.h>

#include "wire/http1_head.h"
#include "wire/http_char.h"

#define LINE_MAX_BYTES 4096U    /* a size line with its extensions */
#define TRAILER_MAX_BYTES 8192U /* the whole trailer section */
#define TRAILERS_MAX 32U

static const struct http1_limits trailer_limits = {.name_max = 256};

/* RFC 9112 7.1: chunk-size [chunk-ext] CRLF data CRLF ... 0 CRLF trailers CRLF. 0 is no state: a refusal. */
enum state {
    REFUSED,
    SIZE_START,
    SIZE,
    GAP,      /* white space that only a ";" may end */
    NAME_GAP, /* after ";" */
    NAME,
    NAME_AFTER, /* white space after an extension's name */
    VALUE_GAP,  /* after "=" */
    VALUE,
    QUOTED,
    QUOTED_ESCAPE,
    QUOTED_AFTER,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER,
    END,
};

enum kind { OTHER, HEX, TCHAR, BLANK, SEMICOLON, EQUALS, QUOTE, BACKSLASH, CR, LF, VISIBLE, KINDS };

#define TOKEN_TO(state) [HEX] = state, [TCHAR] = state

static const uint8_t next_state[SIZE_LF][KINDS] = {
    [SIZE_START] = {[HEX] = SIZE},
    [SIZE] = {[HEX] = SIZE, [BLANK] = GAP, [SEMICOLON] = NAME_GAP, [CR] = SIZE_LF},
    [GAP] = {[BLANK] = GAP, [SEMICOLON] = NAME_GAP},
    [NAME_GAP] = {TOKEN_TO(NAME), [BLANK] = NAME_GAP},
    [NAME] =
        {TOKEN_TO(NAME), [BLANK] = NAME_AFTER, [EQUALS] = VALUE_GAP, [SEMICOLON] = NAME_GAP, [CR] = SIZE_LF},
    [NAME_AFTER] = {[BLANK] = NAME_AFTER, [EQUALS] = VALUE_GAP, [SEMICOLON] = NAME_GAP},
    [VALUE_GAP] = {TOKEN_TO(VALUE), [BLANK] = VALUE_GAP, [QUOTE] = QUOTED},
    [VALUE] = {TOKEN_TO(VALUE), [BLANK] = GAP, [SEMICOLON] = NAME_GAP, [CR] = SIZE_LF},
    [QUOTED] = {TOKEN_TO(QUOTED), [BLANK] = QUOTED, [SEMICOLON] = QUOTED, [EQUALS] = QUOTED,
                [VISIBLE] = QUOTED, [QUOTE] = QUOTED_AFTER, [BACKSLASH] = QUOTED_ESCAPE},
    [QUOTED_ESCAPE] = {TOKEN_TO(QUOTED), [BLANK] = QUOTED, [SEMICOLON] = QUOTED, [EQUALS] = QUOTED,
                       [VISIBLE] = QUOTED, [QUOTE] = QUOTED, [BACKSLASH] = QUOTED},
    [QUOTED_AFTER] = {[BLANK] = GAP, [SEMICOLON] = NAME_GAP, [CR] = SIZE_LF},
};

static enum kind kind_of(char c)
{
    switch (c) {
    case '\r':
        return CR;
    case '\n':
        return LF;
    case ' ':
    case '\t':
        return BLANK;
    case ';':
        return SEMICOLON;
    case '=':
        return EQUALS;
    case '"':
        return QUOTE;
    case '\\':
        return BACKSLASH;
    default:
        break;
    }
    if (http_char_is(c, HTTP_CHAR_HEX))
        return HEX;
    if (http_char_is(c, HTTP_CHAR_TOKEN))
        return TCHAR;
    return http_char_is(c, HTTP_CHAR_VALUE) ? VISIBLE : OTHER;
}

void http1_chunks_init(struct http1_chunks *chunks, struct arena *arena)
{
    *chunks = (struct http1_chunks){.state = SIZE_START, .arena = arena};
    http_fields_init(&chunks->trailers, arena);
    text_init_arena(&chunks->pending, arena);
}

static bool chunk_refuse(struct http1_chunks *chunks, struct http1_error *error, unsigned status,
                         const char *sentence)
{
    chunks->state = REFUSED;
    http1_refuse(error, status, sentence);
    return false;
}

static const char *size_line_fault(int state, char c)
{
    if (c == '\n')
        return "a chunk's size line ends with LF alone";
    if (state == SIZE_START || state == SIZE)
        return "a chunk's size is not a hexadecimal number";
    return "a chunk extension is malformed";
}

/* One byte of a size line before its LF. */
static bool size_step(struct http1_chunks *chunks, char c, struct http1_error *error)
{
    int state = next_state[chunks->state][kind_of(c)];
    if (state == REFUSED)
        return chunk_refuse(chunks, error, 400, size_line_fault(chunks->state, c));
    if (++chunks->line > LINE_MAX_BYTES)
        return chunk_refuse(chunks, error, 400, "a chunk's size line is too long");
    if (state == SIZE) {
        if (chunks->left > (uint64_t)(INT64_MAX >> 4))
            return chunk_refuse(chunks, error, 400, "a chunk's size is too large");
        chunks->left = chunks->left << 4 | (uint64_t)ascii_hex(c);
    }
    chunks->state = state;
    return true;
}

/* One byte of the fixed ones: LF after a size line, CR and LF after data. */
static bool mark_step(struct http1_chunks *chunks, char c, struct http1_error *error)
{
    switch (chunks->state) {
    case SIZE_LF:
        if (c != '\n')
            return chunk_refuse(chunks, error, 400, "a CR in a chunk's size line is not followed by LF");
        chunks->line = 0;
        chunks->state = chunks->left ? DATA : TRAILER;
        return true;
    case DATA_CR:
        if (c != '\r')
            return chunk_refuse(chunks, error, 400, "a chunk's data is not followed by CRLF");
        chunks->state = DATA_LF;
        return true;
    default:
        if (c != '\n')
            return chunk_refuse(chunks, error, 400, "a chunk's data is not followed by CRLF");
        chunks->state = SIZE_START;
        return true;
    }
}

/* One whole trailer line in memory of ours. */
static bool trailer_line(struct http1_chunks *chunks, char *line, size_t len, struct http1_error *error)
{
    struct bytes name, value;
    struct http1_reader reader = {line, line + len, &trailer_limits, error};
    if (http1_field_line(&reader, &name, &value) != HTTP1_DONE) {
        chunks->state = REFUSED;
        return false;
    }
    if (name.len == 0)
        chunks->state = END;
    else if (http_is_trailer(name)) {
        if (chunks->trailers.count == TRAILERS_MAX)
            return chunk_refuse(chunks, error, 431, "there are too many trailer fields");
        http_fields_add(&chunks->trailers, name, value);
    }
    return true;
}

/* Takes what `in` has of the current trailer line. */
static bool trailer_step(struct http1_chunks *chunks, struct bytes in, size_t *used,
                         struct http1_error *error)
{
    size_t len = bytes_find(in, '\n');
    bool whole = len < in.len;
    len += whole;
    chunks->line += len;
    if (chunks->line > TRAILER_MAX_BYTES)
        return chunk_refuse(chunks, error, 431, "the trailer section is too long");
    *used += len;
    text_add(&chunks->pending, bytes_part(in, 0, len));
    if (!whole)
        return true;
    struct text line = chunks->pending;
    text_init_arena(&chunks->pending, chunks->arena);
    return trailer_line(chunks, line.at, line.len, error);
}

static struct bytes data_step(struct http1_chunks *chunks, struct bytes in)
{
    struct bytes data = bytes_part(in, 0, chunks->left < in.len ? (size_t)chunks->left : in.len);
    chunks->left -= data.len;
    if (chunks->left == 0)
        chunks->state = DATA_CR;
    return data;
}

enum http1_piece http1_chunks_read(struct http1_chunks *chunks, struct bytes in, size_t *used,
                                   struct bytes *data, struct http1_error *error)
{
    size_t at = 0;
    bool going = true;
    while (going && at < in.len && chunks->state != END) {
        if (chunks->state == REFUSED) {
            going = chunk_refuse(chunks, error, 400, "the chunked body was refused before");
        } else if (chunks->state < SIZE_LF) {
            going = size_step(chunks, in.at[at++], error);
        } else if (chunks->state == DATA) {
            *data = data_step(chunks, bytes_part(in, at, in.len));
            *used = at + data->len;
            return HTTP1_PIECE_DATA;
        } else if (chunks->state == TRAILER) {
            going = trailer_step(chunks, bytes_part(in, at, in.len), &at, error);
        } else {
            going = mark_step(chunks, in.at[at++], error);
        }
    }
    *used = at;
    if (!going)
        return HTTP1_PIECE_BAD;
    return chunks->state == END ? HTTP1_PIECE_END : HTTP1_PIECE_MORE;
}
