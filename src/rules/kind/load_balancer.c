#include "rules/kind/load_balancer.h"

#define AT_LEAST_1MS .min = 1
#define MAGLEV_MAX 5000011

static const char *const balance_choices[] = {"UNSPECIFIED", "LEAST_CONN",    "RANDOM", "PASSTHROUGH",
                                              "ROUND_ROBIN", "LEAST_REQUEST", NULL};

static const struct field cookie_attribute_fields[] = {
    {"name", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, offsetof(struct cookie_attribute, name),
     .help = "name of the attribute"},
    {"value", FIELD_TEXT, 0, .help = "its value"},
};
static FIELD_TABLE(cookie_attribute, struct cookie_attribute);

static const struct field http_cookie_fields[] = {
    {"name", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, offsetof(struct hash_cookie, name),
     .help = "name of the cookie"},
    {"path", FIELD_TEXT, 0, .help = "its path"},
    {"ttl", FIELD_DURATION, 0, .help = "its life"},
    {"attributes", FIELD_GROUP, FIELD_LIST, offsetof(struct hash_cookie, attributes), &cookie_attribute_table,
     .help = "more attributes"},
};
static FIELD_TABLE(http_cookie, struct hash_cookie);

static const struct field ring_hash_fields[] = {
    {"minimumRingSize", FIELD_INT, 0, offsetof(struct hash_table, size), .max = INT64_MAX,
     .help = "least points on the ring"},
};
static FIELD_TABLE(ring_hash, struct hash_table);

static const struct field maglev_fields[] = {
    {"tableSize", FIELD_INT, 0, offsetof(struct hash_table, size), .max = INT64_MAX,
     .help = "size of the table, a prime"},
};
static FIELD_TABLE(maglev, struct hash_table);

static const struct field consistent_hash_fields[] = {
    {"httpHeaderName", FIELD_TEXT, 0, offsetof(struct consistent_hash, header), .oneof = 1,
     .help = "hash this header"},
    {"httpCookie", FIELD_GROUP, 0, offsetof(struct consistent_hash, cookie), &http_cookie_table, .oneof = 1,
     .help = "hash this cookie"},
    {"useSourceIp", FIELD_BOOL, 0, offsetof(struct consistent_hash, source_ip), .oneof = 1,
     .help = "hash the client's address"},
    {"httpQueryParameterName", FIELD_TEXT, 0, offsetof(struct consistent_hash, query_parameter), .oneof = 1,
     .help = "hash this query parameter"},
    {"ringHash", FIELD_GROUP, 0, offsetof(struct consistent_hash, ring), &ring_hash_table, .oneof = 2,
     .help = "Ketama's ring"},
    {"maglev", FIELD_GROUP, 0, offsetof(struct consistent_hash, maglev), &maglev_table, .oneof = 2,
     .help = "Maglev's table"},
    {"minimumRingSize", FIELD_INT, FIELD_DEPRECATED, offsetof(struct consistent_hash, minimum_ring_size),
     .max = INT64_MAX, .help = "use ringHash"},
};
static FIELD_TABLE(consistent_hash, struct consistent_hash);

static const struct field distribute_fields[] = {
    {"from", FIELD_TEXT, 0, offsetof(struct locality_share, from), .help = "locality of the caller"},
    {"to", FIELD_INT, FIELD_MAP, offsetof(struct locality_share, to), .min = 1, .max = 100,
     .help = "localities and their share in percent"},
};
static FIELD_TABLE(distribute, struct locality_share);

static const struct field failover_fields[] = {
    {"from", FIELD_TEXT, 0, offsetof(struct locality_failover, from), .help = "region"},
    {"to", FIELD_TEXT, 0, offsetof(struct locality_failover, to), .help = "region to go to"},
};
static FIELD_TABLE(failover, struct locality_failover);

static const struct field locality_fields[] = {
    {"distribute", FIELD_GROUP, FIELD_LIST, offsetof(struct locality_balance, distribute), &distribute_table,
     .help = "shares"},
    {"failover", FIELD_GROUP, FIELD_LIST, offsetof(struct locality_balance, failover), &failover_table,
     .help = "where to go"},
    {"failoverPriority", FIELD_TEXT, FIELD_LIST, offsetof(struct locality_balance, priority),
     .help = "labels in order of nearness"},
    {"enabled", FIELD_BOOL, 0, .help = "whether locality counts"},
};
static FIELD_TABLE(locality, struct locality_balance);

static const struct field zone_fields[] = {
    {"enabled", FIELD_BOOL, 0, .help = "whether zones count"},
    {"failover", FIELD_GROUP, FIELD_LIST, offsetof(struct locality_balance, failover), &failover_table,
     .help = "where to go"},
    {"failoverPriority", FIELD_TEXT, FIELD_LIST, offsetof(struct locality_balance, priority),
     .help = "labels in order of nearness"},
    {"minClusterSize", FIELD_INT, 0, .min = 1, .max = UINT32_MAX, .help = "least number of hosts"},
};
static FIELD_TABLE(zone, struct locality_balance);

static const struct field warmup_fields[] = {
    {"duration", FIELD_DURATION, FIELD_REQUIRED, AT_LEAST_1MS, .help = "how long"},
    {"minimumPercent", FIELD_NUMBER, 0, .max = 100, .help = "share at the beginning"},
    {"aggression", FIELD_NUMBER, 0, offsetof(struct warmup, aggression), .max = INT32_MAX,
     .help = "how fast it grows"},
};
static FIELD_TABLE(warmup, struct warmup);

static const struct field backend_fields[] = {
    {"errorUtilizationPenaltyPercent", FIELD_INT, 0, .max = UINT32_MAX, .help = "what errors cost"},
    {"metricNamesForComputingUtilization", FIELD_TEXT, FIELD_LIST, .help = "metrics"},
    {"weightExpirationPeriod", FIELD_DURATION, 0, .help = "when a weight is forgotten"},
    {"weightStabilizationPeriod", FIELD_DURATION, 0, .help = "when a weight begins to count"},
    {"weightUpdatePeriod", FIELD_DURATION, 0, .help = "how often weights change"},
};
static FIELD_TABLE(backend, struct group);

static const struct field load_balancer_fields[] = {
    {"simple", FIELD_CHOICE, 0, offsetof(struct load_balancer, simple), .choices = balance_choices,
     .choices_not_yet = 1u << BALANCE_PASSTHROUGH, .oneof = 1, .help = "how an endpoint is chosen"},
    {"consistentHash", FIELD_GROUP, FIELD_NOT_YET, offsetof(struct load_balancer, hash),
     &consistent_hash_table, .oneof = 1, .help = "the same endpoint for the same caller"},
    {"backendUtilization", FIELD_GROUP, FIELD_NOT_YET, .group = &backend_table, .oneof = 1,
     .help = "by reported load"},
    {"localityLbSetting", FIELD_GROUP, FIELD_NOT_YET, offsetof(struct load_balancer, locality),
     &locality_table, .help = "near endpoints first"},
    {"zoneAwareLbSetting", FIELD_GROUP, FIELD_NOT_YET, offsetof(struct load_balancer, zone), &zone_table,
     .help = "near zones first"},
    {"warmupDurationSecs", FIELD_DURATION, FIELD_NOT_YET | FIELD_DEPRECATED, AT_LEAST_1MS,
     .help = "use warmup"},
    {"warmup", FIELD_GROUP, FIELD_NOT_YET, offsetof(struct load_balancer, warmup), &warmup_table,
     .help = "slow start of new endpoints"},
};
FIELD_TABLE(load_balancer, struct load_balancer);

/* ---- consistent hashing ---- */

static bool is_prime(int64_t number)
{
    if (number < 4)
        return number > 0;
    if (number % 2 == 0)
        return false;
    for (int64_t factor = 3; factor * factor <= number; factor += 2)
        if (number % factor == 0)
            return false;
    return true;
}

static void check_cookie(const struct hash_cookie *cookie, struct report *report)
{
    for (size_t i = 0; i < cookie->attributes.count; i++)
        for (size_t k = 0; k < i; k++)
            if (bytes_equal(cookie->attributes.at[i].name, cookie->attributes.at[k].name))
                report_error(report, group_node(&cookie->attributes.at[i].group, "name"),
                             "'%.*s' stands in the list twice", BYTES_FMT(cookie->attributes.at[i].name));
}

static void check_hash(const struct consistent_hash *hash, struct report *report)
{
    if (hash->cookie)
        check_cookie(hash->cookie, report);
    if (hash->minimum_ring_size > 0 && (hash->ring || hash->maglev))
        report_error(report, group_node(&hash->group, "minimumRingSize"),
                     "minimumRingSize excludes ringHash and maglev");
    if (hash->maglev && (hash->maglev->size >= MAGLEV_MAX || !is_prime(hash->maglev->size)))
        report_error(report, group_node(&hash->maglev->group, "tableSize"), "%lld is no prime below %d",
                     (long long)hash->maglev->size, MAGLEV_MAX);
    if (!hash->header.len && !hash->cookie && !hash->source_ip && !hash->query_parameter.len)
        report_warning(report, hash->group.node,
                       "says nothing to hash: httpHeaderName, httpCookie, useSourceIp or "
                       "httpQueryParameterName belongs here");
}

/* ---- localities ---- */

/* REGION/ZONE/SUBZONE, the end of which may be *: as many parts as were written. */
struct locality {
    struct bytes part[3];
    size_t count;
};

static bool locality_read(struct bytes text, struct locality *out)
{
    struct bytes rest = text;
    *out = (struct locality){0};
    if (bytes_find(text, '*') + 1 < text.len)
        return false;
    for (bool more = true; more && out->count < 2;) {
        more = bytes_cut(&rest, '/', &out->part[out->count]);
        if (out->part[out->count++].len == 0)
            return false;
        if (more && out->count == 2) {
            out->part[out->count++] = rest;
            return rest.len > 0;
        }
    }
    return true;
}

/* Does one of them stand for what the other does? Only the one that comes first may be a *. */
static bool locality_overlaps(const struct locality *first, const struct locality *again)
{
    size_t count = first->count < again->count ? first->count : again->count;
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal(first->part[i], BYTES("*")))
            return true;
        if (!bytes_equal(first->part[i], again->part[i]))
            return false;
    }
    return true;
}

static void check_locality(struct report *report, const struct yaml_node *node, const struct bytes *texts,
                           size_t count)
{
    struct locality last, earlier;
    struct bytes text = texts[count];
    if (!locality_read(text, &last)) {
        report_error(report, node, "'%.*s' is no locality such as region/zone/*", BYTES_FMT(text));
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (locality_read(texts[i], &earlier) && locality_overlaps(&earlier, &last))
            report_error(report, node, "'%.*s' overlaps with '%.*s'", BYTES_FMT(text), BYTES_FMT(texts[i]));
}

static void check_share(const struct locality_share *share, struct report *report)
{
    const struct yaml_node *map = group_node(&share->group, "to");
    int64_t total = 0;
    for (size_t i = 0; i < share->to.count; i++) {
        check_locality(report, yaml_item(map, i), share->to.keys, i);
        total += share->to.at[i];
    }
    if (total != 100)
        report_error(report, map, "the shares add up to %lld, not 100", (long long)total);
}

static void check_distribute(const struct locality_balance *balance, struct report *report)
{
    struct bytes *from = arena_array(report->findings->arena, struct bytes, balance->distribute.count);
    for (size_t i = 0; i < balance->distribute.count; i++) {
        const struct locality_share *share = &balance->distribute.at[i];
        from[i] = share->from;
        check_share(share, report);
        check_locality(report, group_node(&share->group, "from"), from, i);
    }
}

static bool is_topology(struct bytes label)
{
    return bytes_equal(label, BYTES("topology.kubernetes.io/region")) ||
           bytes_equal(label, BYTES("topology.kubernetes.io/zone")) ||
           bytes_equal(label, BYTES("topology.istio.io/subzone"));
}

static void check_failover(const struct locality_balance *balance, bool ejects, struct report *report)
{
    for (size_t i = 0; i < balance->failover.count; i++) {
        const struct locality_failover *way = &balance->failover.at[i];
        if (bytes_equal(way->from, way->to))
            report_error(report, way->group.node, "leads from '%.*s' to itself", BYTES_FMT(way->from));
        if (bytes_find(way->from, '/') < way->from.len || bytes_find(way->to, '/') < way->to.len ||
            bytes_find(way->from, '*') < way->from.len || bytes_find(way->to, '*') < way->to.len)
            report_error(report, way->group.node, "leads from region to region; / and * have no place");
    }
    if ((balance->failover.count > 0 || balance->priority.count > 0) && !ejects)
        report_warning(report, balance->group.node,
                       "without outlierDetection nothing is known to fail, so nothing fails over");
}

/* `zone`: of zoneAwareLbSetting, where the topology is the endpoints' own. */
static void check_priority(const struct locality_balance *balance, bool zone, struct report *report)
{
    const struct yaml_node *list = yaml_get(balance->group.node, "failoverPriority");
    if (!zone && balance->failover.count == 0)
        return;
    for (size_t i = 0; i < balance->priority.count; i++)
        if (is_topology(balance->priority.at[i]))
            report_error(report, yaml_item(list, i), "'%.*s' %s", BYTES_FMT(balance->priority.at[i]),
                         zone ? "is minded anyway" : "and failover exclude each other");
}

static void check_balance(const struct locality_balance *balance, bool zone, bool ejects,
                          struct report *report)
{
    if (balance->distribute.count > 0 && balance->failover.count > 0) {
        report_error(report, group_node(&balance->group, "failover"),
                     "distribute and failover exclude each other");
        return;
    }
    check_priority(balance, zone, report);
    check_distribute(balance, report);
    check_failover(balance, ejects, report);
}

void load_balancer_check(const struct load_balancer *balancer, bool ejects, struct report *report)
{
    if (balancer->hash)
        check_hash(balancer->hash, report);
    if (balancer->locality && balancer->zone)
        report_error(report, balancer->zone->group.node,
                     "localityLbSetting and zoneAwareLbSetting exclude each other");
    if (balancer->locality)
        check_balance(balancer->locality, false, ejects, report);
    if (balancer->zone)
        check_balance(balancer->zone, true, ejects, report);
    if (balancer->warmup && group_has(&balancer->warmup->group, "aggression") &&
        !(balancer->warmup->aggression > 0))
        report_error(report, group_node(&balancer->warmup->group, "aggression"), "must be above 0");
}
