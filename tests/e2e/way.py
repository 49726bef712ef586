"""The whole way that real clients' requests go: a gateway, a mesh hop with mutual TLS, a sidecar, the workload."""
import pki
import resources as r
from kit import free_port

HOST = 'web.example'
NAMESPACE = '.default.svc.cluster.local'


class Way:
    """workloads: {NAME: (PORT, PROTOCOL)}; /NAME... and /NAME.… go to it, after the routes in `first`."""

    def __init__(self, world, workloads, first=(), rules=(), protocol='HTTP'):
        self.ca = pki.Authority()
        self.leaf = self.ca.leaf(dns=[HOST, 'localhost'])
        self.tls, self.clear = free_port(), free_port()
        self.inner = {name: free_port() for name in workloads}
        folder = world.folder / 'way-rules'
        identity = {'cacerts': {'directory': str(self.ca.cacerts(world.folder / 'way-ca'))}}
        self.side = world.prepare(name='side', role='sidecar', rules=folder, account='web', labels={'app': 'web'},
                                  identity=identity)
        self.side.write([*self.edge(protocol, first, workloads), *self.mesh(workloads), *rules])
        self.side.start()
        self.edge = world.node(name='edge', rules=folder, account='edge', identity=identity)

    def edge(self, protocol, first, workloads):
        yield r.secret('way', self.leaf)
        yield r.gateway(0, servers=[
            {'port': {'number': self.tls, 'name': 'tls', 'protocol': 'HTTPS'}, 'bind': '127.0.0.1', 'hosts': ['*'],
             'tls': {'mode': 'SIMPLE', 'credentialName': 'way'}},
            {'port': {'number': self.clear, 'name': 'clear', 'protocol': protocol}, 'bind': '127.0.0.1',
             'hosts': ['*']}])
        yield r.networking('VirtualService', 'way', {'hosts': ['*'], 'gateways': ['front'], 'http': [
            *first, *({'match': [{'uri': {'prefix': '/' + name}}],
                       'route': [{'destination': {'host': name + NAMESPACE}}]} for name in workloads)]})

    def mesh(self, workloads):
        for name, (_, protocol) in workloads.items():
            yield r.service(name + NAMESPACE, [self.inner[name]], protocol=protocol, mesh=True, account='web')
        yield r.networking('Sidecar', 'web', {
            'workloadSelector': {'labels': {'app': 'web'}},
            'ingress': [{'port': {'number': self.inner[name], 'name': '%s-in' % name, 'protocol': protocol},
                         'bind': '127.0.0.1', 'defaultEndpoint': '127.0.0.1:%d' % port}
                        for name, (port, protocol) in workloads.items()]})
        yield r.mutual_tls('STRICT', 'web', app='web')
