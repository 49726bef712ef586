"""Resources as the tests need them, shortest form first."""


def resource(api, kind, name, spec, namespace='default', **metadata):
    return {'apiVersion': api, 'kind': kind, 'metadata': {'name': name, 'namespace': namespace, **metadata},
            'spec': spec}


def networking(kind, name, spec, namespace='default'):
    return resource('networking.istio.io/v1', kind, name, spec, namespace)


def security(kind, name, spec, namespace='default'):
    return resource('security.istio.io/v1', kind, name, spec, namespace)


def own(kind, name, spec, namespace='default'):
    return resource('selvage.dev/v1', kind, name, spec, namespace)


def gateway(port, name='front', namespace='default', hosts=('*',), protocol='HTTP', tls=None, servers=None):
    one = {'port': {'number': port, 'name': 'p%d' % port, 'protocol': protocol}, 'bind': '127.0.0.1',
           'hosts': list(hosts)}
    if tls:
        one['tls'] = tls
    return networking('Gateway', name, {'selector': {'istio': 'ingressgateway'}, 'servers': servers or [one]},
                      namespace)


def route(to, name='web', gateways=('front',), hosts=('*',), namespace='default', **http):
    """Everything to one service. `to` is HOST or HOST:PORT."""
    host, _, port = to.partition(':')
    destination = {'host': host, **({'port': {'number': int(port)}} if port else {})}
    return networking('VirtualService', name, {
        'hosts': list(hosts), 'gateways': list(gateways),
        'http': [{'route': [{'destination': destination}], **http}]}, namespace)


def service(host, endpoints, port=80, protocol='HTTP', namespace='default', name=None, mesh=False, account=None,
            location='MESH_INTERNAL', **spec):
    """endpoints: ports on 127.0.0.1, or (port, labels)."""
    rows = []
    for endpoint in endpoints:
        number, labels = endpoint if isinstance(endpoint, tuple) else (endpoint, {})
        labels = {**labels, **({'security.istio.io/tlsMode': 'istio'} if mesh else {})}
        rows.append({'address': '127.0.0.1', 'ports': {'main': number}, **({'labels': labels} if labels else {}),
                     **({'serviceAccount': account} if account else {})})
    return networking('ServiceEntry', name or host.split('.')[0], {
        'hosts': [host], 'location': location, 'resolution': 'STATIC',
        'ports': [{'number': port, 'name': 'main', 'protocol': protocol}], 'endpoints': rows, **spec}, namespace)


def sidecar(port, workload_port, app='web', protocol='HTTP', namespace='default', name=None, egress=None, **more):
    spec = {**more, 'workloadSelector': {'labels': {'app': app}},
            'ingress': [{'port': {'number': port, 'name': 'in', 'protocol': protocol}, 'bind': '127.0.0.1',
                         'defaultEndpoint': '127.0.0.1:%d' % workload_port}]}
    if egress:
        spec['egress'] = egress
    return networking('Sidecar', name or app, spec, namespace)


def mutual_tls(mode, name='default', namespace='default', app=None, ports=None):
    spec = {'mtls': {'mode': mode}}
    if app:
        spec['selector'] = {'matchLabels': {'app': app}}
    if ports:
        spec['portLevelMtls'] = {str(port): {'mode': each} for port, each in ports.items()}
    return security('PeerAuthentication', name, spec, namespace)


def tokens(rules, name='tokens', namespace='default', app=None):
    spec = {'jwtRules': rules}
    if app:
        spec['selector'] = {'matchLabels': {'app': app}}
    return security('RequestAuthentication', name, spec, namespace)


def policy(name, action, rules, namespace='default', app=None):
    spec = {'action': action, 'rules': rules}
    if app:
        spec['selector'] = {'matchLabels': {'app': app}}
    return security('AuthorizationPolicy', name, spec, namespace)


def secret(name, leaf, ca=None, namespace='default'):
    return {'apiVersion': 'v1', 'kind': 'Secret', 'metadata': {'name': name, 'namespace': namespace},
            'type': 'kubernetes.io/tls',
            'stringData': {'tls.crt': leaf.chain, 'tls.key': leaf.key, **({'ca.crt': ca.pem} if ca else {})}}
