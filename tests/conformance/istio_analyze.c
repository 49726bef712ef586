/*
 * istio_analyze: what analyzers say, against what istioctl's say.
 *
 * Two layouts: a folder of folders (expect.json beside the resources), or a
 * file istio-analyzers.json whose cases hold both. A case is judged by the one
 * analyzer that it names.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer_case.h"

enum { TEXT_MAX = 8 << 20 };

struct tally {
    unsigned passed, failed, skipped;
    struct fail reason; /* of the first skipped */
};

static void count(struct tally *tally, const char *name, enum verdict verdict, const struct fail *why)
{
    if (verdict == SKIPPED && !tally->skipped)
        tally->reason = *why;
    if (verdict == FAILED)
        printf("failed %s: %s\n", name, why->text);
    tally->passed += verdict == PASSED;
    tally->failed += verdict == FAILED;
    tally->skipped += verdict == SKIPPED;
}

static struct bytes file_of(struct arena *arena, const char *folder, const char *name)
{
    if (!name)
        return (struct bytes){0};
    FILE *file = fopen(arena_format(arena, "%s/%s", folder, name).at, "rb");
    if (!file)
        return (struct bytes){0};
    char *at = arena_raw(arena, TEXT_MAX);
    struct bytes text = bytes_make(at, fread(at, 1, TEXT_MAX, file));
    fclose(file);
    return text;
}

static enum verdict folder_judge(const char *folder, const json_t *item, struct fail *why)
{
    struct analyzer_case trial;
    const json_t *input;
    size_t i;
    analyzer_case_init(&trial, json_string_value(json_object_get(item, "analyzer")),
                       json_object_get(item, "expected"));
    json_array_foreach(json_object_get(item, "input"), i, input) resource_set_add_file(
        &trial.set, json_string_value(input), file_of(&trial.arena, folder, json_string_value(input)));
    const char *mesh = json_string_value(json_object_get(item, "meshConfig"));
    const char *networks = json_string_value(json_object_get(item, "meshNetworks"));
    trial.mesh = analyzer_case_tree(&trial, file_of(&trial.arena, folder, mesh));
    trial.networks = analyzer_case_tree(&trial, file_of(&trial.arena, folder, networks));
    enum verdict verdict = analyzer_case_judge(&trial, why);
    analyzer_case_done(&trial);
    return verdict;
}

static void folder_play(const char *folder, const char *name, struct tally *tally)
{
    json_error_t error;
    struct fail why = {.text = ""};
    char path[4096];
    snprintf(path, sizeof path, "%s/%s/expect.json", folder, name);
    json_t *item = json_load_file(path, 0, &error);
    path[strlen(path) - strlen("/expect.json")] = '\0';
    if (item)
        count(tally, name, folder_judge(path, item, &why), &why);
    else
        count(tally, name, case_failed(&why, "%s", error.text), &why);
    json_decref(item);
}

static int is_trial(const struct dirent *entry)
{
    return entry->d_type == DT_DIR && entry->d_name[0] != '.';
}

static bool folders_play(const char *folder, struct tally *tally)
{
    struct dirent **entries;
    int found = scandir(folder, &entries, is_trial, alphasort);
    for (int i = 0; i < found; i++) {
        folder_play(folder, entries[i]->d_name, tally);
        free(entries[i]);
    }
    if (found >= 0)
        free(entries);
    return found >= 0;
}

/* The rows beside the other validations, where they are. */
static void rows_play(const char *path, struct tally *tally)
{
    json_error_t error;
    size_t i;
    const json_t *item;
    json_t *file = json_load_file(path, JSON_ALLOW_NUL, &error);
    json_array_foreach(json_object_get(file, "cases"), i, item)
    {
        struct fail why = {.text = ""};
        count(tally, json_string_value(json_object_get(item, "title")), analyzer_row_judge(item, &why), &why);
    }
    json_decref(file);
}

int main(int argc, char **argv)
{
    struct tally tally = {0};
    char rows[4096];
    if (argc != 2 || !folders_play(argv[1], &tally)) {
        fprintf(stderr, "usage: conformance-istio-analyze DIR (a folder of cases)\n");
        return 2;
    }
    snprintf(rows, sizeof rows, "%s/../istio/validation/istio-analyzers.json", argv[1]);
    rows_play(rows, &tally);
    printf("istio-analyze: %u passed, %u failed", tally.passed, tally.failed);
    if (tally.skipped)
        printf(", %u skipped (%s)", tally.skipped, tally.reason.text);
    printf("\n");
    arena_stock_drop();
    return tally.failed || !tally.passed;
}
