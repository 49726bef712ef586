"""Each field of the first kinds, in a running node: what is written is what happens."""
import collections
import os
import signal
import socket
import ssl
import threading
import time

import pytest
import yaml

import pki
import resources as r
from echo import TcpEcho
from http1 import Connection, ask
from kit import free_port, poll
from load import Load
from node import rules_write

WEB = 'web.default.svc.cluster.local'


def rule(host, name=None, subsets=None, **policy):
    return r.networking('DestinationRule', name or host.split('.')[0],
                        {'host': host, **({'trafficPolicy': policy} if policy else {}),
                         **({'subsets': subsets} if subsets else {})})


def virtual(http, name='web', hosts=('*',), gateways=('front',)):
    return r.networking('VirtualService', name, {'hosts': list(hosts), 'gateways': list(gateways), 'http': http})


def to(host, subset=None, weight=None, **more):
    return {'destination': {'host': host, **({'subset': subset} if subset else {})},
            **({'weight': weight} if weight is not None else {}), **more}


class Front:
    def __init__(self, world, rules, port=None, **settings):
        self.port = port or free_port()
        self.node = world.prepare(**settings)
        self.node.write([r.gateway(self.port), *rules])
        self.node.start()

    def ask(self, path='/', **more):
        return ask(self.port, path, **more)

    def names(self, count, path='/'):
        return collections.Counter(self.ask(path).json()['name'] for _ in range(count))


@pytest.fixture(scope='module')
def pair(shared_world):
    return shared_world.echo('one'), shared_world.echo('two')


def versions(pair):
    return r.service(WEB, [(pair[0].port, {'version': 'v1'}), (pair[1].port, {'version': 'v2'})])


SUBSETS = [{'name': 'v1', 'labels': {'version': 'v1'}}, {'name': 'v2', 'labels': {'version': 'v2'}}]


# ---- VirtualService

def test_matches_rewrites_headers_and_weights(world, pair):
    front = Front(world, [versions(pair), rule(WEB, subsets=SUBSETS), virtual([
        {'match': [{'uri': {'exact': '/exact'}}], 'route': [to(WEB, 'v1')]},
        {'match': [{'uri': {'prefix': '/PRE'}, 'ignoreUriCase': True}], 'rewrite': {'uri': '/new'},
         'route': [to(WEB, 'v2')]},
        {'match': [{'uri': {'regex': '/r/[0-9]+/.*'}}],
         'route': [to(WEB, 'v1')]},
        {'match': [{'method': {'exact': 'PUT'}}], 'route': [to(WEB, 'v2')]},
        {'match': [{'authority': {'prefix': 'Auth.'}}], 'route': [to(WEB, 'v2')]},
        {'match': [{'headers': {'x-a': {'exact': '1'}}, 'withoutHeaders': {'x-b': {}}}],
         'rewrite': {'authority': 'other.example'}, 'route': [to(WEB, 'v2')]},
        {'match': [{'queryParams': {'q': {'exact': 'z'}}}], 'route': [to(WEB, 'v2')]},
        {'match': [{'uri': {'prefix': '/headers'}}],
         'headers': {'request': {'set': {'x-set': 'new'}, 'add': {'x-add': '2'}, 'remove': ['x-gone']},
                     'response': {'set': {'x-r': 'R'}, 'remove': ['x-echo']}},
         'route': [to(WEB, 'v1', headers={'request': {'add': {'x-dest': 'd'}},
                                          'response': {'add': {'x-from': 'dest'}}})]},
        {'match': [{'uri': {'prefix': '/weights'}}], 'route': [to(WEB, 'v1', 90), to(WEB, 'v2', 10)]},
        {'match': [{'uri': {'prefix': '/slow'}}], 'timeout': '0.2s', 'route': [to(WEB, 'v1')]},
        {'match': [{'uri': {'prefix': '/v1'}}], 'route': [to(WEB, 'v1')]},
        {'match': [{'uri': {'prefix': '/nosubset'}}], 'route': [to(WEB, 'v9')]},
    ])])
    assert front.names(4, '/exact') == {'one': 4}
    assert front.ask('/exact/x').status == 404
    got = front.ask('/pre/tail?q=1').json()
    assert (got['name'], got['path']) == ('two', '/new/tail?q=1')
    got = front.ask('/r/12/tail').json()
    assert (got['name'], got['path']) == ('one', '/r/12/tail')
    assert front.ask('/other', method='PUT', body=b'').json()['name'] == 'two'
    assert front.ask('/other', host='Auth.example').json()['name'] == 'two'
    got = front.ask('/other', fields={'X-A': '1'}).json()
    assert got['name'] == 'two' and dict((k.lower(), v) for k, v in got['headers'])['host'] == 'other.example'
    assert front.ask('/other', fields={'X-A': '1', 'x-b': 'any'}).status == 404
    assert front.ask('/other?q=z').json()['name'] == 'two'
    answer = front.ask('/headers', fields=[('x-set', 'a'), ('X-Set', 'b'), ('X-Add', '1'), ('X-Gone', '1')])
    sent = [(k.lower(), v) for k, v in answer.json()['headers']]
    assert [v for k, v in sent if k == 'x-set'] == ['new']
    assert ','.join(v for k, v in sent if k == 'x-add') in ('1,2', '1, 2')
    assert not [v for k, v in sent if k == 'x-gone'] and ('x-dest', 'd') in sent
    assert answer.one('x-r') == 'R' and answer.one('x-from') == 'dest' and answer.one('x-echo') is None
    count = front.names(300, '/weights')
    assert 240 <= count['one'] <= 295, count
    began = time.monotonic()
    assert front.ask('/slow/3000').status == 504 and time.monotonic() - began < 2
    assert front.names(6, '/v1') == {'one': 6}
    assert front.ask('/nosubset').status == 503


# ---- DestinationRule

@pytest.mark.parametrize('simple', ['ROUND_ROBIN', 'RANDOM', 'LEAST_REQUEST', 'UNSPECIFIED'])
def test_load_balancing(world, pair, simple):
    front = Front(world, [r.service(WEB, [each.port for each in pair]), r.route(WEB),
                          rule(WEB, loadBalancer={'simple': simple})], workers=1)
    count = front.names(80)
    assert count['one'] >= 15 and count['two'] >= 15, count
    if simple == 'ROUND_ROBIN':
        assert count == {'one': 40, 'two': 40}


def test_least_request_spares_the_one_that_is_busy(world):
    one, two = world.echo('one'), world.echo('two')
    front = Front(world, [r.service(WEB, [one.port, two.port]), r.route(WEB),
                          rule(WEB, loadBalancer={'simple': 'LEAST_REQUEST'})], workers=1)
    holding = [Connection(front.port) for _ in range(8)]
    for each in holding:
        each.send(b'GET /hold HTTP/1.1\r\nHost: a\r\n\r\n')
    poll(lambda: one.waiting + two.waiting == 8, 'all wait')
    assert one.waiting == 4, (one.waiting, two.waiting)
    for each in (one, two):
        each.released.set()
    for each in holding:
        each.close()


class TlsEcho:
    """Tells over TLS what it saw: SNI, ALPN, the client's certificate."""

    def __init__(self, ca, leaf, folder, demand=False):
        self.seen = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*leaf.write(folder, 'server-%d' % id(leaf)))
        context.load_verify_locations(cadata=ca.pem)
        context.verify_mode = ssl.CERT_REQUIRED if demand else ssl.CERT_NONE
        context.set_alpn_protocols(['http/1.1', 'istio'])
        context.sni_callback = lambda sock, name, _: self.seen.append(name)
        self.context = context
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(sock,), daemon=True).start()

    def talk(self, sock):
        try:
            with self.context.wrap_socket(sock, server_side=True) as tls:
                data = b''
                while b'\r\n\r\n' not in data:
                    part = tls.recv(65536)
                    if not part:
                        return
                    data += part
                peer = tls.getpeercert() or {}
                name = ([v for _, v in peer.get('subjectAltName', ())] or ['none'])[0]
                body = '{"sni": "%s", "alpn": "%s", "peer": "%s"}' % (
                    self.seen[-1], tls.selected_alpn_protocol(), name)
                tls.sendall(('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s' % (
                    len(body), body)).encode())
        except OSError:
            pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


EXT = 'ext.example'


def test_tls_to_upstreams(world, tmp_path):
    ca, stranger = pki.Authority(), pki.Authority('stranger')
    server = world.started.keep(TlsEcho(ca, ca.leaf(dns=['ext.example', 'alt.example']), tmp_path))
    mutual = world.started.keep(TlsEcho(ca, ca.leaf(dns=['ext.example']), tmp_path, demand=True))
    client = ca.leaf(dns=['client.example'])

    def roots(name, authority):
        return {'apiVersion': 'v1', 'kind': 'Secret', 'metadata': {'name': name, 'namespace': 'default'},
                'stringData': {'ca.crt': authority.pem}}
    secrets = [roots('roots', ca), roots('foreign', stranger), r.secret('client', client, ca)]

    def ask_with(port, **tls):
        front = Front(world, [r.service(EXT, [port], location='MESH_EXTERNAL'), r.route(EXT), rule(EXT, tls=tls),
                              *secrets], name='edge%d' % free_port(), workers=1)
        answer = front.ask(host='in.example')
        front.node.stop()
        return answer

    def allowed(answer, **expected):
        assert answer.status == 200, answer
        assert expected.items() <= answer.json().items(), answer

    allowed(ask_with(server.port, mode='SIMPLE', credentialName='roots'), sni=EXT, alpn='http/1.1', peer='none')
    allowed(ask_with(server.port, mode='SIMPLE', credentialName='roots', sni='alt.example'), sni='alt.example')
    allowed(ask_with(server.port, mode='SIMPLE', credentialName='roots', subjectAltNames=['alt.example']), sni=EXT)
    allowed(ask_with(server.port, mode='SIMPLE', credentialName='roots', subjectAltNames=['no.example', 'alt.example']))
    allowed(ask_with(server.port, mode='SIMPLE', insecureSkipVerify=True))
    allowed(ask_with(mutual.port, mode='MUTUAL', credentialName='client'), peer='client.example')
    assert ask_with(server.port, mode='SIMPLE', credentialName='foreign').status == 503
    assert ask_with(server.port, mode='SIMPLE').status == 503  # the system's authorities do not know it
    assert ask_with(server.port, mode='SIMPLE', credentialName='roots', subjectAltNames=['no.example']).status == 503
    assert ask_with(server.port, mode='SIMPLE', credentialName='nobody').status == 503
    assert ask_with(server.port, mode='DISABLE').status in (502, 503)
    assert ask_with(mutual.port, mode='SIMPLE', credentialName='roots').status == 503
    assert ask_with(mutual.port, mode='MUTUAL', credentialName='roots').status == 503
    assert ask_with(mutual.port, mode='ISTIO_MUTUAL').status == 503  # of another authority


def test_a_port_may_have_settings_of_its_own(world, pair, tmp_path):
    ca = pki.Authority()
    server = world.started.keep(TlsEcho(ca, ca.leaf(dns=[EXT]), tmp_path))
    service = r.networking('ServiceEntry', 'ext', {
        'hosts': [EXT], 'location': 'MESH_EXTERNAL', 'resolution': 'STATIC',
        'ports': [{'number': 80, 'name': 'http', 'protocol': 'HTTP'}, {'number': 443, 'name': 'tls', 'protocol': 'HTTP'}],
        'endpoints': [{'address': '127.0.0.1', 'ports': {'http': pair[0].port, 'tls': server.port}}]})
    front = Front(world, [service, rule(EXT, portLevelSettings=[
        {'port': {'number': 443}, 'tls': {'mode': 'SIMPLE', 'credentialName': 'client'}}]), r.secret('client', ca.leaf(dns=['c']), ca),
        virtual([{'match': [{'uri': {'prefix': '/tls'}}],
                  'route': [{'destination': {'host': EXT, 'port': {'number': 443}}}]},
                 {'route': [{'destination': {'host': EXT, 'port': {'number': 80}}}]}])])
    assert front.ask('/tls').json()['alpn']
    assert front.ask('/plain').json()['name'] == 'one'


# ---- ServiceEntry, WorkloadEntry

def unix_echo(path, name):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(16)

    def serve():
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            sock.recv(65536)
            body = '{"name": "%s"}' % name
            sock.sendall(('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s' % (
                len(body), body)).encode())
            sock.close()
    threading.Thread(target=serve, daemon=True).start()
    return listener


def test_unix_sockets_are_endpoints(world, tmp_path):
    listener = unix_echo(str(tmp_path / 'w.sock'), 'unix')
    service = r.networking('ServiceEntry', 'web', {
        'hosts': [WEB], 'location': 'MESH_INTERNAL', 'resolution': 'STATIC',
        'ports': [{'number': 80, 'name': 'http', 'protocol': 'HTTP'}],
        'endpoints': [{'address': 'unix://%s' % (tmp_path / 'w.sock')}]})
    front = Front(world, [service, r.route(WEB)])
    for _ in range(5):
        assert front.ask().json()['name'] == 'unix'
    listener.close()
    os.unlink(tmp_path / 'w.sock')
    assert front.ask().status == 503


def test_workload_entries_are_found_by_their_labels(world, pair):
    service = r.networking('ServiceEntry', 'web', {
        'hosts': [WEB], 'location': 'MESH_INTERNAL', 'resolution': 'STATIC',
        'ports': [{'number': 80, 'name': 'http', 'protocol': 'HTTP'}],
        'workloadSelector': {'labels': {'app': 'web'}}})

    def workload(name, port, **labels):
        return r.networking('WorkloadEntry', name, {'address': '127.0.0.1', 'ports': {'http': port}, 'labels': labels})
    one = workload('one', pair[0].port, app='web', version='v1')
    two = workload('two', pair[1].port, app='web', version='v2')
    alien = workload('alien', 1, app='other')
    front = Front(world, [service, r.route(WEB), one, two, alien])
    assert set(front.names(30)) == {'one', 'two'}
    front.node.apply([r.gateway(front.port), service, r.route(WEB), two, alien])
    assert set(front.names(10)) == {'two'}


# ---- Sidecar

def test_a_sidecar_listens_for_its_workloads_calls(world, pair):
    tcp = world.started.keep(TcpEcho())
    http_port, tcp_port, shut_port = free_port(), free_port(), free_port()
    mongo = 'raw.default.svc.cluster.local'
    side = world.prepare(name='side', role='sidecar', labels={'app': 'web'})
    side.write([
        r.service(WEB, [(pair[0].port, {'version': 'v1'}), (pair[1].port, {'version': 'v2'})], port=http_port),
        rule(WEB, subsets=SUBSETS),
        r.service(mongo, [tcp.port], port=tcp_port, protocol='TCP'),
        virtual([{'route': [to(WEB, 'v2')]}], hosts=[WEB], gateways=['mesh']),
        r.networking('Sidecar', 'web', {
            'workloadSelector': {'labels': {'app': 'web'}},
            'egress': [
                {'port': {'number': http_port, 'name': 'http', 'protocol': 'HTTP'}, 'bind': '127.0.0.1',
                 'hosts': ['./' + WEB]},
                {'port': {'number': tcp_port, 'name': 'tcp', 'protocol': 'TCP'}, 'bind': '127.0.0.1',
                 'hosts': ['./' + mongo]},
                {'port': {'number': shut_port, 'name': 'http-2', 'protocol': 'HTTP'}, 'bind': '127.0.0.1',
                 'hosts': ['other/*']}]})])
    side.start()
    assert ask(http_port, host=WEB).json()['name'] == 'two'
    assert ask(http_port, host='web').json()['name'] == 'two'
    assert ask(http_port, host='nobody.example').status in (404, 502, 503)
    assert ask(shut_port, host=WEB).status in (404, 502, 503)
    with Connection(tcp_port) as connection:
        connection.send(b'hello')
        assert connection.exactly(5) == b'HELLO'


def test_a_sidecar_hands_to_a_unix_socket(world, tmp_path):
    listener = unix_echo(str(tmp_path / 'w.sock'), 'unix')
    port = free_port()
    side = world.prepare(name='side', role='sidecar', labels={'app': 'web'})
    side.write([r.networking('Sidecar', 'web', {
        'workloadSelector': {'labels': {'app': 'web'}},
        'ingress': [{'port': {'number': port, 'name': 'http', 'protocol': 'HTTP'}, 'bind': '127.0.0.1',
                     'defaultEndpoint': 'unix://%s' % (tmp_path / 'w.sock')}]})])
    side.start()
    assert ask(port).json()['name'] == 'unix'
    listener.close()


# ---- the source

def test_a_changed_secret_is_live(world, pair):
    ca, port = pki.Authority(), free_port()
    tls = {'mode': 'SIMPLE', 'credentialName': 'cert'}
    node = world.prepare()
    base = [r.gateway(port, protocol='HTTPS', tls=tls, hosts=['a.example']), r.route(WEB), r.service(WEB, [pair[0].port])]
    node.write(base)
    node.write([r.secret('cert', ca.leaf(dns=['a.example'], name='first'))], 'secret.yaml')
    node.start()

    def name():
        with Connection(port, tls=pki.client_context(ca), sni='a.example') as connection:
            return dict(pair[0] for pair in connection.sock.getpeercert()['subject'])['commonName']
    assert name() == 'first'
    with Connection(port, tls=pki.client_context(ca), sni='a.example') as old:
        assert old.ask(host='a.example').status == 200
        node.write([r.secret('cert', ca.leaf(dns=['a.example'], name='second'))], 'secret.yaml')
        poll(lambda: name() == 'second', 'the new certificate is served', 5)
        assert old.ask(host='a.example').status == 200


def test_a_broken_secret_never_replaces_a_good_one(world, pair):
    ca, port = pki.Authority(), free_port()
    node = world.prepare()
    node.write([r.gateway(port, protocol='HTTPS', tls={'mode': 'SIMPLE', 'credentialName': 'cert'}, hosts=['a.example']),
                r.route(WEB), r.service(WEB, [pair[0].port])])
    good = r.secret('cert', ca.leaf(dns=['a.example']))
    node.write([good], 'secret.yaml')
    node.start()
    for broken in ({'tls.key': ca.leaf(dns=['a.example']).key}, {'tls.crt': 'none'}, {'ca.crt': 'none'}):
        node.write([{**good, 'stringData': {**good['stringData'], **broken}}], 'secret.yaml')
        poll(lambda: node.snapshot()['newerHasErrors'], 'the error is seen')
        poll(lambda: node.metric('selvage_rules_rejected') == 1, 'the metric says so')
        node.wait_log('nothing can be served with it')
        assert ask(port, host='a.example', tls=pki.client_context(ca), sni='a.example').status == 200
        node.write([good], 'secret.yaml')
        poll(lambda: not node.snapshot()['newerHasErrors'], 'the error is gone')


def test_a_folder_swapped_by_a_link_is_read(world, pair):
    """As Kubernetes' config maps do: ..data points to a folder of the moment."""
    port = free_port()
    node = world.prepare()
    rules = node.rules

    def swap(number):
        folder = rules / ('..%d' % number)
        r_text = [r.gateway(port), r.service(WEB, [pair[0].port]),
                  r.route(WEB, headers={'response': {'set': {'x-n': str(number)}}})]
        rules_write(folder, r_text)
        os.symlink(folder.name, rules / '..new')
        os.rename(rules / '..new', rules / '..data')
    swap(1)
    os.symlink('..data/rules.yaml', rules / 'rules.yaml')
    node.start()
    assert ask(port).one('x-n') == '1'
    swap(2)
    poll(lambda: ask(port).one('x-n') == '2', 'the swapped folder is read', 5)


def test_changed_settings_come_into_force_without_a_lost_request(world, pair):
    front = Front(world, [r.service(WEB, [pair[0].port]), r.route(WEB), r.networking('Gateway', 'second', {
        'selector': {'istio': 'other'}, 'servers': [{'port': {'number': free_port(), 'name': 'x', 'protocol': 'HTTP'},
                                                     'bind': '127.0.0.1', 'hosts': ['*']}]})])
    node = front.node
    with Load(front.port, 8) as load:
        load.wait(50)
        node.settings['labels'] = {'istio': 'ingressgateway', 'more': 'yes'}
        node.settings['logLevel'] = 'debug'
        node.config.write_text(yaml.safe_dump(node.settings))
        node.process.send_signal(signal.SIGHUP)
        node.wait_log('has changed')
        load.wait(300)
    assert not load.failures and not load.refused and set(load.statuses) == {200}
    node.config.write_text('role: [')
    node.process.send_signal(signal.SIGHUP)
    node.wait_log('the node goes on as it is')
    assert front.ask().status == 200


# ---- what does not end well

def unread(front, size):
    """A connection with a last answer of this size, of which nothing was read; whether its exchange is over."""
    known = len(front.node.records())
    connection = Connection(front.port, receive_buffer=4096)
    connection.send(b'GET /bytes/%d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' % size)
    time.sleep(0.3)
    return connection, len(front.node.records()) > known


def test_a_slow_reader_gets_the_whole_of_a_last_answer(world, pair):
    """The largest answer that is over without a reader: its end still waits in the node."""
    front = Front(world, [r.service(WEB, [pair[0].port]), r.route(WEB)], workers=1)
    low, high = 100000, 16000000
    while high - low > 16000:
        size = (low + high) // 2
        connection, over = unread(front, size)
        connection.close()
        low, high = (size, high) if over else (low, size)
    some = [(low - back, *unread(front, low - back)) for back in range(0, 120000, 12000)]
    time.sleep(3)
    for size, connection, _ in some:
        with connection:
            answer = connection.head()
            assert len(connection.rest()) == size == int(answer.one('content-length'))


def test_without_a_name_nobody_passes_for_a_mutual_server(world, pair, tmp_path):
    ca, port = pki.Authority(), free_port()

    def server(name, host, mode):
        return {'port': {'number': port, 'name': name, 'protocol': 'HTTPS'}, 'bind': '127.0.0.1', 'hosts': [host],
                'tls': {'mode': mode, 'credentialName': 'cert'}}
    node = world.prepare()
    node.write([r.gateway(port, servers=[server('open', 'open.example', 'SIMPLE'), server('shut', 'shut.example', 'MUTUAL')]),
                r.route(WEB), r.service(WEB, [pair[0].port]), r.secret('cert', ca.leaf(dns=['open.example']), ca)])
    node.start()
    context = pki.client_context(ca, check_name=False)
    for sni in (None, 'open.example', 'OPEN.example'):
        for host in ('shut.example', 'SHUT.example', 'shut.example:443', 'shut.example.'):
            try:
                with Connection(port, tls=context, sni=sni) as connection:
                    assert connection.ask(host=host).status in (404, 421)
            except OSError:
                assert sni is None


def test_permissive_takes_both_on_tcp_too(world, tmp_path):
    ca, tcp, port = pki.Authority(), world.started.keep(TcpEcho()), free_port()
    side = world.prepare(name='side', role='sidecar', account='web', labels={'app': 'web'},
                         identity={'cacerts': {'directory': str(ca.cacerts(tmp_path / 'cacerts'))}})
    side.write([r.sidecar(port, tcp.port, protocol='TCP'), r.mutual_tls('PERMISSIVE')])
    side.start()
    leaf = ca.leaf(uri='spiffe://cluster.local/ns/default/sa/client')
    for tls in (None, pki.client_context(ca, leaf, tmp_path, check_name=False)):
        with Connection(port, tls=tls) as connection:
            connection.send(b'hello')
            assert connection.exactly(5) == b'HELLO'
    with Connection(port, tls=pki.client_context(None)) as connection:
        with pytest.raises(OSError):
            connection.send(b'hello')
            connection.exactly(5)
