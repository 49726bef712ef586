/* Tests of what joining machines and the authority say to each other. */
#include "base/test.h"

#include <string.h>

#include "wire/join.h"

static struct arena arena;
static struct fail why;

static struct bytes body_of(const struct text *message, size_t max)
{
    size_t len;
    assert_true(join_head_read((const unsigned char *)message->at, max, &len, &why));
    assert_int_equal(len, message->len - JOIN_HEAD_SIZE);
    return bytes_make(message->at + JOIN_HEAD_SIZE, len);
}

static void requests_survive_the_way(void **state)
{
    (void)state;
    static const struct join_request rows[] = {
        {BYTES_INIT("csr\n\"x\""), BYTES_INIT("t")}, {BYTES_INIT("csr"), {0}}, {{0}, {0}}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct text message;
        struct join_request back;
        text_init_arena(&message, &arena);
        join_request_write(&rows[i], &message);
        assert_true(join_request_read(body_of(&message, JOIN_REQUEST_MAX), &arena, &back, &why));
        assert_true(bytes_equal(back.csr, rows[i].csr));
        assert_true(bytes_equal(back.token, rows[i].token));
    }
}

static void replies_survive_the_way(void **state)
{
    (void)state;
    static const struct join_reply rows[] = {
        {.chain = BYTES_INIT("c"), .roots = BYTES_INIT("r"), .refresh_s = 900},
        {.roots = BYTES_INIT("r"), .refresh_s = 1},
        {.error = BYTES_INIT("no")}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct text message;
        struct join_reply back;
        text_init_arena(&message, &arena);
        join_reply_write(&rows[i], &message);
        assert_true(join_reply_read(body_of(&message, JOIN_MESSAGE_MAX), &arena, &back, &why));
        assert_true(bytes_equal(back.error, rows[i].error));
        assert_true(bytes_equal(back.chain, rows[i].chain));
        assert_true(bytes_equal(back.roots, rows[i].roots));
        assert_int_equal(back.refresh_s, rows[i].refresh_s);
    }
}

static void what_is_no_message_is_refused(void **state)
{
    (void)state;
    static const struct {
        bool reply;
        const char *json;
        const char *told;
    } rows[] = {
        {false, "[]", "it is no object"},
        {false, "{\"csr\":1}", "csr is no text"},
        {false, "{\"token\":\"t\"}", "a token without a csr"},
        {false, "{\"csr\":\"a\",\"csr\":\"b\"}", "not JSON at line 1, column 1"},
        {true, "{}", "roots are missing"},
        {true, "{\"roots\":\"r\"}", "refresh is no number of seconds from 1 to 86400"},
        {true, "{\"roots\":\"r\",\"refresh\":0}", "refresh is no number of seconds from 1 to 86400"},
        {true, "{\"error\":{}}", "error is no text"},
        {true, "1", "it is no object"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct join_request request = {.csr = BYTES("before")};
        struct join_reply reply = {.chain = BYTES("before")};
        struct bytes json = bytes_of(rows[i].json);
        assert_false(rows[i].reply ? join_reply_read(json, &arena, &reply, &why)
                                   : join_request_read(json, &arena, &request, &why));
        assert_true(bytes_starts(bytes_of(why.text), bytes_of(rows[i].told)));
        assert_true(bytes_equal(request.csr, BYTES("before")));
        assert_true(bytes_equal(reply.chain, BYTES("before")));
    }
}

static void lengths_are_bounded(void **state)
{
    (void)state;
    static const struct {
        unsigned char head[JOIN_HEAD_SIZE];
        bool good;
    } rows[] = {{{0, 0, 0, 0}, false},
                {{0, 0, 0, 1}, true},
                {{0, 0, 0x40, 0}, true},
                {{0, 0, 0x40, 1}, false},
                {{0xff, 0xff, 0xff, 0xff}, false}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        size_t len = 7;
        assert_int_equal(join_head_read(rows[i].head, JOIN_REQUEST_MAX, &len, &why), rows[i].good);
        assert_true(rows[i].good || len == 7);
    }
}

static void tokens_survive_and_nothing_else_is_one(void **state)
{
    (void)state;
    struct join_token token, back;
    memset(&token, 0xa7, sizeof token);
    token.secret[31] = 1;
    struct bytes text = join_token_write(&token, &arena);
    assert_true(join_token_read(text, &back, &why));
    assert_memory_equal(&token, &back, sizeof token);
    assert_true(join_token_read(arena_format(&arena, " %.*s\n", BYTES_FMT(text)), &back, &why));
    const struct bytes wrong[] = {BYTES(""),
                                  BYTES("selvage-join-1."),
                                  bytes_part(text, 0, text.len - 1),
                                  bytes_part(text, 1, text.len),
                                  arena_format(&arena, "%.*sAA", BYTES_FMT(text)),
                                  arena_format(&arena, "%.*s=", BYTES_FMT(text))};
    for (size_t i = 0; i < ROWS(wrong); i++) {
        assert_false(join_token_read(wrong[i], &back, &why));
        assert_string_equal(
            why.text, "it is no join token: `selvage join-token create` at the authority's node makes one");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_survive_the_way), cmocka_unit_test(replies_survive_the_way),
        cmocka_unit_test(what_is_no_message_is_refused), cmocka_unit_test(lengths_are_bounded),
        cmocka_unit_test(tokens_survive_and_nothing_else_is_one)};
    arena_init(&arena);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    arena_stock_drop();
    return failed;
}
