#include "sets.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX ((size_t)16 << 20)

struct tally {
    unsigned passed, failed, skipped;
    struct fail skip_reason; /* of the first */
};

bool set_file(const char *folder, const char *name, struct arena *arena, struct bytes *out)
{
    FILE *file = fopen(arena_format(arena, "%s/%s", folder, name).at, "rb");
    if (!file)
        return false;
    char *at = arena_raw(arena, FILE_MAX);
    size_t len = fread(at, 1, FILE_MAX - 1, file);
    at[len] = '\0';
    *out = bytes_make(at, len);
    fclose(file);
    return true;
}

static json_t *json_file(const char *folder, const char *name, struct arena *arena)
{
    struct bytes content;
    json_error_t error;
    return set_file(folder, name, arena, &content) ? json_loadb(content.at, content.len, 0, &error) : NULL;
}

static void row_play(const struct set *set, const json_t *row, set_judge *judge, struct tally *tally)
{
    struct arena arena;
    struct fail why = {.text = "no reason given"};
    arena_init(&arena);
    switch (judge(set, row, &arena, &why)) {
    case ROW_PASSED:
        tally->passed++;
        break;
    case ROW_SKIPPED:
        if (!tally->skipped++)
            tally->skip_reason = why;
        break;
    case ROW_FAILED:
        tally->failed++;
        printf("%s: %.*s: %s\n", set->name, BYTES_FMT(row_text(json_object_get(row, "name"), &arena)),
               why.text);
    }
    arena_done(&arena);
}

static void set_play(const char *folder, const char *name, const char *resources, set_judge *judge,
                     struct tally *tally)
{
    struct arena arena;
    struct bytes text = {0};
    size_t i;
    const json_t *row;
    arena_init(&arena);
    const char *own = arena_format(&arena, "%s/%s", folder, name).at;
    json_t *meta = json_file(own, "meta.json", &arena), *cases = json_file(own, "cases.json", &arena);
    if (!meta || !json_is_array(cases) || !set_file(own, resources, &arena, &text)) {
        printf("%s: it lacks meta.json, cases.json or %s\n", name, resources);
        tally->failed++;
    }
    const struct set set = {folder, name, meta, text};
    json_array_foreach(cases, i, row) row_play(&set, row, judge, tally);
    json_decref(meta);
    json_decref(cases);
    arena_done(&arena);
}

static int is_set(const struct dirent *entry)
{
    return entry->d_type == DT_DIR && entry->d_name[0] != '.';
}

int sets_play(const char *group, const char *folder, const char *resources, set_judge *judge)
{
    struct tally tally = {0};
    struct dirent **entries;
    int count = scandir(folder, &entries, is_set, alphasort);
    if (count < 0) {
        fprintf(stderr, "%s: cannot be read; give the folder of %s\n", folder, group);
        return 2;
    }
    for (int i = 0; i < count; i++) {
        set_play(folder, entries[i]->d_name, resources, judge, &tally);
        free(entries[i]);
    }
    free(entries);
    printf("%s: %u passed, %u failed", group, tally.passed, tally.failed);
    if (tally.skipped)
        printf(", %u skipped (%s)", tally.skipped, tally.skip_reason.text);
    printf("\n");
    arena_stock_drop();
    return tally.failed || !tally.passed;
}
