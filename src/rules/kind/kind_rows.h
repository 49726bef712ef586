/*
 * kind_rows: tests of kinds as rows, each a resource's body and the first finding it makes.
 */
#ifndef RULES_KIND_ROWS_H
#define RULES_KIND_ROWS_H

#include "base/test.h"

#include "rules/resource.h"

struct kind_row {
    const char *name;
    const char *spec;
    const char *says; /* NULL: nothing */
};

/* That a kind is not acted on yet is said of each resource of it; the rows are about the rest. */
static bool kind_rows_counts(const struct finding *finding)
{
    return !bytes_equal(finding->path, BYTES("kind"));
}

/* Of checks alone: nor does a field that is not acted on count. */
static bool kind_rows_is_check(const struct finding *finding)
{
    return strcmp(finding->code, FINDING_NOT_YET) != 0;
}

static void kind_rows_play(const char *api, const char *kind, const struct kind_row *rows, size_t count,
                           bool (*counts)(const struct finding *))
{
    for (size_t i = 0; i < count; i++) {
        struct resource_set set;
        char shown[600] = "";
        struct text text;
        resource_set_init(&set);
        struct bytes file = arena_format(&set.arena, "apiVersion: %s\nkind: %s\nmetadata: {name: x}\n%s\n",
                                         api, kind, rows[i].spec);
        resource_set_add_file(&set, "f.yaml", file);
        resource_set_finish(&set);
        text_init_fixed(&text, shown, sizeof(shown));
        for (size_t k = 0; k < set.findings.count && text.len == 0; k++)
            if (counts(&set.findings.at[k]))
                finding_write(&set.findings.at[k], &text);
        print_message("  %s\n", rows[i].name);
        assert_string_equal(shown, rows[i].says ? rows[i].says : "");
        resource_set_done(&set);
    }
}

__attribute__((unused)) static void kind_rows_run(const char *api, const char *kind,
                                                  const struct kind_row *rows, size_t count)
{
    kind_rows_play(api, kind, rows, count, kind_rows_counts);
}

__attribute__((unused)) static void kind_rows_checks(const char *api, const char *kind,
                                                     const struct kind_row *rows, size_t count)
{
    kind_rows_play(api, kind, rows, count, kind_rows_is_check);
}

#endif
