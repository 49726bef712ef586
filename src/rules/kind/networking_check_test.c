#include "base/test.h"

#include "rules/kind/kind_rows.h"

static void destination_rule_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"policy of nothing", "spec: {host: a, trafficPolicy: {}}",
         "f.yaml:4:17: spec.trafficPolicy: says nothing; leave it out"},
        {"pool of nothing", "spec: {host: a, trafficPolicy: {connectionPool: {}}}",
         "f.yaml:4:33: spec.trafficPolicy.connectionPool: says nothing: tcp or http belongs here"},
        {"upgrade and the client",
         "spec: {host: a, trafficPolicy: {connectionPool: {http: {h2UpgradePolicy: UPGRADE, "
         "useClientProtocol: true}}}}",
         "f.yaml:4:102: spec.trafficPolicy.connectionPool.http.useClientProtocol: h2UpgradePolicy UPGRADE "
         "and useClientProtocol exclude each other"},
        {"pings without an answer",
         "spec: {host: a, trafficPolicy: {connectionPool: {http: {http2KeepAlive: {interval: 1s}}}}}",
         "f.yaml:4:57: spec.trafficPolicy.connectionPool.http.http2KeepAlive: interval and timeout belong "
         "together"},
        {"local failures not apart",
         "spec: {host: a, trafficPolicy: {outlierDetection: {consecutiveLocalOriginFailures: 3}}}",
         "f.yaml:4:84: spec.trafficPolicy.outlierDetection.consecutiveLocalOriginFailures: counts only with "
         "splitExternalLocalOriginErrors"},
        {"local failures apart",
         "spec: {host: a, trafficPolicy: {outlierDetection: {consecutiveLocalOriginFailures: 3, "
         "splitExternalLocalOriginErrors: true}}}",
         NULL},
        {"tunnel", "spec: {host: a, trafficPolicy: {tunnel: {targetHost: a.b, targetPort: 80}}}", NULL},
        {"tunnel and PROXY",
         "spec: {host: a, trafficPolicy: {tunnel: {targetHost: a.b, targetPort: 80}, proxyProtocol: {}}}",
         "f.yaml:4:33: spec.trafficPolicy.tunnel: tunnel and proxyProtocol exclude each other"},
        {"method of a tunnel",
         "spec: {host: a, trafficPolicy: {tunnel: {protocol: GET, targetHost: a.b, targetPort: 80}}}",
         "f.yaml:4:52: spec.trafficPolicy.tunnel.protocol: 'GET' is neither CONNECT nor POST"},
        {"host of a tunnel", "spec: {host: a, trafficPolicy: {tunnel: {targetHost: '*.b', targetPort: 80}}}",
         "f.yaml:4:54: spec.trafficPolicy.tunnel.targetHost: '*.b' is neither a host nor an address"},
        {"port without a policy",
         "spec: {host: a, trafficPolicy: {portLevelSettings: [{port: {number: 80}}]}}",
         "f.yaml:4:53: spec.trafficPolicy.portLevelSettings[0]: says nothing: loadBalancer, connectionPool, "
         "outlierDetection or tls belongs here"},
        {"policy without a port", "spec: {host: a, trafficPolicy: {portLevelSettings: [{tls: {}}]}}",
         "f.yaml:4:53: spec.trafficPolicy.portLevelSettings[0]: port is missing"},
        {"cookie",
         "spec: {host: a, trafficPolicy: {loadBalancer: {consistentHash: {httpCookie: {name: a, attributes: "
         "[{name: b}, {name: c}]}}}}}",
         NULL},
        {"cookie twice",
         "spec: {host: a, trafficPolicy: {loadBalancer: {consistentHash: {httpCookie: {name: a, attributes: "
         "[{name: b}, {name: b}]}}}}}",
         "f.yaml:4:118: spec.trafficPolicy.loadBalancer.consistentHash.httpCookie.attributes[1].name: 'b' "
         "stands in the list twice"},
        {"two rings",
         "spec: {host: a, trafficPolicy: {loadBalancer: {consistentHash: {useSourceIp: true, "
         "minimumRingSize: 1, ringHash: {}}}}}",
         "f.yaml:4:101: spec.trafficPolicy.loadBalancer.consistentHash.minimumRingSize: minimumRingSize "
         "excludes ringHash and maglev"},
        {"prime",
         "spec: {host: a, trafficPolicy: {loadBalancer: {consistentHash: {useSourceIp: true, maglev: "
         "{tableSize: 65537}}}}}",
         NULL},
        {"no prime",
         "spec: {host: a, trafficPolicy: {loadBalancer: {consistentHash: {useSourceIp: true, maglev: "
         "{tableSize: 65536}}}}}",
         "f.yaml:4:104: spec.trafficPolicy.loadBalancer.consistentHash.maglev.tableSize: 65536 is no prime "
         "below 5000011"},
        {"too large a prime",
         "spec: {host: a, trafficPolicy: {loadBalancer: {consistentHash: {useSourceIp: true, maglev: "
         "{tableSize: 5000011}}}}}",
         "f.yaml:4:104: spec.trafficPolicy.loadBalancer.consistentHash.maglev.tableSize: 5000011 is no prime "
         "below 5000011"},
        {"nothing to hash", "spec: {host: a, trafficPolicy: {loadBalancer: {consistentHash: {}}}}",
         "f.yaml:4:48: spec.trafficPolicy.loadBalancer.consistentHash: says nothing to hash: httpHeaderName, "
         "httpCookie, useSourceIp or httpQueryParameterName belongs here"},
        {"shares",
         "spec: {host: a, trafficPolicy: {loadBalancer: {localityLbSetting: {distribute: [{from: a/b/*, to: "
         "{a/b: 40, a/c: 60}}]}}}}",
         NULL},
        {"shares that miss",
         "spec: {host: a, trafficPolicy: {loadBalancer: {localityLbSetting: {distribute: [{from: a, to: {a: "
         "40, b: 50}}]}}}}",
         "f.yaml:4:91: spec.trafficPolicy.loadBalancer.localityLbSetting.distribute[0].to: the shares add up "
         "to 90, not 100"},
        {"shares that overlap",
         "spec: {host: a, trafficPolicy: {loadBalancer: {localityLbSetting: {distribute: [{from: a, to: "
         "{a/*: 40, a/b: 60}}]}}}}",
         "f.yaml:4:110: spec.trafficPolicy.loadBalancer.localityLbSetting.distribute[0].to[\"a/b\"]: 'a/b' "
         "overlaps with 'a/*'"},
        {"no locality",
         "spec: {host: a, trafficPolicy: {loadBalancer: {localityLbSetting: {distribute: [{from: a//c, to: "
         "{a: 100}}]}}}}",
         "f.yaml:4:88: spec.trafficPolicy.loadBalancer.localityLbSetting.distribute[0].from: 'a//c' is no "
         "locality such as region/zone/*"},
        {"shares and failover",
         "spec: {host: a, trafficPolicy: {loadBalancer: {localityLbSetting: {distribute: [{from: a, to: {a: "
         "100}}], failover: [{from: a, to: b}]}}}}",
         "f.yaml:4:107: spec.trafficPolicy.loadBalancer.localityLbSetting.failover: distribute and failover "
         "exclude each other"},
        {"failover to itself",
         "spec: {host: a, trafficPolicy: {outlierDetection: {}, loadBalancer: {localityLbSetting: {failover: "
         "[{from: a, to: a}]}}}}",
         "f.yaml:4:101: spec.trafficPolicy.loadBalancer.localityLbSetting.failover[0]: leads from 'a' to "
         "itself"},
        {"failover of a zone",
         "spec: {host: a, trafficPolicy: {outlierDetection: {}, loadBalancer: {localityLbSetting: {failover: "
         "[{from: a/b, to: c}]}}}}",
         "f.yaml:4:101: spec.trafficPolicy.loadBalancer.localityLbSetting.failover[0]: leads from region to "
         "region; / and * have no place"},
        {"failover of what does not fail",
         "spec: {host: a, trafficPolicy: {loadBalancer: {localityLbSetting: {failover: [{from: a, to: "
         "b}]}}}}",
         "f.yaml:4:48: spec.trafficPolicy.loadBalancer.localityLbSetting: without outlierDetection nothing "
         "is known to fail, so nothing fails over"},
        {"topology and failover",
         "spec: {host: a, trafficPolicy: {outlierDetection: {}, loadBalancer: {localityLbSetting: {failover: "
         "[{from: a, to: b}], failoverPriority: [topology.kubernetes.io/zone]}}}}",
         "f.yaml:4:139: spec.trafficPolicy.loadBalancer.localityLbSetting.failoverPriority[0]: "
         "'topology.kubernetes.io/zone' and failover exclude each other"},
        {"topology of zones",
         "spec: {host: a, trafficPolicy: {outlierDetection: {}, loadBalancer: {zoneAwareLbSetting: "
         "{failoverPriority: [topology.istio.io/subzone]}}}}",
         "f.yaml:4:110: spec.trafficPolicy.loadBalancer.zoneAwareLbSetting.failoverPriority[0]: "
         "'topology.istio.io/subzone' is minded anyway"},
        {"localities and zones",
         "spec: {host: a, trafficPolicy: {loadBalancer: {localityLbSetting: {}, zoneAwareLbSetting: {}}}}",
         "f.yaml:4:71: spec.trafficPolicy.loadBalancer.zoneAwareLbSetting: localityLbSetting and "
         "zoneAwareLbSetting exclude each other"},
        {"warmup", "spec: {host: a, trafficPolicy: {loadBalancer: {warmup: {duration: 1s, aggression: 0}}}}",
         "f.yaml:4:83: spec.trafficPolicy.loadBalancer.warmup.aggression: must be above 0"},
        {"credential of a ConfigMap",
         "spec: {host: a, trafficPolicy: {tls: {mode: SIMPLE, credentialName: configmap://default/c}}}",
         NULL},
        {"credential of another namespace",
         "spec: {host: a, trafficPolicy: {tls: {mode: SIMPLE, credentialName: configmap://other/c}}}",
         "f.yaml:4:69: spec.trafficPolicy.tls.credentialName: 'configmap://other/c' is not of the form "
         "configmap://default/NAME"},
        {"key without a certificate", "spec: {host: a, trafficPolicy: {tls: {mode: MUTUAL, privateKey: /k}}}",
         "f.yaml:4:33: spec.trafficPolicy.tls: clientCertificate and privateKey belong together"},
        {"no verifying against authorities",
         "spec: {host: a, trafficPolicy: {tls: {mode: SIMPLE, insecureSkipVerify: true, caCertificates: "
         "/c}}}",
         "f.yaml:4:73: spec.trafficPolicy.tls.insecureSkipVerify: contradicts the authorities that are "
         "named"},
        {"subset", "spec: {host: a, subsets: [{name: a.b}]}",
         "f.yaml:4:34: spec.subsets[0].name: 'a.b' is no name of a subset"},
        {"labels of a subset", "spec: {host: a, subsets: [{name: a, labels: {'-': b}}]}",
         "f.yaml:4:51: spec.subsets[0].labels.-: '-' is no name of a label"},
        {"callers of another namespace",
         "spec: {host: a, exportTo: [b], workloadSelector: {matchLabels: {a: b}}}",
         "f.yaml:4:28: spec.exportTo[0]: a rule with a workloadSelector holds in its own namespace alone; . "
         "belongs here"},
        {"callers", "spec: {host: a, exportTo: [.], workloadSelector: {matchLabels: {a: b}}}", NULL},
        {"host by address", "spec: {host: 10.0.0.1}",
         "f.yaml:4:14: spec.host: '10.0.0.1' is no host: a name such as shop.example.com, *.example.com or * "
         "belongs here"},
    };
    kind_rows_checks("networking.istio.io/v1", "DestinationRule", rows, ROWS(rows));
}

static void gateway_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"short name", "spec: {servers: [{port: {number: 443, name: s, protocol: HTTP}, hosts: [a]}]}",
         "f.yaml:4:73: spec.servers[0].hosts[0]: 'a' is a short name; a full one such as shop.example.com "
         "belongs here"},
        {"address", "spec: {servers: [{port: {number: 443, name: s, protocol: HTTP}, hosts: [10.0.0.1]}]}",
         NULL},
        {"no namespace",
         "spec: {servers: [{port: {number: 443, name: s, protocol: HTTP}, hosts: ['a.b/c.d']}]}",
         "f.yaml:4:73: spec.servers[0].hosts[0]: 'a.b' is no namespace; one, . or * stands before the /"},
        {"target port",
         "spec: {servers: [{port: {number: 80, name: s, protocol: HTTP, targetPort: 81}, hosts: [a.b]}]}",
         "f.yaml:4:75: spec.servers[0].port.targetPort: has no place in a Gateway"},
        {"HBONE", "spec: {servers: [{port: {number: 443, name: s, protocol: HBONE}, hosts: [a.b]}]}",
         "f.yaml:4:58: spec.servers[0].port.protocol: HBONE is nothing a Gateway speaks"},
        {"port of a socket",
         "spec: {servers: [{port: {number: 443, name: s, protocol: HTTP}, hosts: [a.b], bind: 'unix:///a'}]}",
         "f.yaml:4:34: spec.servers[0].port.number: a unix socket has port 0"},
        {"socket",
         "spec: {servers: [{port: {number: 0, name: s, protocol: HTTP}, bind: 'unix:///a', hosts: [a.b]}]}",
         NULL},
        {"TLS of plain text",
         "spec: {servers: [{port: {number: 443, name: s, protocol: HTTP}, hosts: [a.b], tls: {mode: SIMPLE, "
         "credentialName: c}}]}",
         "f.yaml:4:79: spec.servers[0].tls: a server of protocol HTTP has no tls"},
        {"TLS of TCP",
         "spec: {servers: [{port: {number: 443, name: s, protocol: TCP}, hosts: [a.b], tls: {mode: "
         "PASSTHROUGH}}]}",
         "f.yaml:4:78: spec.servers[0].tls: a server of protocol TCP has no tls"},
        {"redirect of plain text",
         "spec: {servers: [{port: {number: 443, name: s, protocol: HTTP}, hosts: [a.b], tls: {httpsRedirect: "
         "true}}]}",
         NULL},
        {"redirect of TLS",
         "spec: {servers: [{port: {number: 443, name: s, protocol: HTTPS}, hosts: [a.b], tls: "
         "{httpsRedirect: true, mode: SIMPLE, credentialName: c}}]}",
         "f.yaml:4:101: spec.servers[0].tls.httpsRedirect: belongs to a server of protocol HTTP; this one "
         "speaks TLS already"},
        {"versions upside down",
         "spec: {servers: [{port: {number: 443, name: s, protocol: HTTPS}, hosts: [a.b], tls: {mode: SIMPLE, "
         "credentialName: c, minProtocolVersion: TLSV1_3, maxProtocolVersion: TLSV1_2}}]}",
         "f.yaml:4:139: spec.servers[0].tls.minProtocolVersion: is above maxProtocolVersion"},
        {"own certificate and another",
         "spec: {servers: [{port: {number: 443, name: s, protocol: HTTPS}, hosts: [a.b], tls: {mode: "
         "ISTIO_MUTUAL, credentialName: c}}]}",
         "f.yaml:4:92: spec.servers[0].tls.mode: mode ISTIO_MUTUAL uses the node's own certificate; none can "
         "be named"},
        {"two sources",
         "spec: {servers: [{port: {number: 443, name: s, protocol: HTTPS}, hosts: [a.b], tls: {mode: SIMPLE, "
         "credentialName: c, serverCertificate: /c, privateKey: /k}}]}",
         "f.yaml:4:80: spec.servers[0].tls: credentialName, credentialNames, serverCertificate and "
         "tlsCertificates exclude each other"},
        {"certificate without a key",
         "spec: {servers: [{port: {number: 443, name: s, protocol: HTTPS}, hosts: [a.b], tls: {mode: SIMPLE, "
         "serverCertificate: /c}}]}",
         "f.yaml:4:80: spec.servers[0].tls: mode SIMPLE needs a privateKey"},
        {"files",
         "spec: {servers: [{port: {number: 443, name: s, protocol: HTTPS}, hosts: [a.b], tls: {mode: SIMPLE, "
         "serverCertificate: /c, privateKey: /k}}]}",
         NULL},
        {"files without authorities",
         "spec: {servers: [{port: {number: 443, name: s, protocol: HTTPS}, hosts: [a.b], tls: {mode: MUTUAL, "
         "serverCertificate: /c, privateKey: /k}}]}",
         "f.yaml:4:80: spec.servers[0].tls: mode MUTUAL needs caCertificates"},
        {"second of two files",
         "spec: {servers: [{port: {number: 443, name: s, protocol: HTTPS}, hosts: [a.b], tls: {mode: SIMPLE, "
         "tlsCertificates: [{serverCertificate: /c, privateKey: /k}, {privateKey: /k}]}}]}",
         "f.yaml:4:159: spec.servers[0].tls.tlsCertificates[1]: mode SIMPLE needs a serverCertificate"},
        {"certificates passed through",
         "spec: {servers: [{port: {number: 443, name: s, protocol: HTTPS}, hosts: [a.b], tls: {mode: "
         "PASSTHROUGH, credentialName: c}}]}",
         "f.yaml:4:80: spec.servers[0].tls: mode PASSTHROUGH uses no certificates"},
        {"revoked and nobody asked",
         "spec: {servers: [{port: {number: 443, name: s, protocol: HTTPS}, hosts: [a.b], tls: {mode: SIMPLE, "
         "serverCertificate: /c, privateKey: /k, caCrl: /r}}]}",
         "f.yaml:4:146: spec.servers[0].tls.caCrl: mode SIMPLE asks for no certificates to revoke"},
        {"cipher",
         "spec: {servers: [{port: {number: 443, name: s, protocol: HTTPS}, hosts: [a.b], tls: {mode: SIMPLE, "
         "credentialName: c, cipherSuites: [ROT13]}}]}",
         "f.yaml:4:134: spec.servers[0].tls.cipherSuites[0]: 'ROT13' is no cipher"},
    };
    kind_rows_checks("networking.istio.io/v1", "Gateway", rows, ROWS(rows));
}

static void service_entry_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"several hosts of TCP",
         "spec: {hosts: [a.b, c.d], resolution: STATIC, endpoints: [{address: 10.0.0.1}], ports: [{number: "
         "1, name: a, protocol: TCP}]}",
         "f.yaml:4:120: spec.ports[0].protocol: several hosts can be told apart with HTTP and TLS only"},
        {"several hosts of HTTP",
         "spec: {hosts: [a.b, c.d], resolution: STATIC, endpoints: [{address: 10.0.0.1}], ports: [{number: "
         "1, name: a, protocol: HTTP}]}",
         NULL},
        {"name of a port", "spec: {hosts: [a.b], resolution: DNS, ports: [{number: 1, name: a.b}]}",
         "f.yaml:4:65: spec.ports[0].name: 'a.b' is no name of a port"},
        {"name where an address belongs",
         "spec: {hosts: [a.b], resolution: STATIC, endpoints: [{address: c.d}]}",
         "f.yaml:4:64: spec.endpoints[0].address: 'c.d' is no IP address, as resolution STATIC needs"},
        {"neither name nor address", "spec: {hosts: [a.b], resolution: DNS, endpoints: [{address: 'c d'}]}",
         "f.yaml:4:61: spec.endpoints[0].address: 'c d' is neither an IP address nor a host"},
        {"labels of an endpoint",
         "spec: {hosts: [a.b], resolution: DNS, endpoints: [{address: c.d, labels: {a: 'b c'}}]}",
         "f.yaml:4:78: spec.endpoints[0].labels.a: 'b c' is no value of a label"},
        {"range by DNS", "spec: {hosts: [a.b], resolution: DNS, addresses: [10.0.0.0/8]}",
         "f.yaml:4:51: spec.addresses[0]: a range goes with resolution NONE or STATIC only"},
        {"endpoints of none", "spec: {hosts: [a.b], resolution: NONE, endpoints: [{address: 10.0.0.1}]}",
         "f.yaml:4:40: spec.endpoints: resolution NONE takes no endpoints"},
        {"dynamic",
         "spec: {hosts: ['*.b'], resolution: DYNAMIC_DNS, ports: [{number: 1, name: a, protocol: TLS}]}",
         NULL},
        {"dynamic without a wildcard", "spec: {hosts: [a.b], resolution: DYNAMIC_DNS}",
         "f.yaml:4:16: spec.hosts[0]: resolution DYNAMIC_DNS needs a wildcard"},
        {"dynamic TCP",
         "spec: {hosts: ['*.b'], resolution: DYNAMIC_DNS, ports: [{number: 1, name: a, protocol: TCP}]}",
         "f.yaml:4:88: spec.ports[0].protocol: resolution DYNAMIC_DNS goes with HTTP, HTTP2, GRPC and TLS "
         "only"},
        {"dynamic with addresses", "spec: {hosts: ['*.b'], resolution: DYNAMIC_DNS, addresses: [10.0.0.1]}",
         "f.yaml:4:49: spec.addresses: resolution DYNAMIC_DNS takes no addresses"},
        {"seen by nobody", "spec: {hosts: [a.b], resolution: DNS, exportTo: ['~']}", NULL},
        {"seen by nobody and one", "spec: {hosts: [a.b], resolution: DNS, exportTo: ['~', a]}",
         "f.yaml:4:50: spec.exportTo[0]: ~ is nobody; no other entry can stand beside it"},
        {"star of a selector",
         "spec: {hosts: [a.b], resolution: STATIC, workloadSelector: {labels: {'a*': b}}}",
         "f.yaml:4:76: spec.workloadSelector.labels[\"a*\"]: 'a*' must not hold a *: selectors compare whole "
         "labels"},
        {"host by address", "spec: {hosts: [10.0.0.1], resolution: DNS}",
         "f.yaml:4:16: spec.hosts[0]: '10.0.0.1' is no host: a name such as shop.example.com, *.example.com "
         "or * belongs here"},
    };
    kind_rows_checks("networking.istio.io/v1", "ServiceEntry", rows, ROWS(rows));
}

static void sidecar_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"nothing", "spec: {}",
         "f.yaml:4:1: spec: says nothing: ingress, egress, outboundTrafficPolicy or inboundConnectionPool "
         "belongs here"},
        {"pool of nothing", "spec: {inboundConnectionPool: {}}",
         "f.yaml:4:8: spec.inboundConnectionPool: says nothing: tcp or http belongs here"},
        {"name of a port", "spec: {ingress: [{port: {number: 80, name: a.b, protocol: HTTP}}]}",
         "f.yaml:4:44: spec.ingress[0].port.name: 'a.b' is no name of a port"},
        {"target port", "spec: {ingress: [{port: {number: 80, targetPort: 81}}]}",
         "f.yaml:4:50: spec.ingress[0].port.targetPort: has no place in a Sidecar"},
        {"port alone", "spec: {ingress: [{port: {number: 80, protocol: HTTP}, defaultEndpoint: ':8080'}]}",
         "f.yaml:4:72: spec.ingress[0].defaultEndpoint: ':8080' has no address in front, such as 127.0.0.1"},
        {"TLS of plain text",
         "spec: {ingress: [{port: {number: 80, protocol: HTTP}, tls: {mode: SIMPLE, serverCertificate: /c, "
         "privateKey: /k}}]}",
         "f.yaml:4:55: spec.ingress[0].tls: tls goes with the protocols HTTPS and TLS only"},
        {"Secret",
         "spec: {ingress: [{port: {number: 80, protocol: TLS}, tls: {mode: SIMPLE, credentialName: c}}]}",
         "f.yaml:4:90: spec.ingress[0].tls.credentialName: has no place in a Sidecar"},
        {"own certificate",
         "spec: {ingress: [{port: {number: 80, protocol: TLS}, tls: {mode: ISTIO_MUTUAL}}]}",
         "f.yaml:4:66: spec.ingress[0].tls.mode: a Sidecar's ingress terminates TLS with SIMPLE, MUTUAL or "
         "OPTIONAL_MUTUAL"},
        {"socket that comes in", "spec: {ingress: [{port: {number: 80, protocol: HTTP}, bind: 'unix:///a'}]}",
         "f.yaml:4:61: spec.ingress[0].bind: 'unix:///a' is no address"},
        {"socket that goes out",
         "spec: {egress: [{port: {protocol: HTTP}, bind: 'unix:///a', hosts: ['./*']}]}", NULL},
        {"socket captured",
         "spec: {egress: [{port: {protocol: HTTP}, bind: 'unix:///a', captureMode: IPTABLES, hosts: "
         "['./*']}]}",
         "f.yaml:4:74: spec.egress[0].captureMode: a unix socket cannot be captured"},
        {"neither port nor socket", "spec: {egress: [{port: {protocol: HTTP}, hosts: ['./*']}]}",
         "f.yaml:4:18: spec.egress[0].port: 0 is no port; one is between 1 and 65535"},
        {"short host", "spec: {egress: [{hosts: ['./a']}]}",
         "f.yaml:4:26: spec.egress[0].hosts[0]: 'a' is a short name; a full one such as shop.example.com "
         "belongs here"},
        {"part of a label", "spec: {egress: [{hosts: ['./*a.b']}]}",
         "f.yaml:4:26: spec.egress[0].hosts[0]: '*a.b' is no host: * is a whole label, as in *.example.com"},
        {"no namespace left out", "spec: {egress: [{hosts: ['~a.b/*']}]}",
         "f.yaml:4:26: spec.egress[0].hosts[0]: '~a.b' is no namespace; one, ., * or ~ stands before the /"},
        {"one left out", "spec: {egress: [{hosts: ['~a/*']}]}", NULL},
        {"two at one port",
         "spec: {egress: [{port: {number: 1}, hosts: ['./*']}, {port: {number: 1}, hosts: ['./*']}]}",
         "f.yaml:4:54: spec.egress[1]: another egress listens at the same place"},
        {"rest in front", "spec: {egress: [{hosts: ['./*']}, {port: {number: 1}, hosts: ['./*']}]}",
         "f.yaml:4:17: spec.egress[0]: an egress without port serves the rest and stands last"},
        {"proxy",
         "spec: {outboundTrafficPolicy: {mode: ALLOW_ANY, egressProxy: {host: a.b, port: {number: 1}}}}",
         NULL},
        {"proxy of nobody", "spec: {outboundTrafficPolicy: {egressProxy: {host: a.b, port: {number: 1}}}}",
         "f.yaml:4:32: spec.outboundTrafficPolicy.egressProxy: goes with mode ALLOW_ANY only"},
        {"proxy without a port", "spec: {outboundTrafficPolicy: {mode: ALLOW_ANY, egressProxy: {host: a.b}}}",
         "f.yaml:4:49: spec.outboundTrafficPolicy.egressProxy: port is missing"},
        {"many proxies",
         "spec: {outboundTrafficPolicy: {mode: ALLOW_ANY, egressProxy: {host: '*.b', port: {number: 1}}}}",
         "f.yaml:4:69: spec.outboundTrafficPolicy.egressProxy.host: '*.b' is no single host"},
    };
    kind_rows_checks("networking.istio.io/v1", "Sidecar", rows, ROWS(rows));
}

static void workload_entry_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"network alone", "spec: {network: m}", NULL},
        {"host that ends with a number", "spec: {address: a.1}",
         "f.yaml:4:17: spec.address: 'a.1' is neither an IP address nor a host"},
        {"name of a port", "spec: {address: a.b, ports: {a.b: 1}}",
         "f.yaml:4:35: spec.ports[\"a.b\"]: 'a.b' is no name of a port"},
        {"ports of a socket", "spec: {address: 'unix:///a', ports: {a: 1}}",
         "f.yaml:4:30: spec.ports: a unix socket has no ports"},
        {"labels", "spec: {address: a.b, labels: {a: '-'}}",
         "f.yaml:4:34: spec.labels.a: '-' is no value of a label"},
    };
    kind_rows_checks("networking.istio.io/v1", "WorkloadEntry", rows, ROWS(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(destination_rule_rows), cmocka_unit_test(gateway_rows),
        cmocka_unit_test(service_entry_rows),    cmocka_unit_test(sidecar_rows),
        cmocka_unit_test(workload_entry_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
