#include "cli/signed_in.h"

#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/clock.h"
#include "cli/login.h"
#include "cli/options.h"
#include "wire/jws.h"

/* sysexits.h */
#define EXIT_UNAVAILABLE 69
#define EXIT_NOT_ALLOWED 77

enum { STALE_S = 60 };

int signed_in_failed(const char *command, const struct fail *why)
{
    static const int codes[] = {
        [FAIL_NONE] = 1,
        [FAIL_INPUT] = EXIT_INPUT,
        [FAIL_LIMIT] = EXIT_INPUT,
        [FAIL_DENIED] = EXIT_NOT_ALLOWED,
        [FAIL_PEER] = EXIT_UNAVAILABLE,
        [FAIL_LATE] = EXIT_UNAVAILABLE,
        [FAIL_SELF] = 1,
    };
    fprintf(stderr, "selvage %s: %s\n", command, why->text);
    return codes[why->kind];
}

/* ---- tokens ------------------------------------------------------------------------- */

bool signed_in_take(struct provider *provider, struct person *person, const struct oauth_tokens *tokens,
                    struct fail *why)
{
    int64_t now_s = clock_wall_s();
    if (tokens->id_token.len) {
        json_t *claims = provider_claims(provider, tokens->id_token, now_s, why);
        if (!claims)
            return fail_in(why, "the provider's ID token");
        json_decref(claims);
        person->id_token = tokens->id_token;
    }
    person->access_token = tokens->access_token;
    if (tokens->refresh_token.len)
        person->refresh_token = tokens->refresh_token;
    person->until_s = tokens->lifetime_s ? now_s + tokens->lifetime_s : 0;
    return true;
}

static bool is_stale(const struct person *person, int64_t margin_s)
{
    return person->until_s && clock_wall_s() + margin_s >= person->until_s;
}

static bool renew(const struct person_store *store, struct person *person, struct arena *arena,
                  struct fail *why)
{
    struct provider provider;
    struct oauth_tokens tokens;
    enum oauth_error error = OAUTH_OTHER;
    if (!provider_open(&provider, person, arena, why))
        return false;
    bool ok = provider_refresh(&provider, &tokens, &error, why) &&
              signed_in_take(&provider, person, &tokens, why) && person_write(store, person, why);
    provider_close(&provider);
    if (!ok && error == OAUTH_INVALID_GRANT)
        return fail(why, FAIL_DENIED, "the sign-in has ended; `selvage login` begins another");
    return ok;
}

/* Renewed a minute before its end; when the provider cannot be reached then, it still serves that minute. */
static bool fresh_person(const struct person_store *store, struct arena *arena, struct person *out,
                         struct fail *why)
{
    if (!person_read(store, arena, out, why))
        return false;
    if (!is_stale(out, STALE_S))
        return true;
    if (out->refresh_token.len && renew(store, out, arena, why))
        return true;
    if (!is_stale(out, 0))
        return true;
    return out->refresh_token.len
               ? false
               : fail(why, FAIL_DENIED, "the token has expired and cannot be renewed; `selvage login` again");
}

/* ---- what each command does ------------------------------------------------------------ */

struct wish {
    const char *state;
    bool id;
};

static bool token_print(const struct person_store *store, const struct wish *wish, struct arena *arena,
                        struct fail *why)
{
    struct person person;
    if (!fresh_person(store, arena, &person, why))
        return false;
    struct bytes token = wish->id ? person.id_token : person.access_token;
    if (!token.len)
        return fail(why, FAIL_INPUT, "the provider gave no ID token; sign in with --scope openid");
    return (fwrite(token.at, 1, token.len, stdout) == token.len && fputc('\n', stdout) != EOF &&
            fflush(stdout) == 0) ||
           fail_errno(why, FAIL_SELF, "standard output");
}

static void line_print(const char *title, struct bytes value)
{
    char shown[1024];
    struct text text;
    text_init_fixed(&text, shown, sizeof shown);
    text_add_shown(&text, value, 900);
    if (value.len)
        printf("%-8s %s\n", title, shown);
}

static void list_print(const char *title, const json_t *list, struct arena *arena)
{
    struct text text;
    struct bytes one;
    size_t i;
    const json_t *value;
    text_init_arena(&text, arena);
    json_array_foreach(list, i, value)
    {
        if (json_text(value, &one)) {
            text_add_s(&text, text.len ? ", " : "");
            text_add(&text, one);
        }
    }
    line_print(title, text_bytes(&text));
}

/* Its signature was verified when it came; the file is the user's own. */
static json_t *claims_of(const struct person *person, struct arena *arena)
{
    struct jws jws;
    struct fail ignored;
    struct bytes token = person->id_token.len ? person->id_token : person->access_token;
    json_t *claims =
        jws_read(token, arena, &jws, &ignored) ? json_read(jws.payload, JWS_TOKEN_MAX, &ignored) : NULL;
    return claims ? claims : json_object();
}

static bool who_print(const struct person_store *store, const struct wish *wish, struct arena *arena,
                      struct fail *why)
{
    struct person person;
    struct bytes text;
    char until[CLOCK_TEXT_SIZE];
    (void)wish;
    if (!fresh_person(store, arena, &person, why))
        return false;
    json_t *claims = claims_of(&person, arena);
    line_print("subject", json_member_text(claims, "sub", &text) ? text : BYTES("not known"));
    line_print("name", json_member_text(claims, "name", &text) ? text : (struct bytes){0});
    line_print("email", json_member_text(claims, "email", &text) ? text : (struct bytes){0});
    line_print("issuer", person.issuer);
    line_print("client", person.client);
    list_print("groups", json_object_get(claims, "groups"), arena);
    clock_text(person.until_s * 1000000, until);
    line_print("expires", person.until_s ? bytes_of(until) : BYTES("not known"));
    line_print("renews", person.refresh_token.len ? BYTES("by itself") : BYTES("not: `selvage login` again"));
    json_decref(claims);
    return true;
}

/* The refresh token first: without it the provider lets go of the whole grant. */
static bool tokens_revoke(const struct person *person, struct arena *arena, struct fail *why)
{
    struct provider provider;
    if (!provider_open(&provider, person, arena, why))
        return false;
    bool ok =
        !person->refresh_token.len || provider_revoke(&provider, person->refresh_token, "refresh_token", why);
    ok = provider_revoke(&provider, person->access_token, "access_token", why) && ok;
    provider_close(&provider);
    return ok;
}

static bool sign_out(const struct person_store *store, const struct wish *wish, struct arena *arena,
                     struct fail *why)
{
    struct person person;
    struct fail removal;
    (void)wish;
    if (!person_read(store, arena, &person, why))
        return false;
    bool revoked = tokens_revoke(&person, arena, why);
    if (!person_remove(store, &removal)) {
        *why = removal;
        return false;
    }
    return revoked || fail_in(why, "the tokens are gone from here, but the provider may still take them");
}

/* ---- the commands ---------------------------------------------------------------------- */

static const struct option state_option[] = {
    {"state", 0, OPTION_TEXT, offsetof(struct wish, state), "DIR", STATE_HELP, .choices = NULL},
    {"id", 0, OPTION_FLAG, offsetof(struct wish, id), .help = "print the ID token instead"},
};

static int run(const struct command_line *line, int argc, char **argv,
               bool (*act)(const struct person_store *, const struct wish *, struct arena *, struct fail *))
{
    struct wish wish = {0};
    struct operands operands;
    struct person_store store;
    struct arena arena;
    struct fail why;
    int code;
    if (!options_read(line, argc, argv, &wish, &operands, &code))
        return code;
    prctl(PR_SET_DUMPABLE, 0); /* no tokens in a core file */
    arena_init(&arena);
    bool ok = person_open(wish.state, &arena, &store, &why);
    if (ok) {
        ok = act(&store, &wish, &arena, &why);
        person_close(&store);
    }
    code = ok ? 0 : signed_in_failed(line->command, &why);
    arena_done(&arena);
    return code;
}

int token_main(int argc, char **argv)
{
    static const struct command_line line = {
        "token",
        "",
        0,
        0,
        "Print the access token of who is signed in, and nothing else; renewed when it is stale.\n"
        "\n"
        "    curl -H \"Authorization: Bearer $(selvage token)\" https://edge.example.com/\n",
        state_option,
        2,
    };
    return run(&line, argc, argv, token_print);
}

int whoami_main(int argc, char **argv)
{
    static const struct command_line line = {
        "whoami",     "", 0, 0, "Say who is signed in: subject, issuer, groups, and until when.\n",
        state_option, 1,
    };
    return run(&line, argc, argv, who_print);
}

int logout_main(int argc, char **argv)
{
    static const struct command_line line = {
        "logout",     "", 0, 0, "Give the tokens back to the provider (RFC 7009) and remove them here.\n",
        state_option, 1,
    };
    return run(&line, argc, argv, sign_out);
}
