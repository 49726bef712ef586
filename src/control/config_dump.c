#include "control/config_dump.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/hash.h"
#include "wire/health.h"
#include "wire/json.h"

/* ---- cells ------------------------------------------------------------ */

static json_t *cell(const struct image *image, struct image_text text)
{
    struct bytes bytes = image_text(image, text);
    json_t *value = json_stringn(bytes.at, bytes.len);
    return value ? value : json_string("");
}

static json_t *cell_made(const struct text *text)
{
    return json_stringn(text->at, text->len);
}

static void set(json_t *row, const char *name, json_t *take)
{
    json_object_set_new(row, name, take);
}

static json_t *row_add(json_t *rows)
{
    json_t *row = json_object();
    json_array_append_new(rows, row);
    return row;
}

/* ---- listeners -------------------------------------------------------- */

/* As Istio calls it: by port at gateways and outbound, by direction inbound. */
static json_t *route_name(const struct rules_listener *listener)
{
    static const char *const before[] = {"http.", "inbound|", ""}, *const behind[] = {"", "||", ""};
    return json_sprintf("%s%u%s", before[listener->direction], listener->port, behind[listener->direction]);
}

static json_t *listener_row(const struct image *rules, const struct rules_listener *listener, json_t *rows)
{
    static const char *const directions[] = {"gateway", "inbound", "outbound"};
    static const char *const protocols[] = {"HTTP", "TCP"};
    static const char *const modes[] = {"PLAIN", "TLS", "STRICT", "PERMISSIVE", "PASSTHROUGH"};
    json_t *row = row_add(rows);
    set(row, "name", cell(rules, listener->name));
    set(row, "address", cell(rules, listener->address));
    set(row, "port", json_integer(listener->port));
    set(row, "direction", json_string(directions[listener->direction]));
    set(row, "protocol", json_string(protocols[listener->protocol]));
    set(row, "tls", json_string(modes[listener->tls]));
    return row;
}

static json_t *sni_match(const struct image *rules, struct image_rows hosts)
{
    char room[2000];
    struct text text;
    text_init_fixed(&text, room, sizeof room);
    if (!hosts.count)
        return json_string("ALL");
    text_add_s(&text, "SNI: ");
    IMAGE_FOR(rules, RULES_NAME, struct rules_name, host, hosts)
    {
        text_add_s(&text, host_i ? "," : "");
        text_add(&text, image_text(rules, host->text));
    }
    return cell_made(&text);
}

static void tcp_rows(const struct image *rules, const struct rules_listener *listener, json_t *rows)
{
    IMAGE_FOR(rules, RULES_TCP_ROUTE, struct rules_tcp_route, route, listener->tcp)
    {
        IMAGE_FOR(rules, RULES_DESTINATION, struct rules_destination, to, route->destinations)
        {
            const struct rules_cluster *cluster =
                image_row(rules, RULES_CLUSTER, image_all(rules, RULES_CLUSTER), to->cluster);
            struct bytes name = image_text(rules, cluster->name);
            json_t *row = listener_row(rules, listener, rows);
            set(row, "match", sni_match(rules, route->hosts));
            set(row, "destination", json_sprintf("Cluster: %.*s", BYTES_FMT(name)));
        }
    }
}

static void listener_rows(const struct image *rules, const struct rules_listener *listener, json_t *rows)
{
    json_t *name = route_name(listener);
    if (listener->protocol == SPEAKS_TCP) {
        tcp_rows(rules, listener, rows);
    } else if (!listener->servers.count) {
        json_t *row = listener_row(rules, listener, rows);
        set(row, "match", json_string("ALL"));
        set(row, "destination", json_sprintf("Route: %s", json_string_value(name)));
    }
    IMAGE_FOR(rules, RULES_SERVER, struct rules_server, server, listener->servers)
    {
        json_t *row = listener_row(rules, listener, rows);
        set(row, "match", sni_match(rules, server->hosts));
        set(row, "destination", json_sprintf("Route: %s", json_string_value(name)));
        set(row, "credential", cell(rules, server->credential_name));
    }
    json_decref(name);
}

static void listeners_dump(const struct config_dump *dump, json_t *rows)
{
    IMAGE_FOR(&dump->rules, RULES_LISTENER, struct rules_listener, listener,
              image_all(&dump->rules, RULES_LISTENER))
    listener_rows(&dump->rules, listener, rows);
}

/* ---- routes ----------------------------------------------------------- */

static json_t *uri_match(const struct image *rules, const struct rules_match *match)
{
    static const char *const forms[] = {
        [TEXT_ANY] = "/*", [TEXT_EXACT] = "", [TEXT_PREFIX] = "*", [TEXT_REGEX] = "", [TEXT_PRESENT] = "/*"};
    if (!match || match->uri.match == TEXT_ANY || match->uri.match == TEXT_PRESENT)
        return json_string("/*");
    struct bytes text = image_text(rules, match->uri.text);
    return json_sprintf("%s%.*s%s", match->uri.match == TEXT_REGEX ? "regex " : "", BYTES_FMT(text),
                        forms[match->uri.match]);
}

static void route_row(const struct image *rules, const struct rules_listener *listener,
                      const struct rules_vhost *vhost, const struct rules_route *route,
                      const struct rules_match *match, json_t *rows)
{
    struct bytes host = image_text(rules, vhost->host);
    const char *star = vhost->match == HOST_EXACT ? "" : "*";
    json_t *row = row_add(rows);
    set(row, "name", route_name(listener));
    set(row, "vhost",
        json_sprintf("%s%.*s:%u", star, BYTES_FMT(host), vhost->port ? vhost->port : listener->port));
    set(row, "domains", json_sprintf("%s%.*s", star, BYTES_FMT(host)));
    set(row, "match", uri_match(rules, match));
    set(row, "virtualService", cell(rules, vhost->name));
    set(row, "route", cell(rules, route->name));
    set(row, "port", json_integer(listener->port));
    json_t *to = json_array();
    IMAGE_FOR(rules, RULES_DESTINATION, struct rules_destination, destination, route->destinations)
    {
        const struct rules_cluster *cluster =
            image_row(rules, RULES_CLUSTER, image_all(rules, RULES_CLUSTER), destination->cluster);
        json_array_append_new(to, cell(rules, cluster->name));
    }
    set(row, "clusters", to);
}

static void vhost_rows(const struct image *rules, const struct rules_listener *listener,
                       const struct rules_vhost *vhost, json_t *rows)
{
    IMAGE_FOR(rules, RULES_ROUTE, struct rules_route, route, vhost->routes)
    {
        if (!route->matches.count)
            route_row(rules, listener, vhost, route, NULL, rows);
        IMAGE_FOR(rules, RULES_MATCH, struct rules_match, match, route->matches)
        route_row(rules, listener, vhost, route, match, rows);
    }
}

static void routes_dump(const struct config_dump *dump, json_t *rows)
{
    IMAGE_FOR(&dump->rules, RULES_LISTENER, struct rules_listener, listener,
              image_all(&dump->rules, RULES_LISTENER))
    {
        IMAGE_FOR(&dump->rules, RULES_VHOST, struct rules_vhost, vhost, listener->vhosts)
        vhost_rows(&dump->rules, listener, vhost, rows);
    }
}

/* ---- clusters and endpoints ------------------------------------------- */

static const char *cluster_direction(struct bytes name)
{
    return bytes_starts(name, BYTES("inbound|")) ? "inbound" : "outbound";
}

static void clusters_dump(const struct config_dump *dump, json_t *rows)
{
    static const char *const modes[] = {"AUTO", "DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"};
    static const char *const balances[] = {"LEAST_REQUEST", "ROUND_ROBIN", "RANDOM"};
    const struct image *rules = &dump->rules;
    IMAGE_FOR(rules, RULES_CLUSTER, struct rules_cluster, cluster, image_all(rules, RULES_CLUSTER))
    {
        json_t *row = row_add(rows);
        set(row, "name", cell(rules, cluster->name));
        set(row, "fqdn", cell(rules, cluster->host));
        set(row, "port", json_integer(cluster->port));
        set(row, "subset", cell(rules, cluster->subset));
        set(row, "direction", json_string(cluster_direction(image_text(rules, cluster->name))));
        set(row, "type", json_string("EDS"));
        set(row, "destinationRule", cell(rules, cluster->rule));
        set(row, "tls", json_string(modes[cluster->tls]));
        set(row, "loadBalancer", json_string(balances[cluster->balance]));
    }
}

static const char *health_of(const struct config_dump *dump, const struct endpoints_endpoint *endpoint,
                             uint64_t cluster)
{
    if (!dump->commons)
        return "UNKNOWN";
    uint64_t id = hash_stable(image_text(&dump->endpoints, endpoint->text)) ^ cluster;
    const struct health_row *row = health_find((struct health_memory *)(uintptr_t)&dump->commons->health, id);
    return row && health_is_ejected(row, clock_ms()) ? "UNHEALTHY" : "HEALTHY";
}

static void endpoint_rows(const struct config_dump *dump, const struct rules_cluster *cluster,
                          const struct endpoints_cluster *behind, json_t *rows)
{
    const struct image *endpoints = &dump->endpoints;
    IMAGE_FOR(endpoints, ENDPOINTS_ENDPOINT, struct endpoints_endpoint, endpoint, behind->endpoints)
    {
        json_t *row = row_add(rows);
        set(row, "name", cell(endpoints, endpoint->text));
        set(row, "status", json_string(health_of(dump, endpoint, cluster->id)));
        set(row, "locality", json_string(""));
        set(row, "cluster", cell(&dump->rules, cluster->name));
        set(row, "fqdn", cell(&dump->rules, cluster->host));
        set(row, "port", json_integer(endpoint->port));
        set(row, "weight", json_integer(endpoint->weight));
        set(row, "mesh", json_boolean(endpoint->mesh));
    }
}

static void endpoints_dump(const struct config_dump *dump, json_t *rows)
{
    const struct image *rules = &dump->rules;
    IMAGE_FOR(rules, RULES_CLUSTER, struct rules_cluster, cluster, image_all(rules, RULES_CLUSTER))
    {
        const struct endpoints_cluster *behind = image_find(&dump->endpoints, ENDPOINTS_CLUSTER, cluster->id);
        if (behind)
            endpoint_rows(dump, cluster, behind, rows);
    }
}

/* ---- policies --------------------------------------------------------- */

static void policy_rows(const struct image *rules, const struct rules_listener *listener,
                        struct image_rows policies, const char *action, json_t *rows)
{
    IMAGE_FOR(rules, RULES_POLICY, struct rules_policy, policy, policies)
    {
        json_t *row = row_add(rows);
        set(row, "namespace", cell(rules, policy->name_space));
        set(row, "name", cell(rules, policy->name));
        set(row, "action", json_string(action));
        set(row, "listener", cell(rules, listener->name));
        set(row, "port", json_integer(listener->port));
        set(row, "rules", json_integer(policy->rules.count));
    }
}

static void policies_dump(const struct config_dump *dump, json_t *rows)
{
    const struct image *rules = &dump->rules;
    IMAGE_FOR(rules, RULES_LISTENER, struct rules_listener, listener, image_all(rules, RULES_LISTENER))
    {
        policy_rows(rules, listener, listener->audit, "Audit", rows);
        policy_rows(rules, listener, listener->deny, "Deny", rows);
        policy_rows(rules, listener, listener->allow, "Allow", rows);
    }
}

/* ---- all -------------------------------------------------------------- */

static const struct {
    struct bytes name;
    void (*dump)(const struct config_dump *dump, json_t *rows);
} sections[] = {
    {BYTES_INIT("listeners"), listeners_dump}, {BYTES_INIT("routes"), routes_dump},
    {BYTES_INIT("clusters"), clusters_dump},   {BYTES_INIT("endpoints"), endpoints_dump},
    {BYTES_INIT("policies"), policies_dump},
};

bool config_dump_write(const struct config_dump *dump, struct bytes section, struct text *out)
{
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        if (!bytes_equal(section, sections[i].name))
            continue;
        json_t *rows = json_array();
        sections[i].dump(dump, rows);
        json_write(out, rows);
        text_add_c(out, '\n');
        json_decref(rows);
        return true;
    }
    return false;
}

static bool image_map(int fd, const struct image_schema *schema, void **mapped, size_t *size,
                      struct image *image, struct fail *why)
{
    struct stat stat;
    if (fd < 0 || fstat(fd, &stat) != 0)
        return fail(why, FAIL_LATE, "there are no rules in force yet");
    *size = (size_t)stat.st_size;
    *mapped = mmap(NULL, *size, PROT_READ, MAP_SHARED, fd, 0);
    if (*mapped == MAP_FAILED) {
        *mapped = NULL;
        return fail_errno(why, FAIL_SELF, "an image cannot be mapped");
    }
    return image_open(*mapped, *size, schema, image, why);
}

void config_dump_close(struct config_dump *dump)
{
    for (int i = 0; i < 2; i++)
        if (dump->mapped[i])
            munmap(dump->mapped[i], dump->sizes[i]);
}

bool config_dump_open(struct config_dump *dump, int rules, int endpoints, const struct commons *commons,
                      struct fail *why)
{
    *dump = (struct config_dump){.commons = commons};
    if (image_map(rules, &rules_schema, &dump->mapped[0], &dump->sizes[0], &dump->rules, why) &&
        image_map(endpoints, &endpoints_schema, &dump->mapped[1], &dump->sizes[1], &dump->endpoints, why))
        return true;
    config_dump_close(dump);
    return false;
}
