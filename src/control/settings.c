#include "control/settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "control/state_file.h"
#include "rules/kind/common.h"
#include "wire/address.h"
#include "wire/path.h"
#include "wire/spiffe_id.h"

#define AT(type, member) .offset = offsetof(struct type, member)

static const char *const role_choices[] = {"edge", "gateway", "sidecar", NULL};
static const char *const level_choices[] = {"error", "warning", "info", "debug", NULL};
static const char *const path_choices[] = {"NONE", "BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES", NULL};

static const struct field directory_fields[] = {
    {.name = "directory",
     .type = FIELD_TEXT,
     .flags = FIELD_REQUIRED | FIELD_FILLED,
     AT(settings_directory, directory),
     .help = "where it lies"},
};
static FIELD_TABLE(directory, struct settings_directory);

static const struct field files_fields[] = {
    {.name = "certificate",
     .type = FIELD_TEXT,
     .flags = FIELD_REQUIRED | FIELD_FILLED,
     AT(settings_files, certificate),
     .help = "PEM file: the node's certificate, then intermediates"},
    {.name = "key",
     .type = FIELD_TEXT,
     .flags = FIELD_REQUIRED | FIELD_FILLED,
     AT(settings_files, key),
     .help = "PEM file: its private key"},
    {.name = "roots",
     .type = FIELD_TEXT,
     .flags = FIELD_REQUIRED | FIELD_FILLED,
     AT(settings_files, roots),
     .help = "PEM file: the roots that peers are judged by"},
};
static FIELD_TABLE(files, struct settings_files);

static const struct field identity_fields[] = {
    {.name = "ca",
     .type = FIELD_GROUP,
     AT(settings_identity, ca),
     .group = &directory_table,
     .oneof = 1,
     .help = "the embedded authority, shared by the nodes of a machine; made when it is missing"},
    {.name = "cacerts",
     .type = FIELD_GROUP,
     AT(settings_identity, cacerts),
     .group = &directory_table,
     .oneof = 1,
     .help = "Istio's cacerts: ca-cert.pem, ca-key.pem, cert-chain.pem, root-cert.pem"},
    {.name = "files",
     .type = FIELD_GROUP,
     AT(settings_identity, files),
     .group = &files_table,
     .oneof = 1,
     .help = "a certificate that somebody else renews"},
    {.name = "sealKeyFile",
     .type = FIELD_TEXT,
     .flags = FIELD_FILLED,
     AT(settings_identity, seal_key_file),
     .help = "file of 32 bytes or 64 hex digits that seal secrets at rest; when absent"
             " $CREDENTIALS_DIRECTORY/seal-key, else seal.key in the state directory"},
    {.name = "certificateLifetime",
     .type = FIELD_DURATION,
     AT(settings_identity, certificate_lifetime_ms),
     .min = 60 * 1000,
     .max = 24 * 60 * 60 * 1000,
     .preset = "24h",
     .help = "how long a certificate of the node is good; renewed at half of it"},
};
static FIELD_TABLE(identity, struct settings_identity);

#define PORT_FIELD(text, member, number, sentence)                                                           \
    {                                                                                                        \
        .name = text, .type = FIELD_INT, AT(settings_ports, member), .min = 0, .max = 65535,                 \
        .preset = number, .help = sentence                                                                   \
    }

static const struct field ports_fields[] = {
    PORT_FIELD("admin", admin, "15000", "what the node knows about itself; 0 is off"),
    PORT_FIELD("status", status, "15021", "health and readiness; 0 is off"),
    PORT_FIELD("metrics", metrics, "15090", "metrics; 0 is off"),
    PORT_FIELD("merged", merged, "15020", "metrics and readiness; 0 is off"),
};
static FIELD_TABLE(ports, struct settings_ports);

static const struct field admin_fields[] = {
    {.name = "address",
     .type = FIELD_TEXT,
     .flags = FIELD_FILLED,
     AT(settings_admin, address),
     .preset = "127.0.0.1",
     .help = "IP address of the admin servers"},
    {.name = "ports",
     .type = FIELD_GROUP,
     AT(settings_admin, ports),
     .group = &ports_table,
     .help = "their ports"},
};
static FIELD_TABLE(admin, struct settings_admin);

static const struct field proxy_protocol_fields[] = {
    {.name = "addresses",
     .type = FIELD_TEXT,
     .flags = FIELD_LIST | FIELD_REQUIRED | FIELD_FILLED,
     AT(settings_proxy_protocol, addresses),
     .help = "address ranges whose connections begin with a header, and are refused without one"},
    {.name = "ports",
     .type = FIELD_INT,
     .flags = FIELD_LIST | FIELD_FILLED,
     AT(settings_proxy_protocol, ports),
     .min = 1,
     .max = 65535,
     .help = "ports of the listeners at which that holds; all when absent"},
};
static FIELD_TABLE(proxy_protocol, struct settings_proxy_protocol);

static const struct field front_proxies_fields[] = {
    {.name = "addresses",
     .type = FIELD_TEXT,
     .flags = FIELD_LIST,
     AT(settings_front_proxies, addresses),
     .help = "address ranges whose X-Forwarded-For is believed"},
    {.name = "certificates",
     .type = FIELD_TEXT,
     .flags = FIELD_LIST | FIELD_FILLED,
     AT(settings_front_proxies, certificates),
     .help = "names in client certificates (SPIFFE id or DNS) whose word is believed"},
    {.name = "tokenHeader",
     .type = FIELD_TEXT,
     .flags = FIELD_FILLED,
     AT(settings_front_proxies, token_header),
     .help = "header in which a front proxy passes the user's token"},
    {.name = "proxyProtocol",
     .type = FIELD_GROUP,
     AT(settings_front_proxies, proxy_protocol),
     .group = &proxy_protocol_table,
     .help = "who says by the PROXY protocol who the client is"},
};
static FIELD_TABLE(front_proxies, struct settings_front_proxies);

static const struct field dns_fields[] = {
    {.name = "servers",
     .type = FIELD_TEXT,
     .flags = FIELD_LIST | FIELD_FILLED,
     AT(settings_dns, servers),
     .count_max = 8,
     .help = "name servers, ADDRESS or ADDRESS:PORT; when absent those of /etc/resolv.conf"},
};
static FIELD_TABLE(dns, struct settings_dns);

static const struct field settings_fields[] = {
    {.name = "node",
     .type = FIELD_TEXT,
     .flags = FIELD_FILLED,
     AT(settings, node),
     .max = 63,
     .help = "name of this node; when absent the host's name"},
    {.name = "role",
     .type = FIELD_CHOICE,
     .flags = FIELD_REQUIRED,
     AT(settings, role),
     .choices = role_choices,
     .help = "where on a request's way the node stands"},
    {.name = "namespace",
     .type = FIELD_TEXT,
     .flags = FIELD_FILLED,
     AT(settings, name_space),
     .preset = "default",
     .help = "namespace of the node's identity and of policies that select it"},
    {.name = "serviceAccount",
     .type = FIELD_TEXT,
     .flags = FIELD_FILLED,
     AT(settings, account),
     .preset = "default",
     .help = "account of the node's identity"},
    {.name = "labels",
     .type = FIELD_TEXT,
     .flags = FIELD_MAP,
     AT(settings, labels),
     .help = "what selectors compare"},
    {.name = "locality", .type = FIELD_TEXT, AT(settings, locality), .help = "region/zone/sub-zone"},
    {.name = "trustDomain",
     .type = FIELD_TEXT,
     .flags = FIELD_FILLED,
     AT(settings, trust_domain),
     .preset = "cluster.local",
     .help = "trust domain of the mesh"},
    {.name = "trustDomainAliases",
     .type = FIELD_TEXT,
     .flags = FIELD_LIST | FIELD_FILLED,
     AT(settings, trust_domain_aliases),
     .help = "other names of the trust domain"},
    {.name = "rootNamespace",
     .type = FIELD_TEXT,
     .flags = FIELD_FILLED,
     AT(settings, root_namespace),
     .preset = "istio-system",
     .help = "namespace whose policies hold everywhere"},
    {.name = "clusterDomain",
     .type = FIELD_TEXT,
     .flags = FIELD_FILLED,
     AT(settings, cluster_domain),
     .preset = "cluster.local",
     .help = "what completes short host names"},
    {.name = "rules",
     .type = FIELD_TEXT,
     .flags = FIELD_REQUIRED | FIELD_FILLED,
     AT(settings, rules),
     .help = "directory of the resources"},
    {.name = "state",
     .type = FIELD_TEXT,
     .flags = FIELD_FILLED,
     AT(settings, state),
     .help = "directory for what outlives the process; when absent $STATE_DIRECTORY, else /var/lib/selvage"},
    {.name = "user",
     .type = FIELD_TEXT,
     .flags = FIELD_FILLED,
     AT(settings, user),
     .help = "who to become when started as root"},
    {.name = "workers",
     .type = FIELD_INT,
     AT(settings, workers),
     .min = 1,
     .max = 64,
     .help = "worker processes; when absent one a core"},
    {.name = "identity",
     .type = FIELD_GROUP,
     AT(settings, identity),
     .group = &identity_table,
     .help = "where the node's certificate comes from"},
    {.name = "admin",
     .type = FIELD_ANY,
     AT(settings, admin_node),
     .help = "the servers for operators, or off; when absent on 127.0.0.1 and Istio's ports"},
    {.name = "accessLog",
     .type = FIELD_ANY,
     AT(settings, access_log_node),
     .help = "a path, stdout, or off; when absent access.log in the state directory"},
    {.name = "logLevel",
     .type = FIELD_CHOICE,
     AT(settings, log_level),
     .choices = level_choices,
     .preset = "info",
     .help = "how much the node tells on standard error"},
    {.name = "pathNormalization",
     .type = FIELD_CHOICE,
     AT(settings, path_level),
     .choices = path_choices,
     .preset = "BASE",
     .help = "what is done to a path before any decision"},
    {.name = "frontProxies",
     .type = FIELD_GROUP,
     AT(settings, front_proxies),
     .group = &front_proxies_table,
     .help = "who may say who the client is; nobody when absent"},
    {.name = "extraRootCAs",
     .type = FIELD_TEXT,
     .flags = FIELD_FILLED,
     AT(settings, extra_root_cas),
     .help = "PEM file: roots trusted beside the system's when key sets are fetched"},
    {.name = "dns",
     .type = FIELD_GROUP,
     AT(settings, dns),
     .group = &dns_table,
     .help = "who is asked for the addresses of endpoints given by name"},
    {.name = "limits",
     .type = FIELD_GROUP,
     AT(settings, limits),
     .group = &limits_table,
     .help = "what is accepted of whoever calls, and when load is shed"},
    {.name = "drainTimeout",
     .type = FIELD_DURATION,
     AT(settings, drain_timeout_ms),
     .min = 0,
     .max = 60 * 60 * 1000,
     .preset = "30s",
     .help = "how long exchanges may go on when the node ends or is replaced"},
    {.name = "drainSpread",
     .type = FIELD_DURATION,
     AT(settings, drain_spread_ms),
     .min = 0,
     .max = 60 * 60 * 1000,
     .preset = "5s",
     .help =
         "within what part of drainTimeout idle connections are closed, evenly, so that not all clients come"
         " back at once"},
    {.name = "upgradeTimeout",
     .type = FIELD_DURATION,
     AT(settings, upgrade_timeout_ms),
     .min = 1000,
     .max = 60 * 60 * 1000,
     .preset = "60s",
     .help = "how long a new program may take until it can serve; the old one goes on when it cannot"},
    {.name = "ticketKeyLifetime",
     .type = FIELD_DURATION,
     AT(settings, ticket_keys_ms),
     .min = 1000,
     .max = 24 * 60 * 60 * 1000,
     .preset = "1h",
     .help = "how long a key seals TLS session tickets; it opens them as long again"},
};
FIELD_TABLE(settings, struct settings);

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
}

static void groups_preset(struct settings *settings, struct arena *arena)
{
    if (!settings->identity)
        settings->identity = arena_new(arena, struct settings_identity);
    if (!group_has(&settings->identity->group, "certificateLifetime"))
        settings->identity->certificate_lifetime_ms = 24 * 60 * 60 * 1000;
    if (!settings->front_proxies)
        settings->front_proxies = arena_new(arena, struct settings_front_proxies);
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

/* ---- what must hold ---- */

/* The node's name becomes a file's name and a label. */
static bool is_node_name(struct bytes name)
{
    if (!name.len || name.len > 63 || name.at[0] == '.' || name.at[0] == '-')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '.' && c != '-' && c != '_')
            return false;
    }
    return true;
}

static bool is_name_part(struct bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (!(c >= 'a' && c <= 'z') && !ascii_is_digit(c) && c != '-' && c != '.')
            return false;
    }
    return name.len > 0 && name.len <= 253 && name.at[0] != '-' && name.at[0] != '.';
}

static void name_check(const struct settings *settings, const char *field, struct bytes name,
                       struct report *report)
{
    if (!is_name_part(name))
        report_error(report, group_node(&settings->group, field),
                     "'%.*s' is no name: lower-case letters, digits, '-' and '.' are",
                     BYTES_FMT(bytes_part(name, 0, 100)));
}

static void trust_domain_check(const struct settings *settings, const char *field, size_t index,
                               struct bytes name, struct report *report)
{
    struct fail why;
    const struct yaml_node *node = group_node(&settings->group, field);
    if (node && node->kind == YAML_LIST)
        node = yaml_item(node, index);
    if (!spiffe_trust_domain_check(name, &why))
        report_error(report, node, "%s", why.text);
}

static void ranges_check(const struct text_list *ranges, const struct yaml_node *list, struct report *report)
{
    for (size_t i = 0; i < ranges->count; i++)
        if (!address_is_cidr(ranges->at[i]))
            report_error(report, yaml_item(list, i), "'%.*s' is no address range such as 10.0.0.0/8",
                         BYTES_FMT(bytes_part(ranges->at[i], 0, 100)));
}

static void front_proxies_check(const struct settings_front_proxies *proxies, struct report *report)
{
    const struct settings_proxy_protocol *protocol = proxies->proxy_protocol;
    ranges_check(&proxies->addresses, group_node(&proxies->group, "addresses"), report);
    if (protocol)
        ranges_check(&protocol->addresses, group_node(&protocol->group, "addresses"), report);
    if (proxies->token_header.len)
        check_header_name(report, group_node(&proxies->group, "tokenHeader"), proxies->token_header);
}

static void dns_check(const struct settings_dns *dns, struct report *report)
{
    const struct yaml_node *list = group_node(&dns->group, "servers");
    struct address address;
    struct bytes host;
    uint16_t port;
    for (size_t i = 0; i < dns->servers.count; i++)
        if (!address_split(dns->servers.at[i], &host, &port) || !address_parse(host, &address))
            report_error(report, yaml_item(list, i),
                         "'%.*s' is no address of a name server such as 10.0.0.10 or [::1]:5353",
                         BYTES_FMT(bytes_part(dns->servers.at[i], 0, 100)));
}

static void path_check(const struct settings *settings, const char *field, struct bytes path,
                       struct report *report)
{
    if (path.len > 1024)
        report_error(report, group_node(&settings->group, field), "the path has %zu bytes, at most 1024 go",
                     path.len);
}

/* Two servers cannot have one port; 0 is off. */
static void ports_check(const struct settings_admin *admin, struct report *report)
{
    const struct settings_ports *ports = admin ? admin->ports : NULL;
    if (!ports)
        return;
    const struct {
        const char *name;
        int64_t port;
    } rows[] = {{"admin", ports->admin},
                {"merged", ports->merged},
                {"status", ports->status},
                {"metrics", ports->metrics}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t j = 0; j < i; j++)
            if (rows[i].port && rows[i].port == rows[j].port) {
                const struct yaml_node *at = group_node(&ports->group, rows[i].name);
                report_error(report, at ? at : group_node(&ports->group, rows[j].name),
                             "%lld is the port of %s already; %s needs one of its own, or 0 for none",
                             (long long)rows[i].port, rows[j].name, rows[i].name);
            }
}

static void settings_check(const struct settings *settings, struct report *report)
{
    if (!is_node_name(settings->node))
        report_error(report, group_node(&settings->group, "node"),
                     "'%.*s' is no node's name: letters, digits, '_', and behind the first also '-' and '.', "
                     "are what it may have",
                     BYTES_FMT(bytes_part(settings->node, 0, 100)));
    name_check(settings, "namespace", settings->name_space, report);
    name_check(settings, "serviceAccount", settings->account, report);
    name_check(settings, "rootNamespace", settings->root_namespace, report);
    name_check(settings, "clusterDomain", settings->cluster_domain, report);
    trust_domain_check(settings, "trustDomain", 0, settings->trust_domain, report);
    for (size_t i = 0; i < settings->trust_domain_aliases.count; i++)
        trust_domain_check(settings, "trustDomainAliases", i, settings->trust_domain_aliases.at[i], report);
    path_check(settings, "rules", settings->rules, report);
    path_check(settings, "state", settings->state, report);
    path_check(settings, "accessLog", settings->access_log, report);
    front_proxies_check(settings->front_proxies, report);
    dns_check(settings->dns, report);
    ports_check(settings->admin, report);
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
