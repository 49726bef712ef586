/* Unit tests of redirect_target.c. */
#include "base/test.h"

#include "wire/redirect_target.h"

static const struct bytes allowed[] = {
    BYTES_INIT("app.test"),       BYTES_INIT(".below.test"), BYTES_INIT("*.star.test"),
    BYTES_INIT("port.test:8080"), BYTES_INIT("any.test:*"),  BYTES_INIT("[::1]:*"),
};
static const struct redirect_scope scope = {BYTES_INIT("www.own.test:8443"), allowed, ROWS(allowed)};

static void targets_that_stay_are_allowed(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "/",
        "/a/b?c=d#e",
        "/a?next=https://elsewhere.test/\\x",
        "/a/..//b",
        "/.well-known/x",
        "/..a//b",
        "https://www.own.test:8443/a",
        "HTTP://WWW.OWN.TEST:8443",
        "http://app.test",
        "https://App.Test/a@b?c",
        "https://app.test?x@y",
        "https://app.test#x",
        "https://below.test/",
        "https://a.b.below.test/",
        "https://star.test/",
        "https://a.star.test/",
        "http://port.test:8080/",
        "http://any.test/",
        "http://any.test:1/",
        "http://[::1]:80/",
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct fail why = {0};
        if (!redirect_target_check(bytes_of(rows[i]), &scope, &why))
            print_message("%s: %s\n", rows[i], why.text);
        assert_int_equal(why.kind, FAIL_NONE);
    }
}

#define CHARACTER "the redirect target holds a character that no URL holds unescaped"
#define BACKSLASH "the redirect target holds a backslash in its path"
#define SLASHES "the redirect target begins with two slashes, which leads to another host"
#define NEITHER "the redirect target is neither a path that begins with / nor an http or https URL"
#define NO_SLASHES "the redirect target has no // behind its scheme"
#define HOST "the redirect target has no plain host"
#define ELSEWHERE "the redirect target leads to a host that is not allowed"

static void neg_33_targets_that_leave_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *target, *sentence;
    } rows[] = {
        {"", "the redirect target is empty"},
        {"/\t/evil.test", CHARACTER},
        {"/a b", CHARACTER},
        {"/\x80", CHARACTER},
        {"/\\evil.test", BACKSLASH},
        {"https://app.test\\@evil.test", BACKSLASH},
        {"//evil.test", SLASHES},
        {"/.//evil.test", SLASHES},
        {"/../%2E./%2fevil.test", SLASHES},
        {"/%5Cevil.test", SLASHES},
        {"app.test/a", NEITHER},
        {"javascript:alert(1)", NEITHER},
        {"?a", NEITHER},
        {"a:/", NEITHER},
        {"https:app.test", NO_SLASHES},
        {"https:/app.test", NO_SLASHES},
        {"https:", NO_SLASHES},
        {"https:///app.test", HOST},
        {"https://", HOST},
        {"https://a@app.test", HOST},
        {"https://app.test:80a/", HOST},
        {"https://%61pp.test/", HOST},
        {"https://..below.test/", HOST},
        {"https://evil;.below.test/", HOST},
        {"https://.below.test/", HOST},
        {"https://evil.test", ELSEWHERE},
        {"https://app.test.evil.test", ELSEWHERE},
        {"https://a.app.test", ELSEWHERE},
        {"https://app.test.", ELSEWHERE},
        {"https://evilbelow.test", ELSEWHERE},
        {"https://app.test:8080", ELSEWHERE},
        {"https://port.test", ELSEWHERE},
        {"https://port.test:80800", ELSEWHERE},
        {"https://www.own.test/", ELSEWHERE},
        {"https://3627734734", ELSEWHERE},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct fail why = {.text = "allowed"};
        bool ok = redirect_target_check(bytes_of(rows[i].target), &scope, &why);
        if (ok || strcmp(why.text, rows[i].sentence))
            print_message("%s: %s\n", rows[i].target, why.text);
        assert_false(ok);
        assert_string_equal(why.text, rows[i].sentence);
    }
}

static void a_target_has_an_end(void **state)
{
    (void)state;
    char target[REDIRECT_TARGET_MAX + 1];
    struct fail why;
    memset(target, 'a', sizeof target);
    target[0] = '/';
    assert_true(redirect_target_check(bytes_make(target, REDIRECT_TARGET_MAX), &scope, &why));
    assert_false(redirect_target_check(bytes_make(target, sizeof target), &scope, &why));
    assert_string_equal(why.text, "the redirect target is longer than 2048 bytes");
}

static void allowed_hosts_have_a_form(void **state)
{
    (void)state;
    static const char *const bad[] = {"",        "*",        ".",        "https://a.test",
                                      "a.test/", "a.test:x", "a@b.test", "*a.test"};
    struct fail why;
    for (size_t i = 0; i < scope.allowed_count; i++)
        assert_true(redirect_allowed_check(allowed[i], &why));
    for (size_t i = 0; i < ROWS(bad); i++)
        assert_false(redirect_allowed_check(bytes_of(bad[i]), &why));
    assert_string_equal(why.text, "'*a.test' is no host to be redirected to; write HOST or *.HOST, "
                                  "with :PORT or :* when it has one");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_that_stay_are_allowed),
        cmocka_unit_test(neg_33_targets_that_leave_are_refused),
        cmocka_unit_test(a_target_has_an_end),
        cmocka_unit_test(allowed_hosts_have_a_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
