#include "cli/join_token.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/heap.h"
#include "cli/config.h"
#include "cli/options.h"
#include "control/join_endpoint.h"
#include "control/join_tokens.h"
#include "crypt/csr.h"
#include "rules/duration.h"
#include "wire/spiffe_id.h"

enum { TTL_MAX_MS = 7 * 24 * 60 * 60 * 1000 };

struct wish {
    const char *config;
    const char *identity;
    const char *ttl;
};

static const struct option options[] = {
    {"config", 'c', OPTION_TEXT, offsetof(struct wish, config), "FILE", CONFIG_HELP, .choices = NULL},
    {"identity", 0, OPTION_TEXT, offsetof(struct wish, identity), "NAMESPACE/ACCOUNT",
     "who the machine's node will be (default/default)", .choices = NULL},
    {"ttl", 0, OPTION_TEXT, offsetof(struct wish, ttl), "DURATION",
     "how long it may be used, 7 days at most (1h)", .choices = NULL},
};

static const struct command_line line = {
    "join-token",
    "create",
    1,
    1,
    "Prints a token with which one node of another machine joins this one's authority:\n"
    "give it there as the file identity.join.tokenFile. It is good once, and until --ttl\n"
    "is over; the authority keeps its digest only.\n",
    options,
    sizeof options / sizeof options[0],
};

static bool grant_read(const struct wish *wish, const struct settings *settings, struct arena *arena,
                       struct join_grant *out, struct fail *why)
{
    struct bytes account = bytes_of(wish->identity), name_space;
    struct spiffe_id id;
    int64_t ttl_ms;
    if (!bytes_cut(&account, '/', &name_space))
        return fail(why, FAIL_INPUT, "'%s' is no NAMESPACE/ACCOUNT", wish->identity);
    struct bytes uri = spiffe_id_format(arena, settings->trust_domain, name_space, account);
    if (!uri.len || !spiffe_id_parse(uri, &id, why) || !bytes_equal(id.account, account) ||
        !bytes_equal(id.name_space, name_space))
        return fail(why, FAIL_INPUT, "'%s' is no NAMESPACE/ACCOUNT", wish->identity);
    if (!duration_read(bytes_of(wish->ttl), &ttl_ms) || ttl_ms < 1000 || ttl_ms > TTL_MAX_MS)
        return fail(why, FAIL_INPUT, "'%s' is no duration from 1s to 168h", wish->ttl);
    *out = (struct join_grant){name_space, account, clock_wall_s() + ttl_ms / 1000};
    return true;
}

/* Root writes as whoever the authority belongs to, so that the node can read it. */
static bool owner_become(const char *directory, struct fail *why)
{
    struct stat of;
    if (stat(directory, &of) != 0)
        return fail_errno(why, FAIL_INPUT, "%s", directory);
    if (geteuid() != 0 || of.st_uid == 0)
        return true;
    return (setegid(of.st_gid) == 0 && seteuid(of.st_uid) == 0) ||
           fail_errno(why, FAIL_SELF, "cannot become the owner of %s", directory);
}

static bool token_make(const struct wish *wish, const struct settings *settings, struct arena *arena,
                       struct bytes *out, struct fail *why)
{
    const struct settings_ca *ca = settings->identity->ca;
    struct bytes cert, key = {0};
    struct join_grant grant;
    struct join_token token;
    if (!ca || !ca->listen.len)
        return fail(why, FAIL_INPUT,
                    "nobody can join here: identity.ca.listen says where the authority listens");
    bool made = grant_read(wish, settings, arena, &grant, why) &&
                owner_become(arena_text(arena, ca->directory), why) &&
                join_endpoint_obtain(settings, arena, &cert, &key, why) &&
                certificate_pin(cert, token.pin, why) &&
                join_tokens_make(ca->directory, &grant, clock_wall_s(), token.secret, why);
    if (made)
        *out = join_token_write(&token, arena);
    heap_wipe((char *)(uintptr_t)key.at, key.len);
    heap_wipe(&token, sizeof token);
    return made;
}

int join_token_main(int argc, char **argv)
{
    struct wish wish = {.identity = "default/default", .ttl = "1h"};
    struct operands operands;
    struct settings settings;
    struct arena arena;
    struct bytes token;
    struct fail why;
    int code;
    if (!options_read(&line, argc, argv, &wish, &operands, &code))
        return code;
    if (strcmp(operands.at[0], "create") != 0) {
        fputs("selvage join-token: create is wanted; see `selvage join-token --help`\n", stderr);
        return EXIT_USAGE;
    }
    prctl(PR_SET_DUMPABLE, 0); /* no tokens in a core file */
    arena_init(&arena);
    code = config_load("join-token", wish.config, &arena, &settings);
    if (!code && token_make(&wish, &settings, &arena, &token, &why)) {
        printf("%.*s\n", BYTES_FMT(token));
    } else if (!code) {
        fprintf(stderr, "selvage join-token: %s\n", why.text);
        code = why.kind == FAIL_INPUT || why.kind == FAIL_LIMIT ? EXIT_INPUT : 1;
    }
    arena_done(&arena);
    return code;
}
