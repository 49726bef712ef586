#include "cli/proxy_status.h"

#include <stdio.h>
#include <string.h>

#include "cli/config.h"
#include "cli/node_ask.h"
#include "cli/options.h"
#include "cli/rows.h"

struct wish {
    const char *config;
    int form;
};

static const struct option options[] = {
    {"config", 'c', OPTION_TEXT, offsetof(struct wish, config), "FILE", CONFIG_HELP, .choices = NULL},
    {"output", 'o', OPTION_CHOICE, offsetof(struct wish, form), "FORM", "short, json or yaml (short)",
     .choices = rows_forms},
};

static const struct command_line line = {
    "proxy-status",
    "[NODE...]",
    0,
    64,
    "Shows for each worker of running nodes the revision of its rules, since when it has\n"
    "it, and whether rules, endpoints and keys are the newest: SYNCED, STALE (newer ones\n"
    "are on their way), REFUSED or NOT SENT. NODE is HOST:PORT of its admin server, the\n"
    "file of its settings, or its name; without it, the node whose settings are found\n"
    "here. Ends with 79 when a worker is not in step, or newer rules have errors.\n",
    options,
    sizeof options / sizeof options[0],
};

static const struct rows_column columns[] = {
    {"NAME", "name", NULL},       {"ROLE", "role", NULL},           {"WORKER", "worker", NULL},
    {"PID", "pid", NULL},         {"REVISION", "revision", "-"},    {"SINCE", "since", "-"},
    {"RULES", "rules", NULL},     {"ENDPOINTS", "endpoints", NULL}, {"KEYS", "keys", NULL},
    {"VERSION", "version", NULL}, {"PROBLEM", "problem", NULL},
};

static bool is_synced(const json_t *worker, const char *key)
{
    struct bytes word;
    return json_member_text(worker, key, &word) && bytes_equal(word, BYTES("SYNCED"));
}

/* The most telling of what is wrong, or empty. */
static json_t *problem_of(const json_t *page, const json_t *worker)
{
    struct bytes text;
    if (json_member_text(worker, "refused", &text) || json_member_text(page, "sourceProblem", &text))
        return json_stringn(text.at, text.len);
    if (json_is_true(json_object_get(page, "newerHasErrors")))
        return json_string("newer rules have errors");
    if (json_is_true(json_object_get(page, "fromLastGood")))
        return json_string("from the last good rules");
    return json_string("");
}

static json_t *worker_row(const json_t *page, const json_t *worker)
{
    static const char *const copied[][2] = {{"worker", "index"},       {"pid", "pid"},
                                            {"revision", "revision"},  {"since", "rulesSince"},
                                            {"rules", "rulesStep"},    {"endpoints", "endpointsStep"},
                                            {"keys", "keysStep"},      {"endpointsSince", "endpointsSince"},
                                            {"keysSince", "keysSince"}};
    const json_t *node = json_object_get(page, "node");
    json_t *row = json_object();
    json_object_set(row, "name", json_object_get(node, "name"));
    json_object_set(row, "role", json_object_get(node, "role"));
    for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++)
        json_object_set(row, copied[i][0], json_object_get(worker, copied[i][1]));
    json_object_set(row, "version", json_object_get(node, "version"));
    json_object_set_new(row, "problem", problem_of(page, worker));
    return row;
}

/* Answers whether all are in step. */
static bool rows_add(json_t *rows, const json_t *page)
{
    bool synced = !json_is_true(json_object_get(page, "newerHasErrors"));
    size_t i;
    json_t *worker;
    json_array_foreach(json_object_get(page, "workers"), i, worker)
    {
        synced = synced && is_synced(worker, "rulesStep") && is_synced(worker, "endpointsStep") &&
                 is_synced(worker, "keysStep");
        json_array_append_new(rows, worker_row(page, worker));
    }
    return synced;
}

/* Answers what to exit with for this node. */
static int node_add(json_t *rows, const char *given, const struct wish *wish, struct arena *arena)
{
    struct node_place node;
    struct fail why;
    int code = node_find("proxy-status", given, wish->config, arena, &node);
    if (code)
        return code;
    json_t *page = node_ask(&node, "/snapshot", &why);
    if (!page) {
        fprintf(stderr, "selvage proxy-status: %s\n", why.text);
        return EXIT_INPUT;
    }
    code = rows_add(rows, page) ? 0 : EXIT_FINDINGS;
    json_decref(page);
    return code;
}

int proxy_status_main(int argc, char **argv)
{
    struct wish wish = {0};
    struct operands operands;
    struct arena arena;
    struct text out;
    int code;
    if (!options_read(&line, argc, argv, &wish, &operands, &code))
        return code;
    arena_init(&arena);
    json_t *rows = json_array();
    code = operands.count ? 0 : node_add(rows, NULL, &wish, &arena);
    for (size_t i = 0; i < operands.count; i++) {
        int one = node_add(rows, operands.at[i], &wish, &arena);
        code = code ? code : one;
    }
    text_init_arena(&out, &arena);
    rows_write(rows, columns, sizeof columns / sizeof columns[0], (enum rows_form)wish.form, &out);
    if (json_array_size(rows) || !code)
        fputs(out.at, stdout);
    json_decref(rows);
    arena_done(&arena);
    return code;
}
