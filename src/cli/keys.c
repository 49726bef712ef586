#include "cli/keys.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cli/config.h"
#include "cli/node_ask.h"
#include "cli/options.h"
#include "wire/json.h"

#define JSON_MAX ((size_t)64 << 20)

enum { PURPOSES_MAX = 16 };

struct wish {
    const char *config;
    const char *admin;
    bool all;
    int form; /* enum keys_form */
};

static const char *const forms[] = {"short", "json", "yaml", NULL};

static const struct option options[] = {
    {"config", 'c', OPTION_TEXT, offsetof(struct wish, config), "FILE", CONFIG_HELP, .choices = NULL},
    {"admin", 0, OPTION_TEXT, offsetof(struct wish, admin), "PLACE",
     "HOST:PORT of the node's admin server, instead of what its settings say", .choices = NULL},
    {"all", 0, OPTION_FLAG, offsetof(struct wish, all), .help = "of rotate: every purpose"},
    {"output", 'o', OPTION_CHOICE, offsetof(struct wish, form), "FORM", "of list: short, json, yaml (short)",
     .choices = forms},
};

static const struct command_line line = {
    "keys",
    "list|rotate [PURPOSE...]",
    1,
    PURPOSES_MAX,
    "The keys of a running node: for what, since when, until when; never a key itself.\n"
    "\n"
    "  list                every key: next, in force, or retired but still needed\n"
    "  rotate PURPOSE...   replace keys now, with the overlap that they always have\n"
    "\n"
    "A PURPOSE is one of\n"
    "  provider            key sets of token issuers: read again\n"
    "  assertion           what signs the edge's assertions\n"
    "  node                the node's certificate and its key\n"
    "  intermediate, root  the embedded authority\n"
    "  ticket              what seals TLS session tickets\n"
    "  session             what seals sessions of browsers that are logged in\n"
    "Listed only: credential and bundle (of resources), revoked.\n",
    options,
    sizeof options / sizeof options[0],
};

/* ---- printing -------------------------------------------------------------------------- */

static const struct column {
    const char *title;
    const char *member;
} columns[] = {
    {"PURPOSE", "purpose"},     {"STATE", "state"}, {"ID", "id"},
    {"ALGORITHM", "algorithm"}, {"MADE", "made"},   {"SINCE", "since"},
    {"UNTIL", "until"},         {"ENDS", "ends"},   {"OF", "of"},
};
enum { COLUMNS = sizeof columns / sizeof columns[0], WIDTH_MAX = 43 };

static struct bytes cell_of(const json_t *row, size_t column)
{
    struct bytes value;
    return json_member_text(row, columns[column].member, &value) && value.len ? value : BYTES("-");
}

static void widths_fill(const json_t *list, size_t *widths)
{
    for (size_t c = 0; c < COLUMNS; c++) {
        widths[c] = strlen(columns[c].title);
        for (size_t i = 0; i < json_array_size(list); i++) {
            size_t len = cell_of(json_array_get(list, i), c).len;
            widths[c] = len > widths[c] ? len : widths[c];
        }
        widths[c] = widths[c] > WIDTH_MAX ? WIDTH_MAX : widths[c];
    }
}

static void cell_print(struct bytes value, size_t width, bool last, struct text *out)
{
    size_t before = out->len;
    text_add_shown(out, value, last ? 300 : 200);
    while (!last && out->len < before + width)
        text_add_c(out, ' ');
    text_add_s(out, last ? "\n" : "  ");
}

static void short_print(const json_t *list, struct text *out)
{
    size_t widths[COLUMNS];
    widths_fill(list, widths);
    for (size_t c = 0; c < COLUMNS; c++)
        cell_print(bytes_of(columns[c].title), widths[c], c + 1 == COLUMNS, out);
    for (size_t i = 0; i < json_array_size(list); i++)
        for (size_t c = 0; c < COLUMNS; c++)
            cell_print(cell_of(json_array_get(list, i), c), widths[c], c + 1 == COLUMNS, out);
}

/* JSON's strings are YAML's too. */
static void yaml_print(const json_t *list, struct text *out)
{
    text_add_s(out, json_array_size(list) ? "keys:\n" : "keys: []\n");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *before = "- ";
        for (size_t c = 0; c < COLUMNS; c++) {
            struct bytes value;
            if (!json_member_text(json_array_get(list, i), columns[c].member, &value))
                continue;
            text_format(out, "%s%s: ", before, columns[c].member);
            text_add_json(out, value);
            text_add_c(out, '\n');
            before = "  ";
        }
    }
}

bool keys_print(struct bytes json, enum keys_form form, struct text *out)
{
    struct fail why;
    json_t *root = json_read(json, JSON_MAX, &why);
    const json_t *list = json_object_get(root, "keys");
    bool good = json_is_array(list);
    if (good && form == KEYS_SHORT)
        short_print(list, out);
    if (good && form == KEYS_JSON)
        text_add(out, json);
    if (good && form == KEYS_YAML)
        yaml_print(list, out);
    json_decref(root);
    return good;
}

/* ---- the command ----------------------------------------------------------------------- */

static int failed(const struct fail *why)
{
    fprintf(stderr, "selvage keys: %s\n", why->text);
    return 1;
}

static int list_run(const struct node_place *node, const struct wish *wish, struct arena *arena)
{
    unsigned status;
    struct bytes body;
    struct fail why;
    struct text out;
    if (!node_request(node, "GET", "/keys", arena, &status, &body, &why))
        return failed(&why);
    text_init_arena(&out, arena);
    if (status != 200 || !keys_print(body, (enum keys_form)wish->form, &out)) {
        fail(&why, FAIL_PEER, "the node answers %u and no list of keys", status);
        return failed(&why);
    }
    fwrite(out.at, 1, out.len, stdout);
    return 0;
}

/* A query goes out as it is: only what can be a purpose's name. */
static bool is_word(const char *word)
{
    return word[0] && strspn(word, "abcdefghijklmnopqrstuvwxyz-") == strlen(word);
}

static int rotate_one(const struct node_place *node, const char *purpose, struct arena *arena)
{
    unsigned status;
    struct bytes body;
    struct fail why;
    const char *path = arena_format(arena, "/keys/rotate?purpose=%s", is_word(purpose) ? purpose : "none").at;
    if (!node_request(node, "POST", path, arena, &status, &body, &why))
        return failed(&why);
    fprintf(status == 200 ? stdout : stderr, "%s%.*s",
            status == 200 ? "" : "selvage keys: ", BYTES_FMT(body));
    return status == 200 ? 0 : status == 400 ? EXIT_USAGE : 1;
}

static int rotate_run(const struct node_place *node, const struct wish *wish, const struct operands *operands,
                      struct arena *arena)
{
    int code = 0;
    if (wish->all)
        return rotate_one(node, "all", arena);
    for (size_t i = 1; i < operands->count && !code; i++)
        code = rotate_one(node, operands->at[i], arena);
    return code;
}

static int usage_fail(const char *sentence)
{
    fprintf(stderr, "selvage keys: %s\n", sentence);
    return EXIT_USAGE;
}

int keys_main(int argc, char **argv)
{
    struct wish wish = {0};
    struct operands operands;
    struct node_place node;
    struct arena arena;
    int code;
    if (!options_read(&line, argc, argv, &wish, &operands, &code))
        return code;
    bool rotate = strcmp(operands.at[0], "rotate") == 0;
    if (!rotate && strcmp(operands.at[0], "list") != 0)
        return usage_fail("list or rotate is wanted; see `selvage keys --help`");
    if (!rotate && (operands.count > 1 || wish.all))
        return usage_fail("list takes no purpose");
    if (rotate && wish.all == (operands.count > 1))
        return usage_fail("rotate wants purposes, or --all; see `selvage keys --help`");
    arena_init(&arena);
    code = node_find("keys", wish.admin, wish.config, &arena, &node);
    if (!code)
        code = rotate ? rotate_run(&node, &wish, &operands, &arena) : list_run(&node, &wish, &arena);
    arena_done(&arena);
    return code;
}
