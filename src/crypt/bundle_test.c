#include "base/test.h"

#include <stdlib.h>

#include "base/text.h"
#include "crypt/bundle.h"
#include "crypt/certificate.h"

static struct arena arena;

/* The root's PEM without its frame and lines: what x5c holds. */
static const char *root_base64(void)
{
    struct fail why;
    struct authority *root = authority_new_root(BYTES("td"), 1, &why);
    struct bytes pem = authority_cert_pem(root, &arena);
    authority_free(root);
    struct text out;
    struct bytes line;
    text_init_arena(&out, &arena);
    while (bytes_cut(&pem, '\n', &line))
        if (!bytes_starts(line, BYTES("-----")))
            text_add(&out, line);
    return out.at;
}

static void neg_45_bundles_are_read_by_use(void **state)
{
    (void)state;
    const char *der = root_base64();
    static const struct {
        const char *json; /* %s: a certificate */
        const char *why;  /* NULL: read */
        unsigned roots;
        unsigned jwt_keys;
    } rows[] = {
        {"{\"keys\":[{\"kty\":\"EC\",\"use\":\"x509-svid\",\"x5c\":[\"%s\"]},"
         "{\"kty\":\"EC\",\"use\":\"jwt-svid\",\"kid\":\"a\"},{\"kty\":\"EC\",\"use\":\"sig\"}]}",
         NULL, 1, 1},
        {"{\"keys\":[]}", NULL, 0, 0},
        {"{\"keys\":[{\"kty\":\"EC\",\"kid\":\"a\"}]}", NULL, 0, 1},
        {"{\"keys\":[{\"kty\":\"EC\"}]}",
         "trust bundle: key 1: kid is missing, and a key of tokens needs one", 0, 0},
        {"{\"keys\":[{\"kty\":\"EC\",\"use\":\"jwt-svid\",\"kid\":\"\"}]}",
         "trust bundle: key 1: kid is missing, and a key of tokens needs one", 0, 0},
        {"{\"keys\":[{\"use\":\"jwt-svid\",\"kid\":\"a\"}]}", "trust bundle: key 1: kty is missing", 0, 0},
        {"{\"keys\":[{\"kty\":\"EC\",\"use\":\"x509-svid\",\"x5c\":[]}]}",
         "trust bundle: key 1: an x509-svid key has exactly one certificate in x5c, this has 0", 0, 0},
        {"{\"keys\":[{\"kty\":\"EC\",\"use\":\"x509-svid\",\"x5c\":[\"AAAA\"]}]}",
         "trust bundle: x5c: certificate 1 of the PEM cannot be read", 0, 0},
        {"{\"keys\":[{\"kty\":\"EC\",\"use\":\"x509-svid\",\"x5c\":[\"-----\"]}]}",
         "trust bundle: key 1: x5c is not base64", 0, 0},
        {"{}", "trust bundle: no array 'keys'", 0, 0},
        {"[]", "trust bundle: no array 'keys'", 0, 0},
        {"{\"keys\":[],\"spiffe_sequence\":-1}", "trust bundle: spiffe_sequence is no whole number from 0 on",
         0, 0},
        {"{\"keys\":[],\"keys\":[]}", "trust bundle: line 1: duplicate object key near '\"keys\"'", 0, 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct bundle bundle;
        struct fail why = {0};
        struct text json;
        text_init_arena(&json, &arena);
        struct bytes rest = bytes_of(rows[i].json);
        size_t at = bytes_find_text(rest, BYTES("%s"));
        text_add(&json, bytes_part(rest, 0, at));
        text_add_s(&json, at < rest.len ? der : "");
        text_add(&json, bytes_part(rest, at + 2, rest.len));
        assert_int_equal(bundle_read(text_bytes(&json), &arena, &bundle, &why), rows[i].why == NULL);
        if (rows[i].why) {
            assert_true(bytes_starts(bytes_of(why.text), bytes_of(rows[i].why)));
            continue;
        }
        assert_int_equal(bundle.root_count, rows[i].roots);
        assert_int_equal(bundle.jwt_count, rows[i].jwt_keys);
        assert_int_equal(bundle.roots.len > 0, rows[i].roots > 0);
        assert_true(bytes_starts(bundle.jwt_keys, BYTES("{\"keys\":[")));
        assert_int_equal(bytes_find_text(bundle.jwt_keys, BYTES("x5c")), bundle.jwt_keys.len);
        assert_int_equal(bytes_find_text(bundle.jwt_keys, BYTES("-svid")), bundle.jwt_keys.len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(neg_45_bundles_are_read_by_use)};
    arena_init(&arena);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    arena_stock_drop();
    return failed;
}
