/* Unit tests of envelope. */
#include "base/test.h"

#include "base/text.h"
#include "crypt/envelope.h"
#include "wire/base64.h"

static const struct envelope_use session = {BYTES_INIT("session"), BYTES_INIT("a.example")};
static const struct envelope_keys two = {{{7, {{7}}}, {6, {{6}}}}, 2};
static struct arena arena;

static bool opens(const struct envelope_keys *keys, const struct envelope_use *use, struct bytes text,
                  const char *sentence)
{
    struct fail why = {.text = ""};
    struct bytes out = BYTES("untouched");
    bool opened = envelope_open(keys, use, text, &arena, &out, &why);
    assert_true(opened || bytes_equal(out, BYTES("untouched")));
    assert_string_equal(opened ? "" : why.text, sentence);
    return opened;
}

static struct bytes sealed_of(const struct envelope_keys *keys)
{
    struct fail why;
    struct bytes out;
    assert_true(envelope_close(keys, &session, BYTES("who is who"), &arena, &out, &why));
    return out;
}

static void what_was_sealed_opens_with_every_key_that_is_kept(void **state)
{
    (void)state;
    const struct envelope_keys before = {{two.at[1]}, 1}, rotated = {{{8, {{8}}}, two.at[0]}, 2};
    struct bytes plain;
    struct fail why;
    assert_true(envelope_open(&two, &session, sealed_of(&two), &arena, &plain, &why));
    assert_true(bytes_equal(plain, BYTES("who is who")));
    assert_true(opens(&two, &session, sealed_of(&before), ""));
    assert_true(opens(&rotated, &session, sealed_of(&two), ""));
    assert_false(bytes_equal(sealed_of(&two), sealed_of(&two)));
    assert_true(envelope_is_current(&two, sealed_of(&two), &arena));
    assert_true(envelope_is_current(&two, sealed_of(&rotated), &arena));
    assert_false(envelope_is_current(&two, sealed_of(&before), &arena));
    assert_false(envelope_is_current(&two, BYTES("junk"), &arena));
}

static void neg_38_what_is_not_ours_as_it_is_does_not_open(void **state)
{
    (void)state;
    static const char changed[] = "sealed with another key, for another purpose, or changed since";
    const struct envelope_use state_use = {BYTES("state"), session.owner};
    const struct envelope_use other_host = {session.purpose, BYTES("b.example")};
    const struct envelope_use moved = {BYTES("sessio"), BYTES("na.example")};
    const struct envelope_keys after = {{{9, {{9}}}, {8, {{8}}}}, 2}, same_id = {{{7, {{1}}}}, 1};
    struct bytes sealed = sealed_of(&two), raw, swapped;
    assert_false(opens(&two, &state_use, sealed, changed));
    assert_false(opens(&two, &other_host, sealed, changed));
    assert_false(opens(&two, &moved, sealed, changed));
    assert_false(opens(&same_id, &session, sealed, changed));
    assert_false(opens(&after, &session, sealed, "sealed with a key that is not known, or no more"));
    assert_false(opens(&(struct envelope_keys){.count = 0}, &session, sealed,
                       "sealed with a key that is not known, or no more"));
    /* the key's id is bound too */
    assert_true(base64url_decode(sealed, &arena, &raw));
    swapped = arena_bytes(&arena, raw);
    ((char *)(uintptr_t)swapped.at)[7] = 6;
    assert_false(opens(&two, &session, base64url_encode(swapped, &arena), changed));
}

static void neg_38_every_bit_counts(void **state)
{
    (void)state;
    struct bytes raw;
    assert_true(base64url_decode(sealed_of(&two), &arena, &raw));
    for (size_t i = 0; i < raw.len * 8; i++) {
        struct bytes copy = arena_bytes(&arena, raw), out;
        struct fail why;
        ((char *)(uintptr_t)copy.at)[i / 8] ^= (char)(1 << i % 8);
        assert_false(envelope_open(&two, &session, base64url_encode(copy, &arena), &arena, &out, &why));
    }
    for (size_t i = 0; i < raw.len; i++) {
        struct bytes out;
        struct fail why;
        assert_false(envelope_open(&two, &session, base64url_encode(bytes_part(raw, 0, i), &arena), &arena,
                                   &out, &why));
    }
}

static void what_is_no_envelope_is_told(void **state)
{
    (void)state;
    static char long_text[ENVELOPE_MAX + 1];
    memset(long_text, 'A', sizeof long_text);
    assert_false(opens(&two, &session, BYTES(""), "this is no envelope"));
    assert_false(opens(&two, &session, BYTES("AAAA"), "this is no envelope"));
    assert_false(opens(&two, &session, BYTES("not base64!"), "this is no envelope"));
    assert_false(opens(&two, &session, bytes_make(long_text, sizeof long_text),
                       "an envelope of 24577 bytes; at most 24576 are allowed"));
    struct bytes out;
    struct fail why;
    assert_false(
        envelope_close(&(struct envelope_keys){.count = 0}, &session, BYTES("x"), &arena, &out, &why));
    assert_string_equal(why.text, "there is no key to seal with yet");
    assert_false(envelope_close(&two, &session, bytes_make(long_text, sizeof long_text), &arena, &out, &why));
    assert_string_equal(why.text, "24577 bytes are too many for an envelope; at most 18368 are allowed");
}

static int up(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_opens_with_every_key_that_is_kept),
        cmocka_unit_test(neg_38_what_is_not_ours_as_it_is_does_not_open),
        cmocka_unit_test(neg_38_every_bit_counts),
        cmocka_unit_test(what_is_no_envelope_is_told),
    };
    return cmocka_run_group_tests(tests, up, down);
}
