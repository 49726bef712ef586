#include "cli/secret.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/heap.h"
#include "cli/config.h"
#include "cli/options.h"
#include "control/secret_store.h"
#include "control/state_file.h"
#include "wire/json.h"

enum { KEYS_MAX = 64 };

struct wish {
    const char *config;
    int form;
};

enum form { FORM_TABLE, FORM_JSON };

static const char *const forms[] = {"table", "json", NULL};

static const struct option options[] = {
    {"config", 'c', OPTION_TEXT, offsetof(struct wish, config), "FILE", CONFIG_HELP, .choices = NULL},
    {"output", 'o', OPTION_CHOICE, offsetof(struct wish, form), "FORM", "of list: table or json (table)",
     .choices = forms},
};

static const struct command_line line = {
    "secret",
    "put|delete|list [NAMESPACE/NAME] [KEY=FILE...]",
    1,
    KEYS_MAX + 2,
    "Keeps secrets sealed in the node's state directory, for resources to refer to by name\n"
    "as if each were a Kubernetes Secret; a running node takes changes within a second.\n"
    "\n"
    "  put NAMESPACE/NAME KEY=FILE...   add values, or replace them; a FILE - is standard input\n"
    "  delete NAMESPACE/NAME [KEY...]   remove a Secret, or some of its keys\n"
    "  list                             names, keys, sizes and ages; values are never shown\n"
    "\n"
    "Values come from files, never from the command line, where others could read them.\n",
    options,
    sizeof options / sizeof options[0],
};

static int failed(const struct fail *why)
{
    fprintf(stderr, "selvage secret: %s\n", why->text);
    return why->kind == FAIL_INPUT || why->kind == FAIL_LIMIT ? EXIT_INPUT : 1;
}

static bool place_read(const char *operand, struct bytes *name_space, struct bytes *name, struct fail *why)
{
    *name = bytes_of(operand);
    if (!bytes_cut(name, '/', name_space))
        return fail(why, FAIL_INPUT, "'%s' is no NAMESPACE/NAME", operand);
    return secret_name_judge(*name_space, *name, why);
}

/* ---- whose files they are --------------------------------------------------------------- */

/* Like the node makes it: for its user alone. */
static bool state_make(const struct settings *settings, struct arena *arena, struct fail *why)
{
    const char *path = arena_text(arena, settings->state);
    const struct passwd *user =
        settings->user.len && geteuid() == 0 ? getpwnam(arena_text(arena, settings->user)) : NULL;
    if (!directory_make(path, 0700, why))
        return false;
    return !user || chown(path, user->pw_uid, user->pw_gid) == 0 ||
           fail_errno(why, FAIL_SELF, "%s cannot be given to the node's user", path);
}

/* Root writes as whoever the state belongs to, so that the node can read it. */
static bool owner_become(const struct settings *settings, struct arena *arena, struct fail *why)
{
    const char *path = arena_text(arena, settings->state);
    struct stat of;
    if (stat(path, &of) != 0) {
        if (errno != ENOENT)
            return fail_errno(why, FAIL_INPUT, "%s", path);
        if (!state_make(settings, arena, why))
            return false;
        if (stat(path, &of) != 0)
            return fail_errno(why, FAIL_SELF, "%s", path);
    }
    if (geteuid() != 0 || of.st_uid == 0)
        return true;
    return (setegid(of.st_gid) == 0 && seteuid(of.st_uid) == 0) ||
           fail_errno(why, FAIL_SELF, "cannot become the owner of %s", path);
}

/* ---- put ---------------------------------------------------------------------------------- */

static bool input_read(struct arena *arena, struct bytes *out, struct fail *why)
{
    char *at = arena_raw(arena, SECRET_VALUE_MAX + 1);
    size_t len = fread(at, 1, SECRET_VALUE_MAX + 1, stdin);
    if (ferror(stdin))
        return fail_errno(why, FAIL_INPUT, "standard input");
    if (len > SECRET_VALUE_MAX)
        return fail(why, FAIL_LIMIT, "standard input has more than %zu bytes", SECRET_VALUE_MAX);
    *out = bytes_make(at, len);
    return true;
}

static bool value_read(const char *operand, struct arena *arena, struct secret_value *out, struct fail *why)
{
    struct bytes file = bytes_of(operand);
    if (!bytes_cut(&file, '=', &out->key) || !file.len)
        return fail(why, FAIL_INPUT, "'%.*s' is no KEY=FILE", BYTES_FMT(out->key));
    out->changed_s = clock_wall_s();
    return secret_key_judge(out->key, why) &&
           (bytes_equal(file, BYTES("-")) ? input_read(arena, &out->value, why)
                                          : file_read(file.at, SECRET_VALUE_MAX, arena, &out->value, why));
}

static bool put(const struct settings *settings, const struct operands *operands, struct arena *arena,
                struct fail *why)
{
    struct secret_values values = {arena_array(arena, struct secret_value, KEYS_MAX), 0};
    struct bytes name_space, name;
    bool done = place_read(operands->at[1], &name_space, &name, why);
    for (size_t i = 2; done && i < operands->count; i++) {
        values.at[values.count] = (struct secret_value){.name_space = name_space, .name = name};
        done = value_read(operands->at[i], arena, &values.at[values.count++], why);
    }
    done = done && owner_become(settings, arena, why) &&
           secret_store_put(settings, values.at, values.count, why);
    secret_values_wipe(&values);
    return done;
}

/* ---- delete and list -------------------------------------------------------------------------- */

static bool remove_some(const struct settings *settings, const struct operands *operands, struct arena *arena,
                        struct fail *why)
{
    struct bytes name_space, name;
    if (!place_read(operands->at[1], &name_space, &name, why) || !owner_become(settings, arena, why))
        return false;
    if (operands->count == 2)
        return secret_store_delete(settings, name_space, name, (struct bytes){0}, why);
    for (size_t i = 2; i < operands->count; i++)
        if (!secret_key_judge(bytes_of(operands->at[i]), why) ||
            !secret_store_delete(settings, name_space, name, bytes_of(operands->at[i]), why))
            return false;
    return true;
}

static void moment_write(int64_t unix_s, char *out, size_t size)
{
    struct tm parts;
    time_t at = (time_t)unix_s;
    gmtime_r(&at, &parts);
    strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

static void table_print(const struct secret_values *values)
{
    printf("%-16s %-32s %-24s %8s  %s\n", "NAMESPACE", "NAME", "KEY", "BYTES", "CHANGED");
    for (size_t i = 0; i < values->count; i++) {
        const struct secret_value *value = &values->at[i];
        char moment[32];
        moment_write(value->changed_s, moment, sizeof moment);
        printf("%-16.*s %-32.*s %-24.*s %8zu  %s\n", BYTES_FMT(value->name_space), BYTES_FMT(value->name),
               BYTES_FMT(value->key), value->value.len, moment);
    }
}

static void json_print(const struct secret_values *values, struct arena *arena)
{
    struct text out;
    text_init_arena(&out, arena);
    for (size_t i = 0; i < values->count; i++) {
        const struct secret_value *value = &values->at[i];
        char moment[32];
        moment_write(value->changed_s, moment, sizeof moment);
        text_add_s(&out, i ? ",\n {\"namespace\":" : "[{\"namespace\":");
        text_add_json(&out, value->name_space);
        text_add_s(&out, ",\"name\":");
        text_add_json(&out, value->name);
        text_add_s(&out, ",\"key\":");
        text_add_json(&out, value->key);
        text_format(&out, ",\"bytes\":%zu,\"changed\":\"%s\"}", value->value.len, moment);
    }
    text_add_s(&out, values->count ? "]\n" : "[]\n");
    fwrite(out.at, 1, out.len, stdout);
}

static bool list(const struct settings *settings, int form, struct arena *arena, struct fail *why)
{
    struct secret_values values = {0};
    if (!owner_become(settings, arena, why) || !secret_store_read(settings, arena, &values, why))
        return false;
    if (form == FORM_JSON)
        json_print(&values, arena);
    else if (values.count)
        table_print(&values);
    else
        fputs("the store has no secrets\n", stderr);
    secret_values_wipe(&values);
    return true;
}

/* ---- the command ------------------------------------------------------------------------------- */

static bool act(const struct settings *settings, const struct wish *wish, const struct operands *operands,
                struct arena *arena, struct fail *why)
{
    const char *verb = operands->at[0];
    if (strcmp(verb, "list") == 0 && operands->count == 1)
        return list(settings, wish->form, arena, why);
    if (strcmp(verb, "put") == 0 && operands->count >= 3)
        return put(settings, operands, arena, why);
    if (strcmp(verb, "delete") == 0 && operands->count >= 2)
        return remove_some(settings, operands, arena, why);
    return fail(why, FAIL_NONE,
                "it is put NAMESPACE/NAME KEY=FILE..., delete NAMESPACE/NAME [KEY...] or list");
}

int secret_main(int argc, char **argv)
{
    struct wish wish = {.form = FORM_TABLE};
    struct operands operands;
    struct settings settings;
    struct arena arena;
    struct fail why;
    int code;
    if (!options_read(&line, argc, argv, &wish, &operands, &code))
        return code;
    prctl(PR_SET_DUMPABLE, 0); /* no values in a core file */
    arena_init(&arena);
    code = config_load("secret", wish.config, &arena, &settings);
    if (!code && !act(&settings, &wish, &operands, &arena, &why)) {
        code = failed(&why);
        if (why.kind == FAIL_NONE)
            code = EXIT_USAGE;
    }
    arena_done(&arena);
    return code;
}
