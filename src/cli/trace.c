#include "cli/trace.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/options.h"
#include "cli/paint.h"

struct wish {
    struct texts logs;
    int form;
};

enum form { FORM_TEXT, FORM_JSON };

static const char *const forms[] = {"text", "json", NULL};

static const struct option options[] = {
    {"log", 'l', OPTION_TEXTS, offsetof(struct wish, logs), "PATH",
     "an access log, or a directory of them; may be repeated", .choices = NULL},
    {"output", 'o', OPTION_CHOICE, offsetof(struct wish, form), "FORM", "text or json (text)",
     .choices = forms},
};

static const struct command_line line = {
    "trace",
    "ID",
    1,
    1,
    "Shows the hops of one request. ID is a request id (the header x-request-id of any\n"
    "answer) or a trace id (the second part of traceparent). Without --log it looks\n"
    "into the logs of running demos and of nodes whose state is in /var/lib/selvage.\n",
    options,
    sizeof options / sizeof options[0],
};

/* ---- reading ------------------------------------------------------------------- */

/* Line by line; one that is too long is passed over. */
static bool log_read(struct trace_hops *hops, struct bytes id, const char *path)
{
    FILE *log = fopen(path, "re");
    char *buffer = malloc(TRACE_LINE_MAX);
    bool whole = true;
    while (log && buffer && fgets(buffer, (int)TRACE_LINE_MAX, log)) {
        size_t len = strlen(buffer);
        bool ends = len && buffer[len - 1] == '\n';
        if (ends && whole)
            trace_take(hops, id, bytes_make(buffer, len - 1));
        whole = ends;
    }
    bool read = log && !ferror(log);
    if (log)
        fclose(log);
    free(buffer);
    return read;
}

/* Only what is the user's own or root's: others may write what they like into /tmp. */
static bool is_ours(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode) &&
           (about.st_uid == geteuid() || about.st_uid == 0);
}

static void pattern_read(struct trace_hops *hops, struct bytes id, const char *pattern, bool check)
{
    glob_t found;
    if (glob(pattern, 0, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++)
        if (!check || is_ours(found.gl_pathv[i]))
            log_read(hops, id, found.gl_pathv[i]);
    globfree(&found);
}

static void usual_read(struct trace_hops *hops, struct bytes id)
{
    static const char *const below[] = {"/tmp/selvage-demo-*/state/*/access.log",
                                        "/var/lib/selvage/access.log", "/var/lib/selvage/*/access.log"};
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    char pattern[600];
    if (runtime && runtime[0] == '/' && strlen(runtime) < 500) {
        snprintf(pattern, sizeof pattern, "%s/selvage-demo-*/state/*/access.log", runtime);
        pattern_read(hops, id, pattern, true);
    }
    for (size_t i = 0; i < sizeof below / sizeof below[0]; i++)
        pattern_read(hops, id, below[i], true);
}

static bool named_read(struct trace_hops *hops, struct bytes id, const char *path)
{
    static const char *const inside[] = {"%s/access.log", "%s/*/access.log", "%s/state/*/access.log",
                                         "%s/*.log"};
    struct stat about;
    char pattern[4200];
    if (stat(path, &about) != 0 || strlen(path) > 4096) {
        fprintf(stderr, "selvage trace: %s: there is no such file or directory\n", path);
        return false;
    }
    if (!S_ISDIR(about.st_mode)) {
        if (log_read(hops, id, path))
            return true;
        fprintf(stderr, "selvage trace: %s cannot be read\n", path);
        return false;
    }
    for (size_t i = 0; i < sizeof inside / sizeof inside[0] && !hops->count; i++) {
        snprintf(pattern, sizeof pattern, "%s%s", path, inside[i] + 2);
        pattern_read(hops, id, pattern, false);
    }
    return true;
}

/* ---- the command ------------------------------------------------------------------ */

static void hops_print(const struct trace_hops *hops, int form)
{
    struct arena arena;
    struct text out;
    arena_init(&arena);
    text_init_arena(&out, &arena);
    if (form == FORM_TEXT)
        trace_write(hops, paint_wanted(STDOUT_FILENO), &out);
    if (form == FORM_JSON) {
        for (size_t i = 0; i < hops->count; i++) {
            char *hop = json_dumps(hops->at[i], JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(12));
            text_format(&out, "%s%s", i ? ",\n " : "[", hop ? hop : "null");
            free(hop);
        }
        text_add_s(&out, hops->count ? "]\n" : "[]\n");
    }
    fwrite(out.at, 1, out.len, stdout);
    arena_done(&arena);
}

static int conclude(struct trace_hops *hops, const char *id, int form)
{
    trace_sort(hops);
    if (hops->count || form == FORM_JSON)
        hops_print(hops, form);
    if (!hops->count)
        fprintf(stderr, "selvage trace: no log has a request or trace '%s'; --log names other logs\n", id);
    if (hops->dropped)
        fprintf(stderr, "%zu more hops are not shown\n", hops->dropped);
    return hops->count ? 0 : 1;
}

int trace_main(int argc, char **argv)
{
    static struct trace_hops hops;
    struct wish wish = {.form = FORM_TEXT};
    struct operands operands;
    int code;
    if (!options_read(&line, argc, argv, &wish, &operands, &code))
        return code;
    struct bytes id = bytes_of(operands.at[0]);
    if (!id.len || id.len > 128) {
        fprintf(stderr, "selvage trace: an ID has 1 to 128 characters\n");
        return EXIT_USAGE;
    }
    if (!wish.logs.count)
        usual_read(&hops, id);
    for (size_t i = 0; i < wish.logs.count; i++) {
        if (!named_read(&hops, id, wish.logs.at[i])) {
            trace_hops_done(&hops);
            return EXIT_INPUT;
        }
    }
    code = conclude(&hops, operands.at[0], wish.form);
    trace_hops_done(&hops);
    return code;
}
