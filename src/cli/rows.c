#include "cli/rows.h"

#include <stdlib.h>

const char *const rows_forms[] = {"short", "json", "yaml", NULL};

enum { GAP = 5, COLUMNS_MAX = 16 };

/* ---- the table -------------------------------------------------------- */

/* What a cell shows; lies in `out`. */
static void cell_write(const json_t *value, const char *empty, struct text *out)
{
    struct bytes text;
    if (json_text(value, &text) && text.len)
        text_add_shown(out, text, 2000);
    else if (json_is_integer(value))
        text_format(out, "%lld", (long long)json_integer_value(value));
    else if (json_is_boolean(value))
        text_add_s(out, json_is_true(value) ? "true" : "false");
    else if (empty)
        text_add_s(out, empty);
}

static size_t cell_width(const json_t *row, const struct rows_column *column)
{
    char room[2200];
    struct text cell;
    text_init_fixed(&cell, room, sizeof room);
    cell_write(json_object_get(row, column->key), column->empty, &cell);
    return cell.len;
}

static void pad(struct text *out, size_t count)
{
    while (count--)
        text_add_c(out, ' ');
}

static void table_write(const json_t *rows, const struct rows_column *columns, size_t count, struct text *out)
{
    size_t widths[COLUMNS_MAX], i;
    const json_t *row;
    for (size_t c = 0; c < count; c++) {
        widths[c] = strlen(columns[c].title);
        json_array_foreach(rows, i, row)
        {
            size_t width = cell_width(row, &columns[c]);
            widths[c] = width > widths[c] ? width : widths[c];
        }
    }
    for (size_t c = 0; c < count; c++) {
        text_add_s(out, columns[c].title);
        pad(out, c + 1 < count ? widths[c] - strlen(columns[c].title) + GAP : 0);
    }
    text_add_c(out, '\n');
    json_array_foreach(rows, i, row)
    {
        for (size_t c = 0; c < count; c++) {
            cell_write(json_object_get(row, columns[c].key), columns[c].empty, out);
            pad(out, c + 1 < count ? widths[c] - cell_width(row, &columns[c]) + GAP : 0);
        }
        text_add_c(out, '\n');
    }
}

/* ---- YAML ------------------------------------------------------------- */

/* Texts in JSON's quotes, which YAML reads too (YAML 1.2.2, 1.2). */
static void scalar_write(const json_t *value, struct text *out)
{
    struct bytes text;
    if (json_text(value, &text))
        text_add_json(out, text);
    else
        json_write(out, value);
}

static void list_write(const json_t *list, struct text *out)
{
    size_t i;
    const json_t *item;
    if (!json_array_size(list)) {
        text_add_s(out, " []\n");
        return;
    }
    text_add_c(out, '\n');
    json_array_foreach(list, i, item)
    {
        text_add_s(out, "  - ");
        scalar_write(item, out);
        text_add_c(out, '\n');
    }
}

static void yaml_write(const json_t *rows, struct text *out)
{
    size_t i;
    const json_t *row;
    if (!json_array_size(rows))
        text_add_s(out, "[]\n");
    json_array_foreach(rows, i, row)
    {
        const char *key, *before = "- ";
        json_t *value;
        json_object_foreach((json_t *)(uintptr_t)row, key, value)
        {
            text_format(out, "%s%s:", before, key);
            before = "  ";
            if (json_is_array(value)) {
                list_write(value, out);
                continue;
            }
            text_add_c(out, ' ');
            scalar_write(value, out);
            text_add_c(out, '\n');
        }
    }
}

void rows_write(const json_t *rows, const struct rows_column *columns, size_t count, enum rows_form form,
                struct text *out)
{
    if (form == ROWS_SHORT) {
        table_write(rows, columns, count, out);
    } else if (form == ROWS_YAML) {
        yaml_write(rows, out);
    } else {
        char *text = json_dumps(rows, JSON_INDENT(4) | JSON_PRESERVE_ORDER);
        text_add_s(out, text ? text : "[]");
        text_add_c(out, '\n');
        free(text);
    }
}
