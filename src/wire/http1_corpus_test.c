/* The requests and responses that others collected, at the codec's level: what a proxy does with them is
 * played elsewhere. Skipped where the collection is not beside the source. */
#include "base/test.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <glob.h>

#include "wire/http1.h"
#include "wire/path.h"

#define MESSAGES_MAX 32

struct message {
    struct bytes method;
    struct bytes target;
    struct bytes body;
};

enum end { END_MORE, END_BAD, END_CLOSE, END_ALL };

struct played {
    struct message at[MESSAGES_MAX];
    size_t count;
    enum end end;
    struct http1_error error;
    bool rest; /* bytes are left that begin another message */
};

struct corpus {
    unsigned rows, failed;
    unsigned lenient; /* rows that a strict reader refuses and we do not */
    unsigned waiting; /* rows to be refused where we wait for more: the time-out's work */
};

static struct bytes decoded(const json_t *value, struct arena *arena)
{
    size_t len = json_string_length(value), pad = 0;
    const char *text = json_string_value(value);
    unsigned char *out = arena_alloc(arena, len + 1);
    while (pad < len && text[len - pad - 1] == '=')
        pad++;
    int size = EVP_DecodeBlock(out, (const unsigned char *)text, (int)len);
    return bytes_make(out, size < 0 ? 0 : (size_t)size - pad);
}

static struct bytes text_of(const json_t *item, const char *name)
{
    const json_t *value = json_object_get(item, name);
    return bytes_make(json_string_value(value), json_string_length(value));
}

/* U+0000..U+00FF of the JSON file as bytes. */
static struct bytes latin1(struct bytes in, struct arena *arena)
{
    unsigned char *out = arena_alloc(arena, in.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < in.len; i++) {
        unsigned char c = (unsigned char)in.at[i];
        if (c >= 0xC0 && i + 1 < in.len)
            c = (unsigned char)((c & 3) << 6 | ((unsigned char)in.at[++i] & 0x3F));
        out[len++] = c;
    }
    return bytes_make(out, len);
}

static enum http1_piece read_chunks(char *in, size_t len, struct arena *arena, struct text *body,
                                    size_t *used, struct http1_error *error)
{
    struct http1_chunks chunks;
    enum http1_piece piece;
    *used = 0;
    http1_chunks_init(&chunks, arena);
    do {
        size_t step;
        struct bytes data;
        piece = http1_chunks_read(&chunks, bytes_make(in + *used, len - *used), &step, &data, error);
        *used += step;
        if (piece == HTTP1_PIECE_DATA)
            text_add(body, data);
    } while (piece == HTTP1_PIECE_DATA);
    return piece;
}

/* The body at `in`; answers false with played->end set when it does not come to its end. */
static bool read_body(const struct http1_framing *framing, char *in, size_t len, bool closed,
                      struct arena *arena, struct played *played, struct bytes *body, size_t *used)
{
    struct text text;
    *body = (struct bytes){0};
    *used = 0;
    text_init_arena(&text, arena);
    played->end = END_MORE;
    if (framing->body == HTTP1_BODY_CHUNKED) {
        enum http1_piece piece = read_chunks(in, len, arena, &text, used, &played->error);
        *body = text_bytes(&text);
        if (piece == HTTP1_PIECE_BAD)
            played->end = END_BAD;
        return piece == HTTP1_PIECE_END;
    }
    *used = framing->body == HTTP1_BODY_CLOSE ? len : (size_t)framing->length;
    if (framing->body == HTTP1_BODY_LENGTH && framing->length > len)
        *used = len;
    *body = bytes_make(in, *used);
    return framing->body == HTTP1_BODY_CLOSE ? closed : *used == framing->length;
}

static void play_requests(struct bytes raw, struct arena *arena, struct played *played)
{
    size_t at = 0;
    *played = (struct played){.end = END_ALL};
    char *in = arena_raw(arena, raw.len);
    memcpy(in, raw.at, raw.len);
    while (at < raw.len && played->count < MESSAGES_MAX) {
        struct http_request request;
        struct http1_framing framing;
        size_t seen = 0, used, body_used;
        struct bytes body;
        enum http1_turn turn = http1_read_request(in + at, raw.len - at, &seen, &http1_limits_default, arena,
                                                  &request, &framing, &used, &played->error);
        if (turn != HTTP1_DONE) {
            played->end = turn == HTTP1_BAD ? END_BAD : END_MORE;
            played->rest = raw.at[at] != '\r';
            return;
        }
        at += used;
        if (!read_body(&framing, in + at, raw.len - at, false, arena, played, &body, &body_used))
            return;
        at += body_used;
        played->at[played->count++] = (struct message){request.method, request.target, body};
        played->end = framing.keep_alive ? END_ALL : END_CLOSE;
        if (!framing.keep_alive)
            return;
    }
}

static bool forwards(const json_t *row, const struct played *played, struct arena *arena, size_t count)
{
    const json_t *list = json_object_get(row, "forward");
    if (played->count < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        const json_t *one = json_array_get(list, i);
        const struct message *got = &played->at[i];
        if (!bytes_equal(got->method, text_of(one, "method")) ||
            !bytes_equal(got->target, latin1(text_of(one, "target"), arena)) ||
            !bytes_equal(got->body, decoded(json_object_get(one, "body_b64"), arena)))
            return false;
    }
    return true;
}

static const char *judge_request(const json_t *row, const struct played *played, struct arena *arena,
                                 struct corpus *corpus)
{
    struct bytes verdict = text_of(row, "verdict");
    size_t listed = json_array_size(json_object_get(row, "forward"));
    size_t max = (size_t)json_integer_value(json_object_get(row, "max_forward"));
    bool refused = played->end == END_BAD;
    if (bytes_equal(verdict, BYTES("accept")) || bytes_equal(verdict, BYTES("close"))) {
        if (refused || played->count != listed || !forwards(row, played, arena, listed) || played->rest)
            return "is not read as it must be";
        return bytes_equal(verdict, BYTES("close")) == (played->end == END_CLOSE) ? NULL : "closes wrongly";
    }
    if (bytes_equal(verdict, BYTES("either"))) {
        if (played->count > max)
            return "is read as more than it can mean";
        corpus->lenient += bytes_equal(text_of(row, "strict"), BYTES("reject")) && !refused;
        if (bytes_equal(text_of(row, "strict"), BYTES("reject")) && !refused && getenv("CORPUS_SHOW"))
            print_message("  lenient: %s\n", text_of(row, "name").at);
        return NULL;
    }
    if (played->count > listed)
        return "is read, must not be";
    if (bytes_equal(verdict, BYTES("reject")) && !refused) {
        corpus->waiting++;
        return played->end == END_MORE ? NULL : "is not refused";
    }
    return forwards(row, played, arena, played->count) ? NULL : "reads the first requests wrongly";
}

static void play_responses(const json_t *row, struct arena *arena, struct played *played,
                           struct http_response *out)
{
    struct text raw;
    const json_t *part;
    size_t i, at = 0;
    bool closed = json_is_true(json_object_get(row, "close"));
    text_init_arena(&raw, arena);
    json_array_foreach(json_object_get(row, "parts_b64"), i, part) text_add(&raw, decoded(part, arena));
    *played = (struct played){.end = END_MORE};
    for (;;) {
        struct http1_framing framing;
        size_t seen = 0, used;
        enum http1_turn turn =
            http1_read_response(raw.at + at, raw.len - at, &seen, &http1_limits_default,
                                text_of(row, "method"), arena, out, &framing, &used, &played->error);
        if (turn != HTTP1_DONE) {
            played->end = turn == HTTP1_BAD ? END_BAD : END_MORE;
            return;
        }
        at += used;
        if (out->status / 100 == 1 && out->status != 101)
            continue;
        struct bytes body;
        bool whole = read_body(&framing, raw.at + at, raw.len - at, closed, arena, played, &body, &used);
        played->at[0].body = body;
        played->count = whole;
        if (whole)
            played->end = END_ALL;
        return;
    }
}

static const char *judge_response(const json_t *row, struct arena *arena, struct corpus *corpus)
{
    struct played played;
    struct http_response response = {0};
    struct bytes verdict = text_of(row, "verdict");
    play_responses(row, arena, &played, &response);
    unsigned status = (unsigned)json_integer_value(json_object_get(row, "status"));
    bool whole = played.count && response.status == status &&
                 bytes_equal(played.at[0].body, decoded(json_object_get(row, "body_b64"), arena));
    const json_t *name;
    size_t i;
    json_array_foreach(json_object_get(row, "absent"), i,
                       name) if (http_fields_find_name(&response.fields,
                                                       bytes_of(json_string_value(
                                                           name)))) return "keeps a field for one hop";
    if (bytes_equal(verdict, BYTES("forward")))
        return whole ? NULL : "is not read as it must be";
    if (bytes_equal(verdict, BYTES("either"))) {
        corpus->lenient += bytes_equal(text_of(row, "strict"), BYTES("reject")) && played.end == END_ALL;
        return played.end == END_ALL && !whole && !json_is_true(json_object_get(row, "any_body"))
                   ? "is read as something else"
                   : NULL;
    }
    return played.end == END_ALL ? "is read, must not be" : NULL;
}

static const char *judge_path(const json_t *row, struct arena *arena, struct corpus *corpus)
{
    enum path_level level;
    struct bytes out;
    struct fail why;
    size_t i;
    const json_t *allowed;
    if (!path_level_parse(text_of(row, "level"), &level)) {
        corpus->rows--;
        return NULL;
    }
    struct bytes in = decoded(json_object_get(row, "target_b64"), arena);
    bool ok = path_normalize(in, level, arena, &out, &why);
    json_array_foreach(json_object_get(row, "allow"), i, allowed)
    {
        bool refusal = bytes_equal(bytes_of(json_string_value(allowed)), BYTES("reject"));
        if (refusal ? !ok : ok && bytes_equal(out, decoded(allowed, arena)))
            return NULL;
    }
    return "is not normalised as it must be";
}

typedef const char *row_judge(const json_t *row, struct arena *arena, struct corpus *corpus);

static const char *judge_request_row(const json_t *row, struct arena *arena, struct corpus *corpus)
{
    struct played played;
    play_requests(decoded(json_object_get(row, "raw_b64"), arena), arena, &played);
    return judge_request(row, &played, arena, corpus);
}

static void play_file(const char *path, row_judge *judge, struct corpus *corpus)
{
    struct arena arena;
    size_t i;
    const json_t *row;
    json_t *file = json_load_file(path, JSON_ALLOW_NUL, NULL);
    assert_true(json_is_array(file));
    arena_init(&arena);
    json_array_foreach(file, i, row)
    {
        corpus->rows++;
        const char *fault = judge(row, &arena, corpus);
        if (fault) {
            corpus->failed++;
            print_error("%s %s\n", text_of(row, "name").at, fault);
        }
        arena_reset(&arena);
    }
    arena_done(&arena);
    json_decref(file);
}

static void play_group(const char *group, row_judge *judge)
{
    char pattern[4096];
    glob_t files;
    struct corpus corpus = {0};
    const char *root = getenv("SELVAGE_SOURCE");
    snprintf(pattern, sizeof pattern, "%s/../shared/conformance/protocols/corpus/%s/*.json",
             root ? root : ".", group);
    if (glob(pattern, 0, NULL, &files) != 0) {
        print_message("%s: skipped, the conformance data are not beside the source\n", group);
        skip();
    }
    for (size_t i = 0; i < files.gl_pathc; i++)
        play_file(files.gl_pathv[i], judge, &corpus);
    globfree(&files);
    print_message("%s: %u rows, %u failed; %u beyond a strict reader, %u left to the time-out\n", group,
                  corpus.rows, corpus.failed, corpus.lenient, corpus.waiting);
    assert_int_equal(corpus.failed, 0);
}

static void requests_of_others_are_read_or_refused(void **state)
{
    (void)state;
    play_group("h1_requests", judge_request_row);
}

static void responses_of_others_are_read_or_refused(void **state)
{
    (void)state;
    play_group("h1_responses", judge_response);
}

static void paths_of_others_are_normalised(void **state)
{
    (void)state;
    play_group("url_normalization", judge_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_of_others_are_read_or_refused),
        cmocka_unit_test(responses_of_others_are_read_or_refused),
        cmocka_unit_test(paths_of_others_are_normalised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
