"""Istio's own samples, unmodified, in a network namespace of the test's own (they want ports 80 and 8080)."""
import collections
import ctypes
import os
import shutil
import subprocess

import pytest

import resources as r
from http1 import ask
from kit import poll

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


@pytest.fixture(scope='module', autouse=True)
def own_network(samples):
    """This thread, and what it starts, in a new network namespace; back at the end."""
    home = os.open('/proc/thread-self/ns/net', os.O_RDONLY)
    if libc.unshare(CLONE_NEWNET) != 0:
        os.close(home)
        pytest.skip('a network namespace cannot be made here: %s' % os.strerror(ctypes.get_errno()))
    try:
        subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True, stdin=subprocess.DEVNULL)
        yield
    finally:
        assert libc.setns(home, CLONE_NEWNET) == 0
        os.close(home)


def test_the_sample_folder_is_read(samples):
    assert (samples / 'httpbin/httpbin-gateway.yaml').exists()


def copy(node, samples, *names):
    for name in names:
        shutil.copy(samples / name, node.rules / os.path.basename(name))


def warned(node):
    return [each for each in node.snapshot()['findings'] if each['level'] == 'Error']


# ---- httpbin, and the documentation's JWT task

@pytest.fixture
def httpbin(world, samples):
    echo = world.echo('httpbin')
    node = world.prepare(name='ingress')
    copy(node, samples, 'httpbin/httpbin-gateway.yaml')
    node.write([r.service('httpbin.default.svc.cluster.local', [echo.port], port=8000)], 'added.yaml')
    node.start()
    node.echo = echo
    return node


def test_httpbin_gateway_serves_port_80(httpbin):
    answer = ask(80, '/headers', host='httpbin.example.com')
    assert answer.status == 200 and answer.json()['name'] == 'httpbin'
    assert warned(httpbin) == []
    record = httpbin.record(path='/headers')
    assert record['upstream_cluster'] == 'outbound|8000||httpbin.default.svc.cluster.local'


def test_the_jwt_task_of_the_documentation(httpbin, samples):
    token = (samples / 'jwt/demo.jwt').read_text().strip()
    key_set = (samples / 'jwt/jwks.json').read_text()
    authn = r.security('RequestAuthentication', 'ingress-jwt', {
        'selector': {'matchLabels': {'istio': 'ingressgateway'}},
        'jwtRules': [{'issuer': 'testing@secure.istio.io', 'jwks': key_set}]}, 'istio-system')
    httpbin.apply([authn], 'authn.yaml')
    good, bad = {'Authorization': 'Bearer ' + token}, {'Authorization': 'Bearer deadbeef'}
    assert ask(80, '/headers', fields=good).status == 200
    assert ask(80, '/headers', fields=bad).status == 401
    assert ask(80, '/headers').status == 200
    httpbin.apply([r.security('AuthorizationPolicy', 'require-jwt', {
        'selector': {'matchLabels': {'istio': 'ingressgateway'}}, 'action': 'ALLOW',
        'rules': [{'from': [{'source': {'requestPrincipals': [
            'testing@secure.istio.io/testing@secure.istio.io']}}]}]}, 'istio-system')], 'authz.yaml')
    assert ask(80, '/headers', fields=good).status == 200
    assert ask(80, '/headers', fields=bad).status == 401
    answer = ask(80, '/headers')
    assert answer.status == 403 and answer.text() == 'RBAC: access denied'


def test_the_task_with_groups_and_scope(httpbin, samples):
    """group1 is among the groups of groups-scope.jwt, group3 is not."""
    token = (samples / 'jwt/groups-scope.jwt').read_text().strip()
    key_set = (samples / 'jwt/jwks.json').read_text()
    for group, status in (('group1', 200), ('group3', 403)):
        httpbin.apply([
            r.tokens([{'issuer': 'testing@secure.istio.io', 'jwks': key_set}]),
            r.policy('require-group', 'ALLOW', [
                {'when': [{'key': 'request.auth.claims[groups]', 'values': [group]}]}])], 'task.yaml')
        assert ask(80, '/headers', fields={'Authorization': 'Bearer ' + token}).status == status, group
        assert ask(80, '/headers').status == 403


# ---- bookinfo

VERSIONS = {'productpage': ['v1'], 'details': ['v1'], 'ratings': ['v1'], 'reviews': ['v1', 'v2', 'v3']}
REVIEWS = 'reviews.default.svc.cluster.local'


@pytest.fixture
def bookinfo(world, samples):
    """The ingress gateway, and productpage's sidecar, whose way out is 127.0.0.1:9080."""
    rows = []
    for name, versions in VERSIONS.items():
        echoes = [(world.echo('%s-%s' % (name, each)).port, {'app': name, 'version': each}) for each in versions]
        rows.append(r.service(name + '.default.svc.cluster.local', echoes, port=9080))
    rows.append(r.networking('Sidecar', 'productpage', {
        'workloadSelector': {'labels': {'app': 'productpage'}},
        'egress': [{'port': {'number': 9080, 'name': 'out', 'protocol': 'HTTP'}, 'bind': '127.0.0.1',
                    'captureMode': 'NONE', 'hosts': ['./*']}]}))
    node = world.prepare(name='ingress')
    copy(node, samples, 'bookinfo/networking/bookinfo-gateway.yaml', 'bookinfo/networking/destination-rule-all.yaml',
         'bookinfo/networking/virtual-service-all-v1.yaml')
    node.write(rows, 'added.yaml')
    node.start()
    node.sidecar = world.node(name='productpage', role='sidecar', labels={'app': 'productpage', 'version': 'v1'})
    node.samples = samples
    return node


def test_bookinfo_gateway_serves_port_8080_and_only_its_paths(bookinfo):
    for path in ('/productpage', '/static/x.css', '/login', '/logout', '/api/v1/products/0'):
        answer = ask(8080, path)
        assert answer.status == 200 and answer.json()['name'] == 'productpage-v1', path
    assert ask(8080, '/other').status == 404
    assert ask(8080, '/productpage/x').status == 404
    assert warned(bookinfo) == []


def reviews(count=1, host='reviews', fields=()):
    return collections.Counter(ask(9080, '/reviews/0', host=host, fields=fields).json()['name']
                               for _ in range(count))


def test_virtual_service_all_v1_sends_everything_to_v1(bookinfo):
    for host in ('reviews', 'reviews:9080', REVIEWS, 'reviews.default'):
        assert reviews(4, host) == {'reviews-v1': 4}, host
    for name in ('details', 'ratings'):
        assert ask(9080, '/', host=name).json()['name'] == name + '-v1'


def swap(bookinfo, sample):
    """Another of the reviews samples in place of virtual-service-all-v1."""
    before = bookinfo.sidecar.snapshot()
    os.unlink(bookinfo.rules / 'virtual-service-all-v1.yaml')
    copy(bookinfo, bookinfo.samples, 'bookinfo/networking/' + sample)
    poll(lambda: bookinfo.sidecar.applied(before), 'the sidecar applies ' + sample)


def test_reviews_test_v2_sends_jason_to_v2(bookinfo):
    swap(bookinfo, 'virtual-service-reviews-test-v2.yaml')
    assert reviews(4, fields={'End-User': 'jason'}) == {'reviews-v2': 4}
    assert reviews(4, fields={'end-user': 'jasonx'}) == {'reviews-v1': 4}
    assert reviews(4) == {'reviews-v1': 4}


def test_reviews_jason_v2_v3(bookinfo):
    swap(bookinfo, 'virtual-service-reviews-jason-v2-v3.yaml')
    assert reviews(4, fields={'end-user': 'jason'}) == {'reviews-v2': 4}
    assert reviews(4) == {'reviews-v3': 4}


@pytest.mark.parametrize('sample, first, second, low, high', [
    ('virtual-service-reviews-80-20.yaml', 'reviews-v1', 'reviews-v2', 140, 180),
    ('virtual-service-reviews-90-10.yaml', 'reviews-v1', 'reviews-v2', 162, 197),
    ('virtual-service-reviews-50-v3.yaml', 'reviews-v1', 'reviews-v3', 75, 125),
])
def test_weights_are_kept(bookinfo, sample, first, second, low, high):
    swap(bookinfo, sample)
    seen = reviews(200)
    assert set(seen) == {first, second} and low <= seen[first] <= high, seen


def test_reviews_v3(bookinfo):
    swap(bookinfo, 'virtual-service-reviews-v3.yaml')
    assert reviews(6) == {'reviews-v3': 6}


# ---- the others

def test_helloworld_gateway(world, samples):
    node = world.prepare(name='ingress')
    copy(node, samples, 'helloworld/helloworld-gateway.yaml')
    echo = world.echo('hello')
    node.write([r.service('helloworld.default.svc.cluster.local', [echo.port], port=5000)], 'added.yaml')
    node.start()
    assert ask(80, '/hello').json()['name'] == 'hello'
    assert ask(80, '/other').status == 404


def test_websockets_route(world, samples):
    import http1
    node = world.prepare(name='ingress')
    copy(node, samples, 'websockets/route.yaml')
    echo = world.echo('tornado')
    node.write([r.service('tornado.default.svc.cluster.local', [echo.port], port=8888)], 'added.yaml')
    node.start()
    with http1.Connection(80) as connection:
        connection.send(http1.head_text('GET', '/ws', 'x', {'Connection': 'Upgrade', 'Upgrade': 'websocket'}))
        assert connection.answer().status == 101
        connection.send(b'over the tunnel')
        assert connection.exactly(15) == b'over the tunnel'


def test_tcp_echo(world, samples):
    import socket
    node = world.prepare(name='ingress')
    copy(node, samples, 'tcp-echo/tcp-echo-all-v1.yaml')
    echo = world.tcp_echo()
    node.write([r.service('tcp-echo.default.svc.cluster.local', [(echo.port, {'version': 'v1'})], port=9000,
                          protocol='TCP')], 'added.yaml')
    node.start()
    with socket.create_connection(('127.0.0.1', 31400), 10) as sock:
        sock.sendall(b'world\n')
        assert sock.recv(100) == b'WORLD\n'
