/* Unit tests of settings: what is read, what holds otherwise, what is refused and how it is said. */
#include "base/test.h"

#include <stdlib.h>

#include "base/log.h"
#include "control/settings.h"
#include "rules/snapshot.h"
#include "wire/path.h"

static bool read(struct arena *arena, struct findings *findings, const char *text, struct settings *out)
{
    arena_init(arena);
    findings_init(findings, arena);
    return settings_read(bytes_of(text), "selvage.yaml", findings, out);
}

static void what_was_written_is_read(void **state)
{
    (void)state;
    struct arena arena;
    struct findings findings;
    struct settings settings;
    assert_true(read(&arena, &findings,
                     "node: edge-1\nrole: sidecar\nnamespace: shop\nserviceAccount: cart\n"
                     "labels: {app: cart, version: v2}\ntrustDomain: example.org\n"
                     "trustDomainAliases: [old.org]\nrules: /etc/selvage/rules\nstate: /var/lib/s\n"
                     "workers: 3\nidentity:\n  ca: {directory: /var/lib/ca}\n  certificateLifetime: 1h\n"
                     "admin:\n  ports: {admin: 0, status: 25021}\naccessLog: stdout\nlogLevel: debug\n"
                     "pathNormalization: MERGE_SLASHES\ndrainTimeout: 5s\n"
                     "frontProxies:\n  addresses: [10.0.0.0/8]\n  tokenHeader: Cf-Access-Jwt-Assertion\n"
                     "  proxyProtocol: {addresses: [10.1.0.0/16, '::1'], ports: [443]}\n"
                     "dns: {servers: [10.0.0.10, '[::1]:5353']}\n",
                     &settings));
    assert_true(bytes_equal(settings.node, BYTES("edge-1")));
    assert_int_equal(settings.role, ROLE_SIDECAR);
    assert_int_equal(settings.labels.count, 2);
    assert_int_equal(settings.workers, 3);
    assert_true(bytes_equal(settings.identity->ca->directory, BYTES("/var/lib/ca")));
    assert_int_equal(settings.identity->certificate_lifetime_ms, 3600 * 1000);
    assert_int_equal(settings.admin->ports->admin, 0);
    assert_int_equal(settings.admin->ports->status, 25021);
    assert_int_equal(settings.admin->ports->metrics, 15090);
    assert_true(bytes_equal(settings.access_log, BYTES("stdout")));
    assert_int_equal(settings.log_level, LOG_DEBUG);
    assert_int_equal(settings.path_level, PATH_MERGE_SLASHES);
    assert_int_equal(settings.drain_timeout_ms, 5000);
    assert_int_equal(settings.front_proxies->addresses.count, 1);
    assert_int_equal(settings.front_proxies->proxy_protocol->addresses.count, 2);
    assert_int_equal(settings.front_proxies->proxy_protocol->ports.at[0], 443);
    assert_int_equal(settings.dns->servers.count, 2);
    arena_done(&arena);
}

static void the_rest_has_presets(void **state)
{
    (void)state;
    struct arena arena;
    struct findings findings;
    struct settings settings;
    setenv("STATE_DIRECTORY", "/run/first:/run/second", 1);
    assert_true(read(&arena, &findings, "role: edge\nrules: r\nadmin: off\n", &settings));
    assert_true(settings.node.len > 0);
    assert_true(bytes_equal(settings.state, BYTES("/run/first")));
    assert_true(bytes_equal(settings.access_log, BYTES("/run/first/access.log")));
    assert_null(settings.admin);
    assert_int_equal(settings.path_level, PATH_BASE);
    assert_int_equal(settings.log_level, LOG_INFO);
    assert_int_equal(settings.identity->certificate_lifetime_ms, 24 * 3600 * 1000);
    assert_true(bytes_equal(settings.trust_domain, BYTES("cluster.local")));
    assert_true(settings.workers >= 1);
    arena_done(&arena);
    unsetenv("STATE_DIRECTORY");
    assert_true(read(&arena, &findings, "role: edge\nrules: r\naccessLog: off\n", &settings));
    assert_int_equal(settings.access_log.len, 0);
    assert_true(bytes_equal(settings.state, BYTES("/var/lib/selvage")));
    assert_int_equal(settings.admin->ports->status, 15021);
    assert_true(bytes_equal(settings.admin->address, BYTES("127.0.0.1")));
    arena_done(&arena);
}

static struct rules_limits limits_of(const char *text)
{
    struct arena arena;
    struct findings findings;
    struct settings settings;
    struct rules_limits limits;
    assert_true(read(&arena, &findings, text, &settings));
    limits_resolve(settings.limits, (enum rules_role)settings.role, settings.workers, INT64_C(4) << 30,
                   &limits);
    arena_done(&arena);
    return limits;
}

static void limits_have_presets_by_role(void **state)
{
    (void)state;
    struct rules_limits edge = limits_of("role: edge\nrules: r\nworkers: 1\n");
    struct rules_limits sidecar = limits_of("role: sidecar\nrules: r\nworkers: 1\nlimits:\n");
    assert_int_equal(edge.line_bytes, 8192);
    assert_int_equal(edge.head_bytes, 32768);
    assert_int_equal(edge.fields, 100);
    assert_int_equal(edge.head_ms, 10000);
    assert_int_equal(edge.body_rate, 240);
    assert_int_equal(edge.age_ms, 3600 * 1000);
    assert_int_equal(edge.streams, 100);
    assert_int_equal(edge.connection_window, 1 << 20);
    assert_int_equal(edge.memory_bytes, INT64_C(3) << 30);
    assert_int_equal(edge.body_bytes, 10 << 20);
    assert_int_equal(edge.address_connections, 1000);
    assert_int_equal(sidecar.body_bytes, 0);
    assert_int_equal(sidecar.address_connections, 0);
    assert_int_equal(sidecar.listener_connections, 10000);
    edge.body_bytes = edge.address_connections = 0;
    assert_memory_equal(&edge, &sidecar, sizeof edge);
    struct rules_limits preset;
    limits_preset(ROLE_SIDECAR, &preset);
    preset.memory_bytes = sidecar.memory_bytes;
    assert_memory_equal(&preset, &sidecar, sizeof preset);
}

static void limits_are_shared_by_the_workers(void **state)
{
    (void)state;
    struct rules_limits limits =
        limits_of("role: edge\nrules: r\nworkers: 3\nlimits:\n  request: {bodyBytes: 0, underscores: "
                  "REJECT_REQUEST}\n  connection: {perListener: 10, perAddress: 1, maxAge: 5m}\n"
                  "  memory: {maximumBytes: 400000000, shedPercent: 80}\n");
    assert_int_equal(limits.body_bytes, 0);
    assert_int_equal(limits.underscores, UNDERSCORES_REJECT);
    assert_int_equal(limits.listener_connections, 4);
    assert_int_equal(limits.address_connections, 1);
    assert_int_equal(limits.age_ms, 300000);
    assert_int_equal(limits.memory_bytes, 100000000);
    assert_int_equal(limits.shed_percent, 80);
    assert_int_equal(limits.refuse_percent, 98);
}

static void mistakes_are_told_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *told;
    } rows[] = {
        {"role: edge\nrules: r\nwrokers: 3\n",
         "selvage.yaml:3:10: wrokers: no field is called 'wrokers' here; did you mean workers?"},
        {"role: router\nrules: r\n", "selvage.yaml:1:7: role: 'router' is none of edge, gateway, sidecar"},
        {"rules: r\n", "selvage.yaml:1:1: role is missing"},
        {"role: edge\n", "selvage.yaml:1:1: rules is missing"},
        {"role: edge\nrules: r\nworkers: 0\n", "selvage.yaml:3:10: workers: 0 is not between 1 and 64"},
        {"role: edge\nrules: r\nnode: ../x\n",
         "selvage.yaml:3:7: node: '../x' is no node's name: letters, digits, '_', and behind the first also "
         "'-' and '.', are what it may have"},
        {"role: edge\nrules: r\nnamespace: Shop\n",
         "selvage.yaml:3:12: namespace: 'Shop' is no name: lower-case letters, digits, '-' and '.' are"},
        {"role: edge\nrules: r\ntrustDomain: Example.org\n",
         "selvage.yaml:3:14: trustDomain: trust domain 'Example.org': byte 1 is none of lower-case letters, "
         "digits, '.', '-' and '_'"},
        {"role: edge\nrules: r\ntrustDomainAliases: [ok.org, 'no/t']\n",
         "selvage.yaml:3:30: trustDomainAliases[1]: trust domain 'no/t': byte 3 is none of lower-case "
         "letters, digits, '.', '-' and '_'"},
        {"role: edge\nrules: r\nidentity: {ca: {directory: a}, cacerts: {directory: b}}\n",
         "selvage.yaml:3:32: identity.cacerts: ca and cacerts exclude each other"},
        {"role: edge\nrules: r\nidentity: {certificateLifetime: 25h}\n",
         "selvage.yaml:3:33: identity.certificateLifetime: '25h' is not between 10s and 24h"},
        {"role: edge\nrules: r\nadmin: {address: localhost}\n",
         "selvage.yaml:3:18: admin.address: 'localhost' is no IP address"},
        {"role: edge\nrules: r\nadmin: {ports: {admin: 65536}}\n",
         "selvage.yaml:3:24: admin.ports.admin: 65536 is not between 0 and 65535"},
        {"role: edge\nrules: r\naccessLog: [a]\n",
         "selvage.yaml:3:1: accessLog: it is a list where a path, stdout or off is wanted"},
        {"role: edge\nrules: r\nfrontProxies: {addresses: [10.0.0.0/33]}\n",
         "selvage.yaml:3:28: frontProxies.addresses[0]: '10.0.0.0/33' is no address range such as "
         "10.0.0.0/8"},
        {"role: edge\nrules: r\nfrontProxies: {proxyProtocol: {addresses: [10.0.0.0/8, x]}}\n",
         "selvage.yaml:3:56: frontProxies.proxyProtocol.addresses[1]: 'x' is no address range such as "
         "10.0.0.0/8"},
        {"role: edge\nrules: r\nfrontProxies: {proxyProtocol: {ports: [443]}}\n",
         "selvage.yaml:3:16: frontProxies.proxyProtocol: addresses is missing"},
        {"role: edge\nrules: r\nfrontProxies: {proxyProtocol: {addresses: ['::1'], ports: [0]}}\n",
         "selvage.yaml:3:60: frontProxies.proxyProtocol.ports[0]: 0 is not between 1 and 65535"},
        {"role: edge\nrules: r\nfrontProxies: {tokenHeader: 'a b'}\n",
         "selvage.yaml:3:29: frontProxies.tokenHeader: 'a b' is no name of a header"},
        {"role: edge\nrules: r\ndns: {servers: [10.0.0.10, 'ns.example:53']}\n",
         "selvage.yaml:3:28: dns.servers[1]: 'ns.example:53' is no address of a name server such as "
         "10.0.0.10 or [::1]:5353"},
        {"role: edge\nrole: gateway\nrules: r\n",
         "selvage.yaml:2:1: the key 'role' stands here a second time"},
        {"role: edge\n---\nrole: edge\n", "selvage.yaml:1:1: 2 documents are in it where one is wanted"},
        {"role: edge\nrules: r\nlimits: {request: {headBytes: 65536}}\n",
         "selvage.yaml:3:31: limits.request.headBytes: 65536 is not between 128 and 32768"},
        {"role: edge\nrules: r\nlimits: {request: {headTimeout: 10}}\n",
         "selvage.yaml:3:33: limits.request.headTimeout: '10' is no duration such as 1.5s, 300ms or 1h"},
        {"role: edge\nrules: r\nlimits: {memory: {shedPercent: 99}}\n",
         "selvage.yaml:3:32: limits.memory.shedPercent: 99 is above refusePercent, which is 98"},
        {"role: edge\nrules: r\nlimits: {http2: {streamWindowBytes: 2000000}}\n",
         "selvage.yaml:3:37: limits.http2.streamWindowBytes: 2000000 is above connectionWindowBytes, which "
         "is "
         "1048576"},
        {"role: edge\nrules: r\nlimits: {request: {underscores: no}}\n",
         "selvage.yaml:3:33: limits.request.underscores: 'no' is none of ALLOW, REJECT_REQUEST"},
        {"", "selvage.yaml:1:1: 0 documents are in it where one is wanted"},
        {"role: edge\nrules: r\nadmin: {ports: {metrics: 15000}}\n",
         "selvage.yaml:3:26: admin.ports.metrics: 15000 is the port of admin already; metrics needs one of "
         "its own, or 0 for none"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena arena;
        struct findings findings;
        struct settings settings;
        struct text line;
        memset(&settings, 0x55, sizeof settings);
        struct settings before = settings;
        assert_false(read(&arena, &findings, rows[i].text, &settings));
        assert_memory_equal(&settings, &before, sizeof settings);
        text_init_arena(&line, &arena);
        for (size_t j = 0; j < findings.count && !line.len; j++)
            if (findings.at[j].level == FINDING_ERROR)
                finding_write(&findings.at[j], &line);
        assert_string_equal(line.at, rows[i].told);
        arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(the_rest_has_presets),
        cmocka_unit_test(limits_have_presets_by_role),
        cmocka_unit_test(limits_are_shared_by_the_workers),
        cmocka_unit_test(mistakes_are_told_with_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
