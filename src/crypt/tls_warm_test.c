/* After warming up nothing of TLS opens a file: a process of its own dies if one is opened. */
#include "base/test.h"

#include "crypt/tls_fixture.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <seccomp.h>

static void forbid_files(void)
{
    static const int calls[] = {SCMP_SYS(open),   SCMP_SYS(openat),     SCMP_SYS(openat2),
                                SCMP_SYS(stat),   SCMP_SYS(newfstatat), SCMP_SYS(statx),
                                SCMP_SYS(access), SCMP_SYS(readlink)};
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    for (size_t i = 0; i < ROWS(calls); i++)
        seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, calls[i], 0);
    assert_int_equal(seccomp_load(filter), 0);
    seccomp_release(filter);
}

static void meet_as(bool mesh, enum tls_verify verify, int version, bool stranger)
{
    struct identity_pem identity = fixture_identity(SERVER_ID);
    struct tls_settings settings = fixture_settings(&identity, mesh, verify);
    settings.min_version = settings.max_version = version;
    struct tls_context *server = fixture_server(&settings);
    if (stranger)
        settings.trust = authority_roots_pem(fixture_other, &fixture_arena);
    struct meeting *meeting = meeting_new(fixture_client(&settings), "a.test", server);
    meeting_go(meeting);
    assert_int_equal(meeting->client_turn, stranger ? TLS_BROKEN : TLS_DONE);
    meeting_free(meeting);
}

/* The web's roots, and a server whose key is RSA. */
static void meet_as_on_the_web(void)
{
    struct fail why = {0};
    struct draft draft = fixture_draft(NULL);
    const struct bytes dns = BYTES("a.test");
    draft.uri_count = 0;
    draft.dns = &dns;
    draft.dns_count = 1;
    EVP_PKEY *key = EVP_RSA_gen(2048);
    X509 *cert = draft_sign(&draft, key, NULL, NULL, &why);
    STACK_OF(X509) *one = sk_X509_new_null();
    sk_X509_push(one, cert);
    struct identity_pem identity = {.chain = x509_pem(one, &fixture_arena),
                                    .key = x509_key_pem(key, &fixture_arena)};
    struct tls_settings settings = {.chain = identity.chain, .key = identity.key};
    struct tls_context *server = fixture_server(&settings);
    settings = (struct tls_settings){.verify = TLS_VERIFY_REQUIRED, .host = dns};
    struct tls_context *client = tls_context_new_client(&settings, &why);
    if (client) { /* where the system has roots */
        struct meeting *meeting = meeting_new(client, "a.test", server);
        meeting_go(meeting);
        assert_string_equal(meeting->client_why.text,
                            "the peer's certificate is refused: no authority trusted here issued it");
        meeting_free(meeting);
    } else {
        tls_context_unref(server);
    }
    x509_stack_free(one);
    EVP_PKEY_free(key);
}

static void live_without_files(void)
{
    tls_warm_up();
    forbid_files();
    meet_as(true, TLS_VERIFY_REQUIRED, 0, false);
    meet_as(true, TLS_VERIFY_REQUIRED, 0, true);
    meet_as(false, TLS_VERIFY_NONE, 13, false);
    meet_as(false, TLS_VERIFY_OPTIONAL, 12, false);
    meet_as_on_the_web();
    _exit(0);
}

static void a_warm_process_opens_no_file(void **state)
{
    (void)state;
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        live_without_files();
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_warm_process_opens_no_file)};
    fixture_begin();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fixture_end();
    return failed;
}
