#include "rules/kind/common.h"

#include <arpa/inet.h>
#include <string.h>

#include "wire/regex.h"

const char *const protocol_choices[] = {"",         "HTTP", "HTTPS",      "HTTP2", "GRPC",
                                        "GRPC-WEB", "TCP",  "TLS",        "MONGO", "MYSQL",
                                        "REDIS",    "UDP",  "HTTP_PROXY", "HBONE", NULL};

static const struct field port_fields[] = {
    {"number", FIELD_INT, 0, offsetof(struct port, number), .help = "the port, 1 to 65535"},
    {"protocol", FIELD_CHOICE, FIELD_NOCASE, offsetof(struct port, protocol), .choices = protocol_choices,
     .help = "what is spoken on the port"},
    {"name", FIELD_TEXT, 0, offsetof(struct port, name), .max = 256, .help = "a name for the port"},
    {"targetPort", FIELD_INT, 0, offsetof(struct port, target_port),
     .help = "the port of the endpoints when it is another one"},
};
FIELD_TABLE(port, struct port);

static const struct field port_selector_fields[] = {
    {"number", FIELD_INT, 0, offsetof(struct port_selector, number), .help = "the port, 1 to 65535"},
};
FIELD_TABLE(port_selector, struct port_selector);

static const struct field destination_fields[] = {
    {"host", FIELD_TEXT, FIELD_REQUIRED, offsetof(struct destination, host),
     .help = "the service; a short name is completed with the resource's namespace"},
    {"subset", FIELD_TEXT, 0, offsetof(struct destination, subset), .help = "a subset of a DestinationRule"},
    {"port", FIELD_GROUP, 0, offsetof(struct destination, port), &port_selector_table,
     .help = "which port, when the service has several"},
};
FIELD_TABLE(destination, struct destination);

static const struct field selector_fields[] = {
    {"matchLabels", FIELD_TEXT, FIELD_MAP, offsetof(struct selector, match_labels), .max = 63,
     .count_max = 4096, .help = "labels that a workload must carry, all of them"},
};
FIELD_TABLE(selector, struct selector);

static const struct field workload_selector_fields[] = {
    {"labels", FIELD_TEXT, FIELD_MAP, offsetof(struct selector, match_labels), .max = 63, .count_max = 256,
     .help = "labels that a workload must carry, all of them"},
};
FIELD_TABLE(workload_selector, struct selector);

static const struct field percent_fields[] = {
    {"value", FIELD_NUMBER, 0, offsetof(struct percent, value), .max = 100,
     .help = "0 to 100, with fractions"},
};
FIELD_TABLE(percent, struct percent);

bool protocol_is_http(enum protocol protocol)
{
    return protocol == PROTOCOL_HTTP || protocol == PROTOCOL_HTTP2 || protocol == PROTOCOL_GRPC ||
           protocol == PROTOCOL_GRPC_WEB;
}

bool protocol_is_tls(enum protocol protocol)
{
    return protocol == PROTOCOL_HTTPS || protocol == PROTOCOL_TLS;
}

bool protocol_is_http2(enum protocol protocol)
{
    return protocol == PROTOCOL_HTTP2 || protocol == PROTOCOL_GRPC;
}

enum protocol port_protocol(const struct port *port)
{
    struct bytes name = port->name, first;
    if (port->protocol != PROTOCOL_NONE)
        return (enum protocol)port->protocol;
    if (bytes_starts_nocase(name, BYTES("grpc-web")))
        return PROTOCOL_GRPC_WEB;
    bytes_cut(&name, '-', &first);
    for (int i = PROTOCOL_HTTP; protocol_choices[i]; i++)
        if (bytes_equal_nocase(first, bytes_of(protocol_choices[i])))
            return (enum protocol)i;
    return PROTOCOL_NONE;
}

static bool is_alphanumeric(char c)
{
    return ascii_is_alpha(c) || ascii_is_digit(c);
}

static bool all_of(struct bytes text, bool (*good)(char))
{
    for (size_t i = 0; i < text.len; i++) {
        if (!good(text.at[i]))
            return false;
    }
    return text.len > 0;
}

static bool is_host_char(char c)
{
    return is_alphanumeric(c) || c == '-';
}

static bool label_is_plain(struct bytes label)
{
    return label.len <= 63 && all_of(label, is_host_char) && label.at[0] != '-' &&
           label.at[label.len - 1] != '-';
}

bool host_is_plain(struct bytes host)
{
    struct bytes label = {0};
    if (host.len == 0 || host.len > 253)
        return false;
    if (host.at[host.len - 1] == '.')
        host.len--;
    for (bool more = true; more;) {
        more = bytes_cut(&host, '.', &label);
        if (!label_is_plain(label))
            return false;
    }
    return true;
}

static bool address_parse(int family, struct bytes text)
{
    char copy[64];
    unsigned char out[16];
    if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.at, 0, text.len))
        return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    return inet_pton(family, copy, out) == 1;
}

bool address_is_ip(struct bytes text)
{
    return address_parse(AF_INET, text) || address_parse(AF_INET6, text);
}

bool address_is_cidr(struct bytes text)
{
    struct bytes address = {0};
    uint64_t bits;
    if (!bytes_cut(&text, '/', &address))
        return address_is_ip(address);
    if (text.len > 1 && text.at[0] == '0')
        return false;
    if (address_parse(AF_INET, address))
        return bytes_to_u64(text, 32, &bits);
    return address_parse(AF_INET6, address) && bytes_to_u64(text, 128, &bits);
}

bool address_is_unix(struct bytes text)
{
    struct bytes prefix = BYTES("unix://");
    if (!bytes_starts(text, prefix) || text.len < prefix.len + 2 || text.len > prefix.len + 107)
        return false;
    char first = text.at[prefix.len];
    return (first == '/' || first == '@') && text.at[text.len - 1] != '/' && !memchr(text.at, 0, text.len);
}

bool endpoint_read(struct bytes text, struct bytes *address, int64_t *port)
{
    if (address_is_unix(text)) {
        *address = text;
        *port = 0;
        return true;
    }
    uint64_t number;
    size_t colon = bytes_find_last(text, ':');
    struct bytes host = bytes_part(text, 0, colon);
    if (host.len > 2 && host.at[0] == '[' && host.at[host.len - 1] == ']') {
        host = bytes_part(host, 1, host.len - 1);
        if (!address_parse(AF_INET6, host))
            return false;
    } else if (!address_parse(AF_INET, host)) {
        return false;
    }
    if (!bytes_to_u64(bytes_part(text, colon + 1, text.len), 65535, &number) || number == 0)
        return false;
    *address = host;
    *port = (int64_t)number;
    return true;
}

/* Says what is wrong with a piece of text, the piece in front. Answers false. */
static bool wrong(struct report *report, const struct yaml_node *node, struct bytes text, const char *what)
{
    char shown[100];
    struct text out;
    text_init_fixed(&out, shown, sizeof(shown));
    text_add_shown(&out, text, 80);
    report_error(report, node, "'%s' %s", shown, what);
    return false;
}

bool check_cidr(struct report *report, const struct yaml_node *node, struct bytes text)
{
    return address_is_cidr(text) || wrong(report, node, text, "is no address or range such as 10.0.0.0/8");
}

bool check_port(struct report *report, const struct yaml_node *node, int64_t port)
{
    if (port >= 1 && port <= 65535)
        return true;
    report_error(report, node, "%lld is no port; one is between 1 and 65535", (long long)port);
    return false;
}

static bool is_label_char(char c)
{
    return is_alphanumeric(c) || c == '-' || c == '_' || c == '.';
}

static bool is_label_part(struct bytes part)
{
    return part.len <= 63 && all_of(part, is_label_char) && is_alphanumeric(part.at[0]) &&
           is_alphanumeric(part.at[part.len - 1]);
}

static bool label_is_name(struct bytes name)
{
    struct bytes rest = name;
    struct bytes head = {0};
    bool prefixed = bytes_cut(&rest, '/', &head);
    return prefixed ? host_is_plain(head) && is_label_part(rest) : is_label_part(head);
}

bool check_label_name(struct report *report, const struct yaml_node *node, struct bytes name)
{
    return label_is_name(name) || wrong(report, node, name, "is no name of a label");
}

void check_labels(struct report *report, const struct group *group, const char *name,
                  const struct text_map *labels)
{
    const struct yaml_node *map = yaml_get(group->node, name);
    for (size_t i = 0; i < labels->count; i++) {
        check_label_name(report, yaml_item(map, i), labels->keys[i]);
        if (labels->at[i].len > 0 && !is_label_part(labels->at[i]))
            wrong(report, yaml_item(map, i), labels->at[i], "is no value of a label");
    }
}

static bool is_token_char(char c)
{
    return is_alphanumeric(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

bool header_is_name(struct bytes text)
{
    return text.len <= 256 && all_of(text, is_token_char);
}

bool check_header_name(struct report *report, const struct yaml_node *node, struct bytes name)
{
    if (header_is_name(name))
        return true;
    return wrong(report, node, name, "is no name of a header");
}

bool check_header_made(struct report *report, const struct yaml_node *node, struct bytes name)
{
    static const struct bytes framing[] = {BYTES_INIT("connection"),       BYTES_INIT("content-length"),
                                           BYTES_INIT("keep-alive"),       BYTES_INIT("te"),
                                           BYTES_INIT("proxy-connection"), BYTES_INIT("trailer"),
                                           BYTES_INIT("upgrade"),          BYTES_INIT("transfer-encoding")};
    const char *what = header_is_name(name) ? NULL : "is no name of a header";
    for (size_t i = 0; i < sizeof framing / sizeof framing[0]; i++)
        if (bytes_equal_nocase(name, framing[i]))
            what = "says where messages end or connections do: no rule may";
    if (what)
        report_own_rule(report, node, "'%.*s' %s", BYTES_FMT(name), what);
    return !what;
}

bool check_regex(struct report *report, const struct yaml_node *node, struct bytes pattern)
{
    struct fail why;
    struct regex *regex = regex_new(pattern, &why);
    if (!regex) {
        report_error(report, node, "is no regular expression RE2 takes: %s", why.text);
        return false;
    }
    regex_free(regex);
    return true;
}

bool check_substitution(struct report *report, const struct yaml_node *node, struct bytes pattern,
                        const struct yaml_node *rewrite_node, struct bytes rewrite)
{
    struct fail why;
    struct regex *regex = regex_new(pattern, &why);
    bool good = regex && regex_rewrite_check(regex, rewrite, &why);
    if (!regex)
        report_error(report, node, "is no regular expression RE2 takes: %s", why.text);
    else if (!good)
        report_own_rule(report, rewrite_node, "%s", why.text);
    regex_free(regex);
    return good;
}

/* Istio minds * and empty names alone; a label that no workload can carry would choose nobody. */
static bool check_selector_label(struct report *report, const struct yaml_node *node, struct bytes name,
                                 struct bytes value)
{
    if (bytes_find(value, '*') < value.len)
        return wrong(report, node, value, "must not hold a *: selectors compare whole labels");
    if (bytes_find(name, '*') < name.len)
        return wrong(report, node, name, "must not hold a *: selectors compare whole labels");
    if (name.len == 0)
        return wrong(report, node, name, "is no name of a label");
    if (!label_is_name(name))
        report_own_rule(report, node, "'%.*s' is no name of a label", BYTES_FMT(name));
    else if (value.len > 0 && !is_label_part(value))
        report_own_rule(report, node, "'%.*s' is no value of a label", BYTES_FMT(value));
    return true;
}

bool check_selector(struct report *report, const struct selector *selector)
{
    bool good = true;
    if (!selector)
        return true;
    const struct text_map *labels = &selector->match_labels;
    const struct yaml_node *map = yaml_get(selector->group.node, "matchLabels");
    if (!map)
        map = yaml_get(selector->group.node, "labels");
    for (size_t i = 0; i < labels->count; i++)
        good = check_selector_label(report, yaml_item(map, i), labels->keys[i], labels->at[i]) && good;
    return good;
}

bool check_destination(struct report *report, const struct destination *destination)
{
    if (!destination || !destination->host.at)
        return false; /* said already: a required field is missing */
    bool good = true;
    const struct yaml_node *node = group_node(&destination->group, "host");
    if (bytes_equal(destination->host, BYTES("*")))
        good = wrong(report, node, destination->host, "is no single service");
    else
        good = check_host_name(report, node, destination->host);
    if (destination->subset.len > 0 && !host_is_label(destination->subset))
        good = wrong(report, group_node(&destination->group, "subset"), destination->subset,
                     "is no name of a subset");
    if (destination->port)
        good =
            check_port(report, group_node(&destination->port->group, "number"), destination->port->number) &&
            good;
    return good;
}

static void check_match_at(struct report *report, const struct yaml_node *node,
                           const struct string_match *match, bool any_prefix)
{
    if (match->how == MATCH_REGEX && match->value.len == 0)
        report_error(report, yaml_get(node, "regex"), "must not be empty");
    else if (match->how == MATCH_REGEX)
        check_regex(report, yaml_get(node, "regex"), match->value);
    else if (match->how == MATCH_PREFIX && match->value.len == 0 && !any_prefix)
        report_error(report, yaml_get(node, "prefix"), "must not be empty");
}

void check_match(struct report *report, const struct group *group, const char *name,
                 const struct string_match *match, bool any_prefix)
{
    check_match_at(report, yaml_get(group->node, name), match, any_prefix);
}

void check_matches(struct report *report, const struct group *group, const char *name,
                   const struct match_map *matches)
{
    const struct yaml_node *map = yaml_get(group->node, name);
    for (size_t i = 0; i < matches->count; i++)
        check_match_at(report, yaml_item(map, i), &matches->at[i], false);
}
