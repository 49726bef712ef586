#include "cli/proxy_config.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "cli/config.h"
#include "cli/node_ask.h"
#include "cli/options.h"
#include "cli/rows.h"
#include "rules/nearest.h"

struct wish {
    const char *config;
    int form;
    int64_t port;
    const char *fqdn;
    const char *name;
    const char *address;
    const char *direction;
    const char *subset;
    const char *cluster;
    const char *status;
    const char *name_space;
};

static const struct option options[] = {
    {"config", 'c', OPTION_TEXT, offsetof(struct wish, config), "FILE", CONFIG_HELP, .choices = NULL},
    {"output", 'o', OPTION_CHOICE, offsetof(struct wish, form), "FORM", "short, json or yaml (short)",
     .choices = rows_forms},
    {"port", 0, OPTION_NUMBER, offsetof(struct wish, port), "PORT", "only of this port", .min = 1,
     .max = 65535},
    {"fqdn", 0, OPTION_TEXT, offsetof(struct wish, fqdn), "HOST", "clusters, endpoints: only of this service",
     .choices = NULL},
    {"name", 0, OPTION_TEXT, offsetof(struct wish, name), "NAME", "only what has this name", .choices = NULL},
    {"address", 0, OPTION_TEXT, offsetof(struct wish, address), "IP", "listeners: only on this address",
     .choices = NULL},
    {"direction", 0, OPTION_TEXT, offsetof(struct wish, direction), "WORD",
     "listeners, clusters: inbound, outbound or gateway", .choices = NULL},
    {"subset", 0, OPTION_TEXT, offsetof(struct wish, subset), "NAME", "clusters: only of this subset",
     .choices = NULL},
    {"cluster", 0, OPTION_TEXT, offsetof(struct wish, cluster), "NAME", "endpoints: only of this cluster",
     .choices = NULL},
    {"status", 0, OPTION_TEXT, offsetof(struct wish, status), "WORD", "endpoints: HEALTHY or UNHEALTHY",
     .choices = NULL},
    {"namespace", 'n', OPTION_TEXT, offsetof(struct wish, name_space), "NAME",
     "policies: only of this namespace", .choices = NULL},
};

static const struct command_line line = {
    "proxy-config",
    "SECTION [NODE]",
    1,
    2,
    "Shows what the rules in force in a running node say. SECTION is one of listeners,\n"
    "routes, clusters, endpoints, secrets and policies; the singular and istioctl's short\n"
    "words (l, r, c, ep, s) do too. NODE is HOST:PORT of its admin server, the file of\n"
    "its settings, or its name; without it, the node whose settings are found here.\n"
    "Secrets are shown by their certificates' dates and numbers, never by their keys.\n",
    options,
    sizeof options / sizeof options[0],
};

/* ---- sections --------------------------------------------------------- */

enum { COLUMNS = 8 };

struct section {
    const char *name;
    const char *words; /* others for it, with a space around each */
    const char *page;
    const char *member; /* of the page, or NULL: the page is the list */
    struct rows_column columns[COLUMNS];
};

static const struct section sections[] = {
    {"listeners",
     " listener l ",
     "/config_dump?listeners",
     NULL,
     {{"ADDRESSES", "address", NULL},
      {"PORT", "port", NULL},
      {"MATCH", "match", NULL},
      {"DESTINATION", "destination", NULL}}},
    {"routes",
     " route r ",
     "/config_dump?routes",
     NULL,
     {{"NAME", "name", NULL},
      {"VHOST NAME", "vhost", NULL},
      {"DOMAINS", "domains", NULL},
      {"MATCH", "match", NULL},
      {"VIRTUAL SERVICE", "virtualService", NULL}}},
    {"clusters",
     " cluster c ",
     "/config_dump?clusters",
     NULL,
     {{"SERVICE FQDN", "fqdn", "-"},
      {"PORT", "port", "-"},
      {"SUBSET", "subset", "-"},
      {"DIRECTION", "direction", "-"},
      {"TYPE", "type", NULL},
      {"DESTINATION RULE", "destinationRule", NULL}}},
    {"endpoints",
     " endpoint ep ",
     "/config_dump?endpoints",
     NULL,
     {{"NAME", "name", NULL},
      {"STATUS", "status", NULL},
      {"LOCALITY", "locality", NULL},
      {"CLUSTER", "cluster", NULL}}},
    {"secrets",
     " secret s ",
     "/certs",
     "certificates",
     {{"RESOURCE NAME", "name", NULL},
      {"TYPE", "type", NULL},
      {"STATUS", "status", NULL},
      {"VALID CERT", "valid", NULL},
      {"SERIAL NUMBER", "serial", NULL},
      {"NOT AFTER", "notAfter", NULL},
      {"NOT BEFORE", "notBefore", NULL}}},
    {"policies",
     " policy p ",
     "/config_dump?policies",
     NULL,
     {{"NAMESPACE", "namespace", NULL},
      {"POLICY NAME", "name", NULL},
      {"ACTION", "action", NULL},
      {"LISTENER", "listener", NULL},
      {"RULES", "rules", NULL}}},
};

static const struct section *section_find(const char *word)
{
    char spaced[64];
    snprintf(spaced, sizeof spaced, " %s ", word);
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
        if (strcmp(word, sections[i].name) == 0 || strstr(sections[i].words, spaced))
            return &sections[i];
    return NULL;
}

static int section_unknown(const char *word)
{
    struct nearest nearest;
    nearest_init(&nearest, bytes_of(word));
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
        nearest_try(&nearest, sections[i].name);
    fprintf(stderr,
            "selvage proxy-config: there is no section '%s'%s%s%s; there are listeners, routes, clusters, "
            "endpoints, secrets, policies\n",
            word, nearest.name ? "; is " : "", nearest.name ? nearest.name : "",
            nearest.name ? " meant?" : "");
    return EXIT_USAGE;
}

/* ---- filters ---------------------------------------------------------- */

static const struct {
    const char *key;
    size_t offset; /* of a text in struct wish */
} filters[] = {
    {"fqdn", offsetof(struct wish, fqdn)},       {"name", offsetof(struct wish, name)},
    {"address", offsetof(struct wish, address)}, {"direction", offsetof(struct wish, direction)},
    {"subset", offsetof(struct wish, subset)},   {"cluster", offsetof(struct wish, cluster)},
    {"status", offsetof(struct wish, status)},   {"namespace", offsetof(struct wish, name_space)},
};

static const char *wanted(const struct wish *wish, size_t filter)
{
    return *(const char *const *)(const void *)((const char *)wish + filters[filter].offset);
}

static bool row_wanted(const json_t *row, const struct wish *wish)
{
    if (wish->port && json_integer_value(json_object_get(row, "port")) != wish->port)
        return false;
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        const char *want = wanted(wish, i), *is = json_string_value(json_object_get(row, filters[i].key));
        if (want && (!is || strcasecmp(want, is) != 0))
            return false;
    }
    return true;
}

static json_t *rows_filter(const json_t *all, const struct wish *wish)
{
    json_t *rows = json_array();
    size_t i;
    json_t *row;
    json_array_foreach(all, i, row)
    {
        if (row_wanted(row, wish))
            json_array_append(rows, row);
    }
    return rows;
}

/* ---- secrets ---------------------------------------------------------- */

/* istioctl shows whole seconds. */
static json_t *time_short(const char *time)
{
    return time ? json_sprintf("%.19sZ", time) : json_string("");
}

/* The page's certificates in istioctl's columns; times are texts that compare. */
static json_t *secret_row(const json_t *from, const char *now)
{
    const char *use = json_string_value(json_object_get(from, "use"));
    const char *before = json_string_value(json_object_get(from, "notBefore")),
               *after = json_string_value(json_object_get(from, "notAfter"));
    bool root = use && strcmp(use, "root") == 0, own = use && strcmp(use, "identity") == 0;
    json_t *row = json_object();
    json_object_set_new(row, "name", json_string(root ? "ROOTCA" : own ? "default" : use ? use : ""));
    json_object_set_new(row, "type", json_string(root ? "CA" : "Cert Chain"));
    json_object_set_new(row, "status", json_string("ACTIVE"));
    json_object_set_new(row, "valid",
                        json_boolean(before && after && strcmp(before, now) <= 0 && strcmp(now, after) < 0));
    json_object_set(row, "serial", json_object_get(from, "serial"));
    json_object_set_new(row, "notAfter", time_short(after));
    json_object_set_new(row, "notBefore", time_short(before));
    json_object_set(row, "uri", json_object_get(from, "uri"));
    json_object_set(row, "subject", json_object_get(from, "subject"));
    return row;
}

static json_t *secret_rows(const json_t *page)
{
    json_t *rows = json_array();
    char now[CLOCK_TEXT_SIZE];
    size_t i;
    json_t *each;
    clock_text(clock_wall_us(), now);
    json_array_foreach(json_object_get(page, "certificates"), i, each)
    {
        json_array_append_new(rows, secret_row(each, now));
    }
    return rows;
}

/* ---- the command ------------------------------------------------------ */

static int section_show(const struct section *section, const struct node_place *node, const struct wish *wish,
                        struct arena *arena)
{
    struct fail why;
    struct text out;
    size_t columns = 0;
    json_t *page = node_ask(node, section->page, &why);
    if (!page) {
        fprintf(stderr, "selvage proxy-config: %s\n", why.text);
        return EXIT_INPUT;
    }
    json_t *all = section->member ? secret_rows(page) : json_incref(page);
    json_t *rows = rows_filter(all, wish);
    while (columns < COLUMNS && section->columns[columns].title)
        columns++;
    text_init_arena(&out, arena);
    rows_write(rows, section->columns, columns, (enum rows_form)wish->form, &out);
    fputs(out.at, stdout);
    json_decref(rows);
    json_decref(all);
    json_decref(page);
    return 0;
}

int proxy_config_main(int argc, char **argv)
{
    struct wish wish = {0};
    struct operands operands;
    struct node_place node;
    struct arena arena;
    int code;
    if (!options_read(&line, argc, argv, &wish, &operands, &code))
        return code;
    const struct section *section = section_find(operands.at[0]);
    if (!section)
        return section_unknown(operands.at[0]);
    arena_init(&arena);
    code = node_find("proxy-config", operands.count > 1 ? operands.at[1] : NULL, wish.config, &arena, &node);
    if (!code)
        code = section_show(section, &node, &wish, &arena);
    arena_done(&arena);
    return code;
}
