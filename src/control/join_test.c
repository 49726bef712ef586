/* Tests of joining: tokens are good once, certificates follow the token, renewal follows the certificate. */
#include "base/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "control/ca_directory.h"
#include "control/control_fixture.h"
#include "control/join_client.h"
#include "control/join_endpoint.h"
#include "control/join_server.h"
#include "control/join_tokens.h"
#include "control/state_file.h"
#include "crypt/certificate.h"
#include "crypt/csr.h"

struct world {
    struct control_fixture authority;
    struct control_fixture machine;
    struct join_server *server;
    struct join_token token;
    char place[64];
    bool ruleless; /* the authority has read no rules yet */
};

static int listen_somewhere(char *place, size_t size)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof name;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, len), 0);
    assert_int_equal(listen(fd, 64), 0);
    getsockname(fd, (struct sockaddr *)&name, &len);
    snprintf(place, size, "127.0.0.1:%u", ntohs(name.sin_port));
    return fd;
}

static void token_make(struct world *world, const char *account, int64_t ends_s)
{
    const struct settings *settings = &world->authority.settings;
    const struct join_grant grant = {BYTES("shop"), bytes_of(account), ends_s};
    struct bytes cert, key;
    struct fail why;
    assert_true(join_endpoint_obtain(settings, &world->authority.arena, &cert, &key, &why));
    assert_true(certificate_pin(cert, world->token.pin, &why));
    assert_true(join_tokens_make(settings->identity->ca->directory, &grant, clock_wall_s(),
                                 world->token.secret, &why));
}

static void token_give(struct world *world)
{
    struct bytes text = join_token_write(&world->token, &world->machine.arena);
    control_write(&world->machine, "token", arena_text(&world->machine.arena, text));
}

static void make(struct world *world)
{
    struct fail why;
    int fd = listen_somewhere(world->place, sizeof world->place);
    control_make(&world->authority);
    control_settings(&world->authority, "identity: {ca: {directory: $/ca, listen: '127.0.0.1:1'}}\n");
    ca_directory_close(ca_directory_open(&world->authority.settings, 0, &why));
    world->server = join_server_start(&world->authority.settings);
    if (!world->ruleless)
        join_server_revoke(world->server, NULL, 0);
    join_server_listen(world->server, fd);
    control_make(&world->machine);
    char settings[300];
    snprintf(settings, sizeof settings,
             "namespace: shop\nserviceAccount: cart\nidentity: {join: {address: '%s', tokenFile: $/token}}\n",
             world->place);
    control_settings(&world->machine, settings);
    token_make(world, "cart", clock_wall_s() + 60);
    token_give(world);
}

static void drop(struct world *world)
{
    join_server_stop(world->server);
    control_drop(&world->authority);
    control_drop(&world->machine);
}

static bool obtain(struct world *world, bool fresh, struct certificate_facts *facts, struct bytes *problem,
                   struct fail *why)
{
    struct identity_pem pem;
    int64_t next_s;
    struct arena *arena = &world->machine.arena;
    if (!join_client_obtain(&world->machine.settings, fresh, arena, &pem, &next_s, problem, why))
        return false;
    assert_true(certificate_key_matches(pem.chain, pem.key, why));
    assert_true(certificate_facts(pem.chain, arena, facts, why));
    assert_true(next_s > clock_wall_s());
    return true;
}

static void a_machine_joins_once_and_renews_by_its_certificate(void **state)
{
    (void)state;
    struct world world = {0};
    struct certificate_facts first, same, next;
    struct bytes problem;
    struct fail why;
    make(&world);
    assert_true(obtain(&world, false, &first, &problem, &why));
    assert_int_equal(problem.len, 0);
    assert_true(bytes_equal(first.uri, BYTES("spiffe://cluster.local/ns/shop/sa/cart")));
    unlink(control_path(&world.machine, "token")); /* it is needed no more */
    assert_true(obtain(&world, false, &same, &problem, &why));
    assert_int_equal(problem.len, 0);
    assert_true(bytes_equal(same.serial, first.serial));
    assert_true(obtain(&world, true, &next, &problem, &why));
    assert_int_equal(problem.len, 0);
    assert_false(bytes_equal(next.serial, first.serial));
    assert_true(bytes_equal(next.uri, first.uri));
    drop(&world);
}

static void what_is_kept_serves_while_nobody_answers(void **state)
{
    (void)state;
    struct world world = {0};
    struct certificate_facts first, kept;
    struct bytes problem;
    struct fail why;
    make(&world);
    assert_true(obtain(&world, false, &first, &problem, &why));
    join_server_listen(world.server, -1);
    assert_true(obtain(&world, true, &kept, &problem, &why));
    assert_true(bytes_equal(kept.serial, first.serial));
    assert_true(bytes_starts(problem, BYTES("the authority at 127.0.0.1:")));
    drop(&world);
}

static void a_token_that_is_not_good_is_refused_with_a_sentence(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *told;
        int64_t ends_s;
        bool use;
        bool spoil_secret;
        bool spoil_pin;
        const char *account;
    } rows[] = {
        {"used", "refuses: the join token was used already; each is good for one machine", 60, true, false,
         false, "cart"},
        {"ended", "refuses: the join token ended at ", -1, false, false, false, "cart"},
        {"wrong", "refuses: the join token is not known here", 60, false, true, false, "cart"},
        {"another endpoint", "the server shows another certificate than the one that was pinned", 60, false,
         false, true, "cart"},
        {"another identity",
         "the authority takes us for spiffe://cluster.local/ns/shop/sa/till, and our settings say "
         "spiffe://cluster.local/ns/shop/sa/cart",
         60, false, false, false, "till"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct world world = {0};
        struct certificate_facts facts;
        struct bytes problem;
        struct fail why;
        print_message("  %s\n", rows[i].name);
        make(&world);
        token_make(&world, rows[i].account, clock_wall_s() + rows[i].ends_s);
        if (rows[i].use)
            assert_true(
                join_tokens_use(world.authority.settings.identity->ca->directory, world.token.secret, &why));
        world.token.secret[0] ^= rows[i].spoil_secret;
        world.token.pin[0] ^= rows[i].spoil_pin;
        token_give(&world);
        assert_false(obtain(&world, false, &facts, &problem, &why));
        if (!strstr(why.text, rows[i].told))
            print_message("%s\n", why.text);
        assert_non_null(strstr(why.text, rows[i].told));
        assert_int_not_equal(access(control_path(&world.machine, "state/joined"), F_OK), 0);
        drop(&world);
    }
}

static void whoever_guesses_has_to_wait(void **state)
{
    (void)state;
    struct world world = {0};
    struct certificate_facts facts;
    struct bytes problem;
    struct fail why;
    make(&world);
    struct join_token good = world.token;
    world.token.secret[5] ^= 1;
    token_give(&world);
    for (int i = 0; i < 10; i++) {
        assert_false(obtain(&world, false, &facts, &problem, &why));
        assert_non_null(strstr(why.text, "the join token is not known here"));
    }
    world.token = good;
    token_give(&world);
    assert_false(obtain(&world, false, &facts, &problem, &why));
    assert_non_null(strstr(why.text, "too many wrong attempts from this address; try again in a minute"));
    drop(&world);
}

static void a_revoked_certificate_is_not_renewed(void **state)
{
    (void)state;
    struct world world = {0};
    struct certificate_facts first, kept;
    struct bytes problem;
    struct fail why;
    make(&world);
    assert_true(obtain(&world, false, &first, &problem, &why));
    const struct compile_revoked revoked = {.serial = first.serial};
    join_server_revoke(world.server, &revoked, 1);
    assert_true(obtain(&world, true, &kept, &problem, &why));
    assert_true(problem.len > 0);
    assert_true(bytes_equal(kept.serial, first.serial));
    join_server_revoke(world.server, NULL, 0);
    assert_true(obtain(&world, true, &kept, &problem, &why));
    assert_int_equal(problem.len, 0);
    drop(&world);
}

/* After a restart the rules come later than the first machine. */
static void nothing_is_renewed_before_it_is_known_what_is_revoked(void **state)
{
    (void)state;
    struct world world = {.ruleless = true};
    struct certificate_facts first, kept;
    struct bytes problem;
    struct fail why;
    make(&world);
    assert_true(obtain(&world, false, &first, &problem, &why)); /* by a token */
    assert_true(obtain(&world, false, &kept, &problem, &why));  /* only the roots */
    assert_int_equal(problem.len, 0);
    assert_true(obtain(&world, true, &kept, &problem, &why));
    assert_true(bytes_ends(problem, BYTES("which certificates are revoked is not known yet; try again")));
    assert_true(bytes_equal(kept.serial, first.serial));
    join_server_revoke(world.server, NULL, 0);
    assert_true(obtain(&world, true, &kept, &problem, &why));
    assert_int_equal(problem.len, 0);
    drop(&world);
}

static void secrets_are_nowhere_in_the_authoritys_directory(void **state)
{
    (void)state;
    struct world world = {0};
    make(&world);
    struct text path;
    char hex[2 * JOIN_SECRET_SIZE + 1];
    text_init_fixed(&path, hex, sizeof hex);
    text_add_hex(&path, bytes_make(world.token.secret, JOIN_SECRET_SIZE));
    const char *file = arena_format(&world.authority.arena, "ca/join-tokens/%s", hex).at;
    assert_int_not_equal(access(control_path(&world.authority, file), F_OK), 0);
    drop(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_joins_once_and_renews_by_its_certificate),
        cmocka_unit_test(what_is_kept_serves_while_nobody_answers),
        cmocka_unit_test(a_token_that_is_not_good_is_refused_with_a_sentence),
        cmocka_unit_test(whoever_guesses_has_to_wait),
        cmocka_unit_test(a_revoked_certificate_is_not_renewed),
        cmocka_unit_test(nothing_is_renewed_before_it_is_known_what_is_revoked),
        cmocka_unit_test(secrets_are_nowhere_in_the_authoritys_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
