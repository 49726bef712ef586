#include "runner.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REASONS_MAX 12

struct tally {
    int passed;
    int failed;
    int skipped;
    /* Why cases were skipped, each reason once; what does not fit is not named. */
    char reasons[REASONS_MAX][sizeof((struct fail *)NULL)->text];
};

struct bytes case_text(const json_t *item, const char *name)
{
    const json_t *value = json_object_get(item, name);
    return bytes_make(json_string_value(value), json_string_length(value));
}

enum verdict case_failed(struct fail *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    return FAILED;
}

static void keep_reason(struct tally *tally, const char *text)
{
    for (int i = 0; i < REASONS_MAX; i++) {
        if (!tally->reasons[i][0])
            snprintf(tally->reasons[i], sizeof tally->reasons[i], "%s", text);
        if (strcmp(tally->reasons[i], text) == 0)
            return;
    }
}

static const char *name_of(const json_t *item)
{
    const char *name = json_string_value(json_object_get(item, "name"));
    return name ? name : json_string_value(json_object_get(item, "id"));
}

static void tally_print(const struct tally *tally, const char *group)
{
    printf("%s: %d passed, %d failed", group, tally->passed, tally->failed);
    if (tally->skipped)
        printf(", %d skipped (", tally->skipped);
    for (int i = 0; i < REASONS_MAX && tally->reasons[i][0]; i++)
        printf("%s%s", i ? "; " : "", tally->reasons[i]);
    printf(tally->skipped ? ")\n" : "\n");
}

/* One of the two. */
struct judges {
    case_judge *one;
    file_case_judge *with_file;
};

static void run_case(const json_t *item, const json_t *file, const struct judges *judges, struct arena *arena,
                     struct tally *tally)
{
    struct fail why = {.text = "no reason given"};
    switch (judges->one ? judges->one(item, arena, &why) : judges->with_file(item, file, arena, &why)) {
    case PASSED:
        tally->passed++;
        break;
    case FAILED:
        tally->failed++;
        printf("failed %s: %s\n", name_of(item), why.text);
        break;
    case SKIPPED:
        tally->skipped++;
        keep_reason(tally, why.text);
        break;
    }
    arena_reset(arena);
}

static bool run_file(const char *path, const struct judges *judges, struct arena *arena, struct tally *tally)
{
    json_error_t error;
    json_t *root = json_load_file(path, JSON_ALLOW_NUL, &error);
    const json_t *cases = json_object_get(root, "cases");
    if (!json_is_array(cases)) {
        fprintf(stderr, "%s: no array 'cases': %s\n", path, error.text);
        json_decref(root);
        return false;
    }
    size_t i;
    const json_t *item;
    json_array_foreach(cases, i, item) run_case(item, root, judges, arena, tally);
    json_decref(root);
    return true;
}

static int is_json(const struct dirent *entry)
{
    return bytes_ends(bytes_of(entry->d_name), BYTES(".json"));
}

static int run_folder(const char *group, const struct judges *judges, int argc, char **argv)
{
    struct dirent **names = NULL;
    int count = argc == 2 ? scandir(argv[1], &names, is_json, alphasort) : -1;
    if (count <= 0) {
        fprintf(stderr, "usage: %s DIR with JSON files of cases\n", argv[0]);
        return 64;
    }
    struct tally tally = {0};
    struct arena arena;
    bool readable = true;
    arena_init(&arena);
    for (int i = 0; i < count; i++) {
        readable &=
            run_file(arena_format(&arena, "%s/%s", argv[1], names[i]->d_name).at, judges, &arena, &tally);
        free(names[i]);
    }
    free(names);
    arena_done(&arena);
    arena_stock_drop();
    tally_print(&tally, group);
    return readable && !tally.failed ? 0 : 1;
}

int conformance_run(const char *group, case_judge *judge, int argc, char **argv)
{
    return run_folder(group, &(struct judges){.one = judge}, argc, argv);
}

int conformance_run_files(const char *group, file_case_judge *judge, int argc, char **argv)
{
    return run_folder(group, &(struct judges){.with_file = judge}, argc, argv);
}
