#include "base/test.h"

#include <stdlib.h>

#include "base/text.h"
#include "crypt/digest.h"
#include "crypt/seal.h"

static struct arena arena;

static struct bytes sealed_sample(const struct seal_key *key, struct bytes plain)
{
    struct bytes out;
    struct fail why;
    assert_true(seal_close(key, BYTES("ca-key"), plain, &arena, &out, &why));
    return out;
}

static void opens_what_it_closed(void **state)
{
    (void)state;
    struct seal_key key;
    struct fail why;
    struct bytes out;
    char big[5000] = "x";
    const struct bytes plains[] = {BYTES("secret"), BYTES(""), bytes_make(big, sizeof big)};
    assert_true(seal_key_new(&key, &why));
    for (size_t i = 0; i < ROWS(plains); i++) {
        struct bytes sealed = sealed_sample(&key, plains[i]);
        assert_true(bytes_starts(sealed, BYTES("SLV1")));
        assert_int_equal(sealed.len, plains[i].len + 4 + 12 + 16);
        assert_true(seal_open(&key, BYTES("ca-key"), sealed, &arena, &out, &why));
        assert_true(bytes_equal(out, plains[i]));
    }
    assert_false(bytes_equal(sealed_sample(&key, BYTES("a")), sealed_sample(&key, BYTES("a"))));
}

static void any_change_is_noticed(void **state)
{
    (void)state;
    struct seal_key key;
    struct fail why;
    struct bytes out = BYTES("untouched");
    assert_true(seal_key_new(&key, &why));
    struct bytes sealed = sealed_sample(&key, BYTES("secret"));
    for (size_t i = 0; i < sealed.len; i++) {
        char copy[64];
        memcpy(copy, sealed.at, sealed.len);
        copy[i] = (char)(copy[i] ^ 1);
        assert_false(seal_open(&key, BYTES("ca-key"), bytes_make(copy, sealed.len), &arena, &out, &why));
        assert_string_equal(why.text, i < 4
                                          ? "this is nothing sealed: it does not begin with SLV1"
                                          : "sealed with another key, for another purpose, or changed since");
    }
    for (size_t len = 0; len < sealed.len; len++)
        assert_false(seal_open(&key, BYTES("ca-key"), bytes_part(sealed, 0, len), &arena, &out, &why));
    assert_true(bytes_equal(out, BYTES("untouched")));
}

static void key_and_purpose_must_be_the_same(void **state)
{
    (void)state;
    struct seal_key key;
    struct seal_key other;
    struct fail why;
    struct bytes out;
    seal_key_new(&key, &why);
    seal_key_new(&other, &why);
    struct bytes sealed = sealed_sample(&key, BYTES("secret"));
    assert_false(seal_open(&other, BYTES("ca-key"), sealed, &arena, &out, &why));
    assert_false(seal_open(&key, BYTES("kv"), sealed, &arena, &out, &why));
    assert_false(seal_open(&key, BYTES(""), sealed, &arena, &out, &why));
    assert_int_equal(why.kind, FAIL_DENIED);
    assert_true(seal_open(&key, BYTES("ca-key"), sealed, &arena, &out, &why));
}

#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F"

static void keys_are_32_bytes_or_64_digits(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        const char *why; /* NULL: taken */
    } rows[] = {
        {HEX, NULL},
        {HEX "\n", NULL},
        {HEX "\r\n", NULL},
        {HEX " ", "sealing key: 65 bytes; 32 raw bytes or 64 hex digits are right"},
        {HEX "\n\n", "sealing key: 66 bytes; 32 raw bytes or 64 hex digits are right"},
        {"01234567890123456789012345678901", NULL},
        {"0123456789012345678901234567890", "sealing key: 31 bytes; 32 raw bytes or 64 hex digits are right"},
        {"0001020304050607x8090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F",
         "sealing key: character 17 is no hex digit"},
        {"", "sealing key: 0 bytes; 32 raw bytes or 64 hex digits are right"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct seal_key key = {{0xee}};
        struct fail why = {0};
        assert_int_equal(seal_key_read(bytes_of(rows[i].in), &key, &why), rows[i].why == NULL);
        if (rows[i].why)
            assert_string_equal(why.text, rows[i].why);
        assert_int_equal(key.bytes[0], rows[i].why ? 0xee : rows[i].in[2] == '0' ? 0 : '0');
    }
}

static void digests_are_sha_256(void **state)
{
    (void)state;
    struct digest_work *work = digest_start();
    digest_more(work, BYTES("a"));
    digest_more(work, BYTES(""));
    digest_more(work, BYTES("bc"));
    struct digest pieces = digest_end(work);
    struct digest whole = digest_of(BYTES("abc"));
    assert_memory_equal(pieces.bytes, whole.bytes, DIGEST_SIZE);
    struct text hex;
    text_init_arena(&hex, &arena);
    text_add_hex(&hex, bytes_make(whole.bytes, DIGEST_SIZE));
    assert_string_equal(hex.at, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    unsigned char a[16] = {0};
    unsigned char b[16] = {0};
    random_bytes(a, sizeof a);
    random_bytes(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_what_it_closed),
        cmocka_unit_test(any_change_is_noticed),
        cmocka_unit_test(key_and_purpose_must_be_the_same),
        cmocka_unit_test(keys_are_32_bytes_or_64_digits),
        cmocka_unit_test(digests_are_sha_256),
    };
    arena_init(&arena);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    arena_stock_drop();
    return failed;
}
