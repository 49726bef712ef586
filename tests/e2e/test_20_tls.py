"""TLS at gateways and between nodes: names, versions, who may call whom."""
import ssl

import pytest

import pki
import resources as r
from http1 import Connection, ask, head_text
from kit import free_port, poll

V10, V11, V12, V13 = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
WEB = 'web.default.svc.cluster.local'


@pytest.fixture(scope='module')
def ca():
    return pki.Authority()


def tls_server(port, name, hosts, secret, mode='SIMPLE', **more):
    return {'port': {'number': port, 'name': name, 'protocol': 'HTTPS'}, 'bind': '127.0.0.1', 'hosts': hosts,
            'tls': {'mode': mode, 'credentialName': secret, **more}}


@pytest.fixture(scope='module')
def front(shared_world, ca):
    """One port, three servers: two names and a wildcard that wants client certificates."""
    echo, port = shared_world.echo(), free_port()
    node = shared_world.node([
        r.secret('a-cert', ca.leaf(dns=['a.example'], name='a')),
        r.secret('b-cert', ca.leaf(dns=['b.example'], name='b')),
        r.secret('c-cert', ca.leaf(dns=['*.c.example'], name='c'), ca=ca),
        r.gateway(port, servers=[tls_server(port, 'a', ['a.example'], 'a-cert'),
                                 tls_server(port, 'b', ['b.example'], 'b-cert', minProtocolVersion='TLSV1_3'),
                                 tls_server(port, 'c', ['*.c.example'], 'c-cert', 'MUTUAL')]),
        r.route(WEB), r.service(WEB, [echo.port])])
    node.port, node.echo = port, echo
    return node


def connect(front, ca, sni, versions=None, leaf=None, folder=None):
    return Connection(front.port, tls=pki.client_context(ca, leaf, folder, versions), sni=sni)


@pytest.mark.parametrize('sni, name', [('a.example', 'a'), ('b.example', 'b')])
def test_the_certificate_is_chosen_by_sni(front, ca, sni, name):
    with connect(front, ca, sni) as connection:
        subject = dict(pair[0] for pair in connection.sock.getpeercert()['subject'])
        assert subject['commonName'] == name
        assert connection.ask(host=sni).status == 200
    assert front.echo.last().one('x-forwarded-proto') == 'https'


def test_a_name_that_nobody_serves_is_refused(front, ca):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        connect(front, ca, 'nobody.example').ask(host='nobody.example')


@pytest.mark.parametrize('version, text', [(V12, 'TLSv1.2'), (V13, 'TLSv1.3')])
def test_tls_1_2_and_1_3_are_spoken(front, ca, version, text):
    with connect(front, ca, 'a.example', (version, version)) as connection:
        mine = connection.sock.getsockname()[1]
        assert connection.sock.version() == text
        assert connection.ask(host='a.example').status == 200
    record = front.record(downstream_remote_address='127.0.0.1:%d' % mine)
    assert record['tls_version'] == text and record['requested_server_name'] == 'a.example'


@pytest.mark.parametrize('version', [V10, V11])
def test_older_tls_is_refused(front, ca, version):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        connect(front, ca, 'a.example', (version, version))


def test_a_server_may_demand_tls_1_3(front, ca):
    with connect(front, ca, 'b.example', (V13, V13)) as connection:
        assert connection.ask(host='b.example').status == 200
    with pytest.raises((ssl.SSLError, ConnectionError)):
        connect(front, ca, 'b.example', (V12, V12))


def test_mutual_wants_a_client_certificate_of_its_authority(front, ca, tmp_path):
    with connect(front, ca, 'x.c.example', leaf=ca.leaf(dns=['client']), folder=tmp_path) as connection:
        assert connection.ask(host='x.c.example').status == 200
    for leaf in (None, pki.Authority('stranger').leaf(dns=['client'])):
        with pytest.raises(OSError):
            with connect(front, ca, 'x.c.example', leaf=leaf, folder=tmp_path) as connection:
                connection.ask(host='x.c.example')


def test_a_host_of_another_server_on_one_connection_is_421(front, ca):
    with connect(front, ca, 'a.example') as connection:
        assert connection.ask(host='x.c.example').status == 421


def test_plain_text_to_a_tls_listener_gets_no_answer_from_the_workload(front):
    asked = len(front.echo.requests)
    with Connection(front.port) as connection:
        connection.send(head_text('GET', '/plain', 'a.example'))
        assert b'200' not in connection.rest()[:15]
    assert len(front.echo.requests) == asked


def test_https_redirect_sends_plain_requests_to_https(shared_world, front):
    port = free_port()
    front.write([r.gateway(port, name='redirect', tls={'httpsRedirect': True}),
                 r.route(WEB, name='redirect', gateways=['redirect'])], 'redirect.yaml')
    answer = poll(lambda: ask(port, '/x?y=1', host='a.example'), 'the new listener serves')
    assert answer.status == 301 and answer.one('location') == 'https://a.example/x?y=1'


# ---- between nodes

@pytest.fixture(scope='module')
def mesh(shared_world, ca):
    """A gateway, and a sidecar with a port for each mode of PeerAuthentication."""
    folder = ca.cacerts(shared_world.folder / 'cacerts')
    rules = shared_world.folder / 'mesh-rules'
    echo, front = shared_world.echo('inner'), free_port()
    ports = {mode: free_port() for mode in ('STRICT', 'PERMISSIVE', 'DISABLE')}
    listeners = [{'port': {'number': port, 'name': mode.lower(), 'protocol': 'HTTP'}, 'bind': '127.0.0.1',
                  'defaultEndpoint': '127.0.0.1:%d' % echo.port} for mode, port in ports.items()]
    identity = {'cacerts': {'directory': str(folder)}}
    side = shared_world.prepare(name='side', role='sidecar', rules=rules, account='web', labels={'app': 'web'},
                                identity=identity)
    side.write([
        r.gateway(front), r.route('strict.' + WEB[4:]),
        r.service('strict.' + WEB[4:], [ports['STRICT']], mesh=True, account='web'),
        r.networking('Sidecar', 'web', {'workloadSelector': {'labels': {'app': 'web'}}, 'ingress': listeners}),
        r.mutual_tls('STRICT', 'web', app='web', ports={ports['PERMISSIVE']: 'PERMISSIVE',
                                                        ports['DISABLE']: 'DISABLE'})])
    side.start()
    shared_world.node(name='gate', rules=rules, account='gate', identity=identity)
    side.ports, side.front, side.echo = ports, front, echo
    return side


def mesh_context(ca, folder, uri='spiffe://cluster.local/ns/default/sa/client', **leaf):
    return pki.client_context(ca, ca.leaf(uri=uri, **leaf), folder, check_name=False)


def test_a_gateway_calls_a_strict_sidecar_with_mutual_tls(mesh):
    assert ask(mesh.front, '/through').json()['name'] == 'inner'
    record = mesh.record(path='/through')
    assert record['mutual_tls'] == 1
    assert record['source_principal'] == 'spiffe://cluster.local/ns/default/sa/gate'


@pytest.mark.parametrize('mode, plain, mutual', [('STRICT', False, True), ('PERMISSIVE', True, True),
                                                 ('DISABLE', True, False)])
def test_peer_authentication_modes(mesh, ca, tmp_path, mode, plain, mutual):
    port = mesh.ports[mode]

    def works(**options):
        try:
            return ask(port, '/mode', **options).status == 200
        except OSError:
            return False
    assert works() == plain
    assert works(tls=mesh_context(ca, tmp_path)) == mutual


@pytest.mark.parametrize('name, leaf', [
    ('another_trust_domain', {'uri': 'spiffe://elsewhere/ns/default/sa/client'}),
    ('no_spiffe_id', {'uri': None, 'dns': ['client.example']}),
    ('expired', {'seconds': -60}),
    ('not_yet_valid', {'begins': 3000}),
])
def test_a_client_certificate_that_is_not_good_is_refused_with_a_record(mesh, ca, tmp_path, name, leaf):
    asked = len(mesh.echo.requests)
    with Connection(mesh.ports['STRICT']) as connection:
        mine = connection.sock.getsockname()[1]
        with pytest.raises(OSError):
            connection.sock = mesh_context(ca, tmp_path, **leaf).wrap_socket(connection.sock)
            connection.ask('/' + name)
    record = mesh.record(downstream_remote_address='127.0.0.1:%d' % mine)
    assert record['response_code_details'] == 'tls_refused'
    assert record['decision'] == 'deny' and record['connection_termination_details']
    assert len(mesh.echo.requests) == asked


def test_a_certificate_of_a_stranger_is_refused(mesh, tmp_path):
    stranger = pki.Authority('stranger')
    leaf = stranger.leaf(uri='spiffe://cluster.local/ns/default/sa/gate')
    context = pki.client_context(None, leaf, tmp_path, check_name=False)
    with pytest.raises(OSError):
        ask(mesh.ports['STRICT'], tls=context)


def test_the_workload_learns_the_callers_certificate_and_nobody_can_forge_it(mesh, ca, tmp_path):
    answer = ask(mesh.ports['PERMISSIVE'], '/xfcc', tls=mesh_context(ca, tmp_path),
                 fields=[('X-Forwarded-Client-Cert', 'By=spiffe://x;URI=spiffe://cluster.local/ns/default/sa/root')])
    assert answer.status == 200
    value = mesh.echo.last().one('x-forwarded-client-cert')
    assert 'URI=spiffe://cluster.local/ns/default/sa/client' in value and 'sa/root' not in value
    ask(mesh.ports['PERMISSIVE'], '/xfcc2', fields=[('x_forwarded_client_cert', 'URI=spiffe://a'),
                                                    ('X-Forwarded-Client-CERT', 'URI=spiffe://b')])
    seen = mesh.echo.last()
    assert seen.all('x-forwarded-client-cert') == [] and seen.all('x_forwarded_client_cert') == []
