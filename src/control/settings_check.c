/* What must hold between a node's settings. */
#include "control/settings_inside.h"
#include "rules/kind/common.h"
#include "wire/address.h"
#include "wire/spiffe_id.h"

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

static void identity_check(const struct settings_identity *identity, struct report *report)
{
    struct address address;
    struct bytes host;
    uint16_t port = 0;
    if (identity->ca && identity->ca->listen.len &&
        (!address_split(identity->ca->listen, &host, &port) || !port || !address_parse(host, &address)))
        report_error(report, group_node(&identity->ca->group, "listen"),
                     "'%.*s' is no address with a port such as 0.0.0.0:15012",
                     BYTES_FMT(bytes_part(identity->ca->listen, 0, 100)));
    if (identity->join && (!address_split(identity->join->address, &host, &port) || !port))
        report_error(report, group_node(&identity->join->group, "address"),
                     "'%.*s' is no host with a port such as ca.example:15012",
                     BYTES_FMT(bytes_part(identity->join->address, 0, 100)));
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

void settings_check(const struct settings *settings, struct report *report)
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
    identity_check(settings->identity, report);
    ports_check(settings->admin, report);
}
