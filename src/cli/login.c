#include "cli/login.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/clock.h"
#include "cli/options.h"
#include "cli/signed_in.h"

struct wish {
    const char *issuer;
    const char *client;
    const char *scope;
    const char *resource;
    const char *roots;
    const char *state;
};

static const struct option options[] = {
    {"issuer", 'i', OPTION_TEXT, offsetof(struct wish, issuer), "URL",
     "whom to sign in with (SELVAGE_ISSUER, else as the last time)", .choices = NULL},
    {"client", 0, OPTION_TEXT, offsetof(struct wish, client), "ID",
     "what the provider calls this program (as the last time, else selvage)", .choices = NULL},
    {"scope", 0, OPTION_TEXT, offsetof(struct wish, scope), "WORDS",
     "what to ask for (openid profile email offline_access)", .choices = NULL},
    {"resource", 0, OPTION_TEXT, offsetof(struct wish, resource), "URI",
     "what the access token is to be for (RFC 8707)", .choices = NULL},
    {"roots", 0, OPTION_TEXT, offsetof(struct wish, roots), "FILE",
     "certificates (PEM) to trust beside the system's", .choices = NULL},
    {"state", 0, OPTION_TEXT, offsetof(struct wish, state), "DIR", STATE_HELP, .choices = NULL},
};

static const struct command_line line = {
    "login",
    "",
    0,
    0,
    "Sign in at a provider: opens nothing, but says where to enter which code, and waits.\n"
    "\n"
    "The provider is found by its issuer (OpenID Connect discovery) and must offer the\n"
    "device grant (RFC 8628). The tokens are kept in the state directory, readable by you\n"
    "alone; `selvage token` prints the access token and renews it when it is stale.\n",
    options,
    sizeof options / sizeof options[0],
};

/* ---- whom ---------------------------------------------------------------------- */

static struct bytes first_of(const char *given, struct bytes before, const char *otherwise)
{
    if (given)
        return bytes_of(given);
    return before.len ? before : bytes_of(otherwise);
}

/* What is not said is as the last time, as long as it is the same provider. */
static bool person_begin(const struct wish *wish, const struct person_store *store, struct arena *arena,
                         struct person *out, struct fail *why)
{
    const char *named = wish->issuer ? wish->issuer : getenv("SELVAGE_ISSUER");
    struct person before = {0};
    struct fail ignored;
    person_read(store, arena, &before, &ignored);
    struct bytes issuer = first_of(named && named[0] ? named : NULL, before.issuer, NULL);
    if (!issuer.len)
        return fail(why, FAIL_INPUT, "whom to sign in with is not known; --issuer URL says it");
    if (!bytes_equal(issuer, before.issuer))
        before = (struct person){0};
    *out = (struct person){
        .issuer = issuer,
        .client = first_of(wish->client, before.client, "selvage"),
        .scope = first_of(wish->scope, before.scope, "openid profile email offline_access"),
        .resource = first_of(wish->resource, before.resource, NULL),
        .roots = first_of(wish->roots, before.roots, NULL),
    };
    return true;
}

/* ---- waiting ---------------------------------------------------------------------- */

static void wait_s(int64_t seconds)
{
    struct timespec left = {.tv_sec = seconds};
    while (nanosleep(&left, &left) != 0)
        ;
}

static int64_t now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/*
 * RFC 8628 3.5: never more often than the interval, which "slow_down" makes five
 * seconds longer for good; a question that met no answer doubles it.
 */
static bool tokens_wait(struct provider *provider, const struct oauth_device *device,
                        struct oauth_tokens *out, struct fail *why)
{
    int64_t interval_s = device->interval_s, end_s = now_s() + device->lifetime_s;
    while (now_s() + interval_s <= end_s) {
        enum oauth_error error;
        wait_s(interval_s);
        why->kind = FAIL_NONE;
        if (provider_device_tokens(provider, device->device_code, out, &error, why))
            return true;
        if (error == OAUTH_SLOW_DOWN)
            interval_s += 5;
        else if (why->kind == FAIL_LATE)
            interval_s *= 2;
        else if (error != OAUTH_PENDING)
            return false;
    }
    return fail(why, FAIL_LATE, "the code was not entered in time; `selvage login` gives another");
}

static void code_show(const struct oauth_device *device)
{
    fprintf(stderr, "Open   %.*s\nEnter  %.*s\n", BYTES_FMT(device->verification_uri),
            BYTES_FMT(device->user_code));
    if (device->verification_uri_complete.len)
        fprintf(stderr, "or open %.*s\n", BYTES_FMT(device->verification_uri_complete));
    fprintf(stderr, "Waiting until it is confirmed there ...\n");
}

/* ---- signing in ---------------------------------------------------------------------- */

static bool tokens_get(struct person *person, struct arena *arena, struct fail *why)
{
    struct provider provider;
    struct oauth_device device;
    struct oauth_tokens tokens;
    if (!provider_open(&provider, person, arena, why))
        return false;
    bool ok = provider_device(&provider, &device, why);
    if (ok)
        code_show(&device);
    ok = ok && tokens_wait(&provider, &device, &tokens, why) &&
         signed_in_take(&provider, person, &tokens, why);
    provider_close(&provider);
    return ok;
}

/* The lock is not held while a person looks for their telephone. */
static bool sign_in(const struct wish *wish, struct arena *arena, struct fail *why)
{
    struct person_store store;
    struct person person;
    if (!person_open(wish->state, arena, &store, why))
        return false;
    bool ok = person_begin(wish, &store, arena, &person, why);
    person_close(&store);
    if (!ok || !tokens_get(&person, arena, why) || !person_open(wish->state, arena, &store, why))
        return false;
    ok = person_write(&store, &person, why);
    person_close(&store);
    if (ok)
        fprintf(stderr, "Signed in. `selvage whoami` says as whom.\n");
    return ok;
}

int login_main(int argc, char **argv)
{
    struct wish wish = {0};
    struct operands operands;
    struct arena arena;
    struct fail why;
    int code;
    if (!options_read(&line, argc, argv, &wish, &operands, &code))
        return code;
    prctl(PR_SET_DUMPABLE, 0); /* no tokens in a core file */
    arena_init(&arena);
    char *roots = wish.roots ? realpath(wish.roots, NULL) : NULL; /* later commands may run elsewhere */
    wish.roots = roots ? roots : wish.roots;
    code = sign_in(&wish, &arena, &why) ? 0 : signed_in_failed("login", &why);
    arena_done(&arena);
    free(roots);
    return code;
}
