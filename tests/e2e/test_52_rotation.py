"""Certificates and signing keys renew themselves while requests flow."""
import threading
import time

import pytest

import http1
import pki
import resources as r
import rotating
from http1 import ask
from kit import free_port, poll, scaled
from load import Load

WEB = 'web.default.svc.cluster.local'
EDGE = 'https://edge.example'
KEYS = '/.well-known/selvage/jwks.json'
LIFETIME = 60  # seconds, of certificates: renewed at half of it
ROTATE, AHEAD = 80, 70  # verifiers read key sets once a minute: a key has to be published for longer than that


def assertion(name, namespace):
    return r.own('Assertion', name, {'issuer': EDGE, 'audiences': ['web'], 'rotateEvery': '%ds' % ROTATE,
                                     'publishAhead': '%ds' % AHEAD, 'lifetime': '2s'}, namespace)


@pytest.fixture(scope='module')
def issuer():
    return pki.Issuer()


@pytest.fixture(scope='module')
def mesh(shared_world, issuer):
    """Two edges and a sidecar of one embedded authority, everything as short-lived as it may be."""
    echo, side = shared_world.echo(), free_port()
    fronts = {'west': free_port(), 'east': free_port()}
    rules = [r.service(WEB, [side], mesh=True, account='web'), r.sidecar(side, echo.port), r.mutual_tls('STRICT'),
             r.tokens([{'issuer': EDGE, 'audiences': ['web'], 'fromHeaders': [{'name': 'x-selvage-assertion'}],
                        'jwksUri': 'http://127.0.0.1:%d%s' % (fronts['west'], KEYS), 'forwardOriginalToken': True}],
                      app='web'),
             r.policy('need', 'ALLOW', [{'from': [{'source': {'requestPrincipals': [EDGE + '/*']}}]}], app='web')]
    for name, port in fronts.items():
        front = r.gateway(port, name=name, namespace=name)
        front['spec']['selector'] = {'edge': name}
        rules += [front, r.route(WEB, gateways=[name], namespace=name), assertion(name, name),
                  r.tokens([{'issuer': issuer.name, 'audiences': ['web'], 'jwks': issuer.key_set()}], namespace=name)]
    identity = {'certificateLifetime': '%ds' % LIFETIME}
    nodes = {}
    for name in fronts:
        nodes[name] = shared_world.prepare(name=name, role='edge', namespace=name, labels={'edge': name},
                                           identity=dict(identity))
    nodes['west'].write(rules)
    for name in fronts:
        nodes[name].start()
    nodes['side'] = shared_world.node(name='side', role='sidecar', account='web', labels={'app': 'web'},
                                      identity=dict(identity))
    nodes['west'].fronts, nodes['west'].nodes, nodes['west'].echo = fronts, nodes, echo
    token = issuer.token()
    # an edge that is new is believed once its key is among those that the sidecar reads
    poll(lambda: kids(fronts['east']) <= kids(fronts['west']), 'the key of the other edge is published')
    for port in fronts.values():
        poll(lambda p=port: ask(p, fields=pki.bearer(token)).status == 200, 'the way is open')
    return nodes['west']


def kids(port):
    answer = ask(port, KEYS)
    assert answer.status == 200 and answer.one('content-type') == 'application/json'
    assert 'max-age=' in answer.one('cache-control')
    keys = answer.json()['keys']
    assert all(set(key) <= {'kty', 'crv', 'x', 'y', 'kid', 'alg', 'use'} and key['kty'] == 'EC' for key in keys), keys
    return {key['kid'] for key in keys}


def test_each_edge_publishes_the_union_of_all_edges_keys(mesh, issuer):
    signers = set()
    for port in mesh.fronts.values():
        assert ask(port, '/sign', fields=pki.bearer(issuer.token())).status == 200
        signers.add(pki.token_parts(mesh.echo.last().one('x-selvage-assertion'))[0]['kid'])
    assert len(signers) == 2
    for port in mesh.fronts.values():
        poll(lambda p=port: signers <= kids(p), 'both keys are published')


def test_certificates_and_keys_rotate_under_load_with_no_wrong_answer(mesh, issuer):
    """Two minutes at most: until the certificate in use and the key in use have both changed, on both edges."""
    token, wrong, signers, certificates = issuer.token(exp=int(time.time()) + 900), [], set(), set()
    forged = pki.Issuer(issuer.name, [pki.Key('ES256', issuer.keys[0].kid)]).token()

    def choose(number):
        if number % 4 == 3:
            return pki.bearer(forged), lambda answer: answer.status == 401 or wrong.append(('bad', answer))
        return pki.bearer(token), lambda answer: answer.status == 200 or wrong.append(('good', answer))

    def look(port):
        with http1.Connection(port) as watched:  # one connection for the whole time: it is never dropped
            while not done.is_set():
                answer = watched.ask('/watch', fields=pki.bearer(token))
                if answer.status != 200:
                    wrong.append(('watch', answer))
                    return
                fields = answer.json()['headers']
                header, _ = pki.token_parts([value for name, value in fields if name == 'x-selvage-assertion'][0])
                signers.add((port, header['kid']))
                certificates.add([value for name, value in fields if name == 'x-forwarded-client-cert'][0])
                time.sleep(0.2)
        finished.append(port)

    done, finished = threading.Event(), []
    ports = list(mesh.fronts.values())
    watchers = [threading.Thread(target=look, args=(port,), daemon=True) for port in ports]
    mesh.echo.keep_requests = False
    with Load(ports[0], 8, choose=choose, pause=0.01) as west, \
            Load(ports[1], 8, choose=choose, pause=0.01) as east:
        for watcher in watchers:
            watcher.start()
        poll(lambda: wrong or all(len({kid for port, kid in signers if port == p}) >= 2 for p in ports) and
             len(certificates) >= 4, 'keys and certificates have changed', 150, 0.1)
        west.wait(scaled(50))
        east.wait(scaled(50))
    done.set()
    for watcher in watchers:
        watcher.join(20)
    mesh.echo.keep_requests = True
    assert not wrong, wrong[:3]
    assert sorted(finished) == sorted(ports), 'a watched connection was dropped'
    for load in (west, east):
        assert not load.failures and not load.refused and set(load.statuses) == {200, 401}
        assert load.opened == len(load.threads), 'connections were dropped'


def test_admin_tells_when_certificates_end(mesh):
    rows = {each['use']: each for each in mesh.page('/certs')['certificates']}
    assert rows['identity']['uri'] == 'spiffe://cluster.local/ns/west/sa/west'
    left = mesh.metric('selvage_certificate_expiry_timestamp_seconds') - time.time()
    assert 0 < left <= LIFETIME, left


def test_signing_keys_survive_a_restart_and_never_lie_in_plain_text(mesh):
    before = kids(mesh.fronts['west'])
    assert mesh.nodes['east'].stop() == 0
    mesh.nodes['east'].start()
    poll(lambda: kids(mesh.fronts['east']) & before, 'the keys are still published')
    for node in mesh.nodes.values():
        for path in (node.folder / 'state').rglob('*'):
            if path.is_file():
                data = path.read_bytes()
                assert b'PRIVATE KEY' not in data and b'"d":' not in data, path


def test_every_key_is_replaced_every_ten_seconds_with_no_wrong_answer(world):
    """Twenty seconds here, five minutes in tests/long/rotation.py."""
    mesh = rotating.Rotating(world)
    mesh.run(20, command_every=12)
    mesh.judge()
    assert mesh.commanded == 1
