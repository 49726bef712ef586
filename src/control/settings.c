#include "control/settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "control/settings_inside.h"
#include "control/state_file.h"
#include "rules/kind/common.h"
#include "wire/address.h"
#include "wire/path.h"

/* ---- what holds when nothing was written ---- */

static struct bytes text_or(struct bytes text, const char *otherwise)
{
    return text.len ? text : bytes_of(otherwise);
}

static struct bytes host_name(struct arena *arena)
{
    char name[256] = "";
    if (gethostname(name, sizeof name - 1) != 0 || !name[0])
        return BYTES("selvage");
    return arena_bytes(arena, bytes_part(bytes_of(name), 0, 63));
}

/* systemd may name several, separated by colons: the first is ours. */
static struct bytes state_directory(struct arena *arena)
{
    struct bytes rest = bytes_of(getenv("STATE_DIRECTORY")), first;
    bytes_cut(&rest, ':', &first);
    return first.len ? arena_bytes(arena, first) : BYTES("/var/lib/selvage");
}

static int64_t cores(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > 64 ? 64 : count;
}

static void texts_preset(struct settings *settings, struct arena *arena)
{
    if (!settings->node.len)
        settings->node = host_name(arena);
    if (!settings->state.len)
        settings->state = state_directory(arena);
    settings->name_space = text_or(settings->name_space, "default");
    settings->account = text_or(settings->account, "default");
    settings->trust_domain = text_or(settings->trust_domain, "cluster.local");
    settings->root_namespace = text_or(settings->root_namespace, "istio-system");
    settings->cluster_domain = text_or(settings->cluster_domain, "cluster.local");
}

static void numbers_preset(struct settings *settings)
{
    if (!group_has(&settings->group, "workers"))
        settings->workers = cores();
    if (!group_has(&settings->group, "logLevel"))
        settings->log_level = LOG_INFO;
    if (!group_has(&settings->group, "pathNormalization"))
        settings->path_level = PATH_BASE;
    if (!group_has(&settings->group, "drainTimeout"))
        settings->drain_timeout_ms = 30 * 1000;
    if (!group_has(&settings->group, "drainSpread"))
        settings->drain_spread_ms = 5 * 1000;
    if (!group_has(&settings->group, "upgradeTimeout"))
        settings->upgrade_timeout_ms = 60 * 1000;
    if (!group_has(&settings->group, "ticketKeyLifetime"))
        settings->ticket_keys_ms = 60 * 60 * 1000;
    if (!group_has(&settings->group, "sessionKeyLifetime"))
        settings->session_keys_ms = 24 * 60 * 60 * 1000;
}

static void groups_preset(struct settings *settings, struct arena *arena)
{
    if (!settings->identity)
        settings->identity = arena_new(arena, struct settings_identity);
    if (!group_has(&settings->identity->group, "certificateLifetime"))
        settings->identity->certificate_lifetime_ms = 24 * 60 * 60 * 1000;
    if (!settings->front_proxies)
        settings->front_proxies = arena_new(arena, struct settings_front_proxies);
    if (!settings->secrets)
        settings->secrets = arena_new(arena, struct settings_secrets);
    if (!settings->dns)
        settings->dns = arena_new(arena, struct settings_dns);
    if (!settings->limits)
        settings->limits = arena_new(arena, struct limits);
}

static bool is_off(const struct yaml_node *node)
{
    return node && ((node->kind == YAML_BOOL && !node->truth) ||
                    (node->kind == YAML_TEXT && bytes_equal(node->text, BYTES("off"))));
}

static void port_preset(const struct settings_ports *ports, const char *name, int64_t *port, int64_t preset)
{
    if (!group_has(&ports->group, name))
        *port = preset;
}

static void admin_read(struct settings *settings, struct report *report)
{
    if (is_off(settings->admin_node))
        return;
    struct settings_admin *admin = field_read(&admin_table, settings->admin_node, report);
    admin->address = text_or(admin->address, "127.0.0.1");
    if (!admin->ports)
        admin->ports = arena_new(report->findings->arena, struct settings_ports);
    port_preset(admin->ports, "admin", &admin->ports->admin, 15000);
    port_preset(admin->ports, "status", &admin->ports->status, 15021);
    port_preset(admin->ports, "metrics", &admin->ports->metrics, 15090);
    port_preset(admin->ports, "merged", &admin->ports->merged, 15020);
    if (!address_is_ip(admin->address))
        report_error(report, group_node(&admin->group, "address"), "'%.*s' is no IP address",
                     BYTES_FMT(bytes_part(admin->address, 0, 100)));
    settings->admin = admin;
}

static void access_log_read(struct settings *settings, struct report *report)
{
    const struct yaml_node *node = settings->access_log_node;
    if (is_off(node))
        return;
    if (!node || node->kind == YAML_NULL)
        settings->access_log = bytes_of(path_join(report->findings->arena, settings->state, "access.log"));
    else if (node->kind == YAML_TEXT && node->text.len)
        settings->access_log = node->text;
    else
        report_error(report, node, "it is %s where a path, stdout or off is wanted",
                     yaml_kind_name(node->kind));
}

/* Resources tolerate what a newer version may know; this file does not. */
static void unknown_are_errors(struct findings *findings, size_t from)
{
    for (size_t i = from; i < findings->count; i++) {
        struct finding *finding = &findings->at[i];
        if (strcmp(finding->code, FINDING_UNKNOWN_FIELD) != 0 || finding->level == FINDING_ERROR)
            continue;
        if (finding->level == FINDING_WARNING)
            findings->warnings--;
        else
            findings->infos--;
        finding->level = FINDING_ERROR;
        findings->errors++;
    }
}

/* FILE:LINE:COLUMN: stands before the sentence already; the finding has places of its own. */
static void not_yaml_tell(struct report *report, struct bytes sentence)
{
    struct bytes rest = bytes_part(sentence, strlen(report->file) + 1, sentence.len), line, column;
    uint64_t line_number, column_number;
    struct yaml_node place = {0};
    if (bytes_cut(&rest, ':', &line) && bytes_cut(&rest, ':', &column) &&
        bytes_to_u64(line, UINT32_MAX, &line_number) && bytes_to_u64(column, UINT32_MAX, &column_number)) {
        place.line = (unsigned)line_number;
        place.column = (unsigned)column_number;
        sentence = bytes_trim(rest);
    }
    report_add(report, FINDING_ERROR, FINDING_UNREADABLE, place.line ? &place : NULL, "%.*s",
               BYTES_FMT(sentence));
}

static const struct yaml_node *document_find(struct bytes text, const char *file, struct report *report)
{
    struct yaml_stream stream;
    struct fail why;
    if (!yaml_read(file, text, report->findings->arena, &stream, &why)) {
        not_yaml_tell(report, bytes_of(why.text));
        return NULL;
    }
    if (stream.count != 1) {
        const struct yaml_node top = {.line = 1, .column = 1};
        report_add(report, FINDING_ERROR, FINDING_UNREADABLE, &top,
                   "%zu documents are in it where one is wanted", stream.count);
        return NULL;
    }
    return stream.documents[0];
}

bool settings_read(struct bytes text, const char *file, struct findings *findings, struct settings *out)
{
    size_t from = findings->count, errors = findings->errors;
    struct report report = {.findings = findings, .file = file};
    if (text.len > SETTINGS_BYTES_MAX)
        report_add(&report, FINDING_ERROR, FINDING_UNREADABLE, NULL, "%zu bytes, at most %zu are read",
                   text.len, SETTINGS_BYTES_MAX);
    const struct yaml_node *node = findings->errors == errors ? document_find(text, file, &report) : NULL;
    if (!node)
        return false;
    struct settings *settings = field_read(&settings_table, node, &report);
    texts_preset(settings, findings->arena);
    numbers_preset(settings);
    groups_preset(settings, findings->arena);
    admin_read(settings, &report);
    access_log_read(settings, &report);
    limits_complete(settings->limits, &report);
    unknown_are_errors(findings, from);
    if (findings->errors == errors)
        settings_check(settings, &report);
    if (findings->errors != errors)
        return false;
    *out = *settings;
    return true;
}

bool settings_load(const char *file, struct findings *findings, struct settings *out)
{
    struct bytes text;
    struct fail why;
    struct report report = {.findings = findings, .file = file};
    if (file_read(file, SETTINGS_BYTES_MAX, findings->arena, &text, &why))
        return settings_read(text, file, findings, out);
    report_add(&report, FINDING_ERROR, FINDING_UNREADABLE, NULL, "%s", why.text);
    return false;
}
