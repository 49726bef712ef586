#include "rows.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tally {
    unsigned passed, failed, skipped;
    struct fail skip_reason; /* of the first */
};

bool row_says(const json_t *row, const char *name, const char *value)
{
    struct bytes text;
    return json_member_text(row, name, &text) && bytes_equal(text, bytes_of(value));
}

struct bytes row_text(const json_t *value, struct arena *arena)
{
    struct bytes content;
    struct text text;
    if (json_text(value, &content))
        return content;
    text_init_arena(&text, arena);
    json_write(&text, value);
    return text_bytes(&text);
}

/* Files that hold an integer beyond 64 bits are read with reals, and those that are whole made integers
 * again. */
static json_t *with_integers(json_t *value)
{
    const char *name;
    json_t *member;
    size_t i;
    if (json_is_real(value)) {
        double number = json_real_value(value);
        if (fabs(number) < 9007199254740992.0 && trunc(number) == number)
            return json_integer((json_int_t)number);
    }
    json_object_foreach(value, name, member)
    {
        json_object_set_new(value, name, with_integers(member));
    }
    json_array_foreach(value, i, member)
    {
        json_array_set_new(value, i, with_integers(member));
    }
    return json_incref(value);
}

static json_t *file_read(const char *path, struct fail *why)
{
    json_error_t error;
    json_t *file = json_load_file(path, JSON_ALLOW_NUL, &error);
    if (file)
        return file;
    file = json_load_file(path, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
    if (!file)
        fail(why, FAIL_INPUT, "line %d: %s", error.line, error.text);
    else
        json_decref(with_integers(file));
    return file;
}

static void row_play(const json_t *row, row_judge *judge, struct arena *arena, struct tally *tally)
{
    struct fail why = {0};
    struct bytes name = row_text(json_object_get(row, "name"), arena);
    switch (judge(row, arena, &why)) {
    case ROW_PASSED:
        tally->passed++;
        return;
    case ROW_SKIPPED:
        if (!tally->skipped++)
            tally->skip_reason = why;
        return;
    default:
        tally->failed++;
        printf("%.*s: %s\n", BYTES_FMT(name), why.text);
    }
}

static void file_play(const char *path, row_judge *judge, struct tally *tally)
{
    struct fail why;
    struct arena arena;
    size_t i;
    const json_t *row;
    json_t *file = file_read(path, &why);
    if (!json_is_array(json_object_get(file, "cases"))) {
        printf("%s: %s\n", path, file ? "no cases" : why.text);
        tally->failed++;
    }
    arena_init(&arena);
    json_array_foreach(json_object_get(file, "cases"), i, row)
    {
        row_play(row, judge, &arena, tally);
        arena_reset(&arena);
    }
    arena_done(&arena);
    json_decref(file);
}

static int is_json(const struct dirent *entry)
{
    return bytes_ends(bytes_of(entry->d_name), BYTES(".json"));
}

int rows_play(const char *group, const char *folder, row_judge *judge)
{
    struct tally tally = {0};
    struct dirent **entries;
    int count = scandir(folder, &entries, is_json, alphasort);
    char path[4096];
    if (count < 0) {
        fprintf(stderr, "%s: cannot be read; give the folder of %s\n", folder, group);
        return 2;
    }
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        file_play(path, judge, &tally);
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
