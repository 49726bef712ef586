/*
 * AuthorizationPolicies that do something else than one reads: hosts without
 * their port, claims that are no text, DENY that also covers TCP, tokens that
 * nobody verifies, exceptions that let in who has no identity.
 */
#include "rules/analyze/analyzers.h"
#include "rules/analyze/policy_view.h"

/* ---- hosts ------------------------------------------------------------ */

/* Another value of the list covers the host with any port: host:*, or a prefix that goes beyond the name. */
static bool port_covered(const struct yaml_node *hosts, struct bytes host, struct arena *arena)
{
    struct bytes with_port = arena_format(arena, "%.*s:", BYTES_FMT(host));
    TREE_EACH(value, hosts) {
        struct bytes text = value->text;
        if (bytes_ends(text, BYTES("*")) && bytes_starts_nocase(with_port, bytes_part(text, 0, text.len - 1)))
            return true;
        if (bytes_starts_nocase(text, with_port))
            return true; /* one port is named: whoever wrote it thought of it */
    }
    return false;
}

static void hosts_check(struct analysis *analysis, const struct object *policy, const struct yaml_node *hosts,
                        bool exceptions)
{
    bool deny = policy_is(policy, "DENY");
    TREE_EACH(value, hosts) {
        struct bytes host = value->text;
        if (!host.len || bytes_ends(host, BYTES("*")) || bytes_find(host, ':') < host.len ||
            port_covered(hosts, host, analysis->arena))
            continue;
        say(analysis, policy, value, "SEL0105",
            "a request whose Host header names the port (%.*s:443) %s; add \"%.*s:*\"", BYTES_FMT(host),
            deny == exceptions ? "is not allowed by this" : "is not kept out by this", BYTES_FMT(host));
    }
}

void analyze_policy_hosts(struct analysis *analysis)
{
    OBJECTS_EACH(policy, &analysis->objects, OBJECT_AUTHORIZATION_POLICY)
        TREE_EACH(rule, tree_at(policy->spec, "rules"))
            TREE_EACH(to, tree_at(rule, "to")) {
                hosts_check(analysis, policy, tree_at(to, "operation.hosts"), false);
                hosts_check(analysis, policy, tree_at(to, "operation.notHosts"), true);
            }
}

/* ---- claims ----------------------------------------------------------- */

struct odd_claim {
    const char *name;
    const char *is;
};

/* RFC 7519, OpenID Connect Core 5.1, RFC 7800, RFC 8693; the last two are Keycloak's. */
static const struct odd_claim odd_claims[] = {
    {"exp", "a number"},           {"iat", "a number"},
    {"nbf", "a number"},           {"auth_time", "a number"},
    {"updated_at", "a number"},    {"email_verified", "true or false"},
    {"cnf", "an object"},          {"phone_number_verified", "true or false"},
    {"act", "an object"},          {"address", "an object"},
    {"realm_access", "an object"}, {"resource_access", "an object"},
};

/* [a][b] or .a.b -> a, and whether something below it is meant. */
static struct bytes claim_first(struct bytes path, bool *deeper)
{
    struct bytes name = path;
    if (bytes_starts(path, BYTES("["))) {
        size_t end = bytes_find(path, ']');
        name = bytes_part(path, 1, end);
        *deeper = end + 1 < path.len;
        return name;
    }
    if (bytes_starts(path, BYTES(".")))
        path = bytes_part(path, 1, path.len);
    *deeper = bytes_cut(&path, '.', &name);
    return name;
}

static void claim_check(struct analysis *analysis, const struct object *object, const struct yaml_node *node,
                        struct bytes path)
{
    bool deeper;
    struct bytes name = claim_first(path, &deeper);
    for (size_t i = 0; i < sizeof odd_claims / sizeof odd_claims[0]; i++) {
        bool object_claim = odd_claims[i].is[1] == 'n'; /* "an object": something below it may be text */
        if (bytes_equal(name, bytes_of(odd_claims[i].name)) && !(deeper && object_claim))
            say(analysis, object, node, "SEL0104",
                "the claim %.*s is %s, and only text and lists of text are compared: it never holds",
                BYTES_FMT(name), odd_claims[i].is);
    }
}

static const char claims_key[] = "request.auth.claims";

static void when_check(struct analysis *analysis, const struct object *policy, const struct yaml_node *when)
{
    struct bytes key = tree_text(when, "key");
    if (!bytes_starts(key, bytes_of(claims_key)))
        return;
    claim_check(analysis, policy, tree_at(when, "key"), bytes_part(key, sizeof claims_key - 1, key.len));
    TREE_EACH(value, tree_at(when, "values"))
        if (value->kind == YAML_TEXT &&
            (bytes_equal(value->text, BYTES("true")) || bytes_equal(value->text, BYTES("false"))))
            say(analysis, policy, value, "SEL0104",
                "a claim that is true or false is no text: this holds only where the token has the word in "
                "quotes");
}

void analyze_claims(struct analysis *analysis)
{
    static const char *const maps[] = {"headers", "withoutHeaders"};
    OBJECTS_EACH(policy, &analysis->objects, OBJECT_AUTHORIZATION_POLICY)
        TREE_EACH(rule, tree_at(policy->spec, "rules"))
            TREE_EACH(when, tree_at(rule, "when"))
                when_check(analysis, policy, when);
    OBJECTS_EACH(service, &analysis->objects, OBJECT_VIRTUAL_SERVICE)
        TREE_EACH(rule, tree_at(service->spec, "http"))
            TREE_EACH(match, tree_at(rule, "match"))
                for (size_t i = 0; i < 2; i++)
                    TREE_EACH(header, tree_at(match, maps[i]))
                        if (bytes_starts_nocase(header->key, BYTES("@request.auth.claims")))
                            claim_check(analysis, service, header,
                                        bytes_part(header->key, 20, header->key.len));
}

/* ---- DENY that covers more -------------------------------------------- */

static bool group_has_http(const struct yaml_node *group)
{
    for (size_t i = 0; i < policy_pair_count; i++)
        if (policy_pairs[i].http && (tree_first(tree_at(group, policy_pairs[i].is)) ||
                                     tree_first(tree_at(group, policy_pairs[i].is_not))))
            return true;
    return false;
}

static const struct yaml_node *http_part(const struct yaml_node *rule)
{
    TREE_EACH(from, tree_at(rule, "from"))
        if (group_has_http(tree_at(from, "source")))
            return from;
    TREE_EACH(to, tree_at(rule, "to"))
        if (group_has_http(tree_at(to, "operation")))
            return to;
    TREE_EACH(when, tree_at(rule, "when"))
        if (policy_key_is_http(tree_text(when, "key")))
            return when;
    return NULL;
}

static bool rule_means_port(const struct yaml_node *rule, struct bytes port)
{
    bool named = false, meant = false;
    TREE_EACH(to, tree_at(rule, "to")) {
        const struct yaml_node *ports = tree_at(to, "operation.ports");
        named = named || tree_first(ports);
        meant = meant || !tree_first(ports) || list_holds(ports, port);
    }
    return !named || meant;
}

static bool is_tcp(struct bytes protocol)
{
    static const char *const names[] = {"TCP", "TLS", "MONGO", "MYSQL", "REDIS"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (bytes_equal_nocase(protocol, bytes_of(names[i])))
            return true;
    return false;
}

/* A TCP port of a workload that the policy chooses, as a Sidecar says; empty: none is known. */
static struct bytes tcp_port(const struct analysis *analysis, const struct object *policy,
                             const struct yaml_node *rule)
{
    const struct yaml_node *labels = tree_at(policy->spec, "selector.matchLabels");
    bool everywhere = bytes_equal(policy->namespace, analysis->root_namespace);
    OBJECTS_EACH(sidecar, &analysis->objects, OBJECT_SIDECAR) {
        if ((!everywhere && !bytes_equal(sidecar->namespace, policy->namespace)) ||
            !labels_fit(labels, tree_at(sidecar->spec, "workloadSelector.labels")))
            continue;
        TREE_EACH(ingress, tree_at(sidecar->spec, "ingress")) {
            struct bytes number = tree_text(ingress, "port.number");
            if (is_tcp(tree_text(ingress, "port.protocol")) && rule_means_port(rule, number))
                return number;
        }
    }
    return (struct bytes){0};
}

static void unusable_ports(struct analysis *analysis, const struct object *policy,
                           const struct yaml_node *ports)
{
    uint64_t number;
    TREE_EACH(port, ports)
        if (!bytes_to_u64(port->text, UINT16_MAX, &number))
            say(analysis, policy, port, "SEL0103",
                "'%.*s' is no port number and is left out of the comparison, so that more is denied",
                BYTES_FMT(port->text));
}

void analyze_deny_width(struct analysis *analysis)
{
    OBJECTS_EACH(policy, &analysis->objects, OBJECT_AUTHORIZATION_POLICY) {
        if (!policy_is(policy, "DENY") && !policy_is(policy, "AUDIT"))
            continue;
        TREE_EACH(rule, tree_at(policy->spec, "rules")) {
            const struct yaml_node *part = http_part(rule);
            struct bytes port = part ? tcp_port(analysis, policy, rule) : (struct bytes){0};
            if (port.len)
                say(analysis, policy, part, "SEL0103",
                    "port %.*s of a chosen workload is TCP, where this cannot be compared and is left out: "
                    "the rule covers its connections too; name the ports that are meant",
                    BYTES_FMT(port));
            TREE_EACH(to, tree_at(rule, "to"))
                unusable_ports(analysis, policy, tree_at(to, "operation.ports"));
            TREE_EACH(when, tree_at(rule, "when"))
                if (tree_is(when, "key", "destination.port"))
                    unusable_ports(analysis, policy, tree_at(when, "values"));
        }
    }
}

/* ---- tokens that nobody verifies -------------------------------------- */

static bool issuer_in(const struct analysis *analysis, struct bytes namespace, struct bytes issuer)
{
    size_t count;
    const struct object *at =
        objects_within(&analysis->objects, OBJECT_REQUEST_AUTHENTICATION, namespace, &count);
    for (size_t i = 0; i < count; i++)
        TREE_EACH(rule, tree_at(at[i].spec, "jwtRules"))
            if (bytes_equal(tree_text(rule, "issuer"), issuer))
                return true;
    return false;
}

static void principals_check(struct analysis *analysis, const struct object *policy,
                             const struct yaml_node *principals)
{
    TREE_EACH(value, principals) {
        size_t slash = bytes_find_last(value->text, '/');
        struct bytes issuer = bytes_part(value->text, 0, slash);
        if (slash == value->text.len || !issuer.len || bytes_find(issuer, '*') < issuer.len ||
            issuer_in(analysis, policy->namespace, issuer) ||
            issuer_in(analysis, analysis->root_namespace, issuer))
            continue;
        say(analysis, policy, value, "SEL0106",
            "no RequestAuthentication of this namespace or of %.*s verifies tokens of %.*s",
            BYTES_FMT(analysis->root_namespace), BYTES_FMT(issuer));
    }
}

void analyze_issuers(struct analysis *analysis)
{
    OBJECTS_EACH(policy, &analysis->objects, OBJECT_AUTHORIZATION_POLICY)
        TREE_EACH(rule, tree_at(policy->spec, "rules"))
            TREE_EACH(from, tree_at(rule, "from"))
                principals_check(analysis, policy, tree_at(from, "source.requestPrincipals"));
}

/* ---- exceptions alone ------------------------------------------------- */

static bool is_exceptions(const struct yaml_node *source)
{
    bool some = false;
    TREE_EACH(field, source) {
        if (!bytes_starts(field->key, BYTES("not")))
            return false;
        some = some || bytes_equal(field->key, BYTES("notPrincipals")) ||
               bytes_equal(field->key, BYTES("notRequestPrincipals")) ||
               bytes_equal(field->key, BYTES("notNamespaces")) ||
               bytes_equal(field->key, BYTES("notServiceAccounts"));
    }
    return some;
}

void analyze_anonymous(struct analysis *analysis)
{
    OBJECTS_EACH(policy, &analysis->objects, OBJECT_AUTHORIZATION_POLICY)
        TREE_EACH(rule, policy_is(policy, "ALLOW") ? tree_at(policy->spec, "rules") : NULL)
            TREE_EACH(from, tree_at(rule, "from"))
                if (is_exceptions(tree_at(from, "source")))
                    say(analysis, policy, from, "SEL0107",
                        "exceptions alone also hold for who has no identity at all; add principals or "
                        "requestPrincipals: [\"*\"] if that is not meant");
}
