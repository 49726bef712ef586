"""What routes answer, change and spoil on purpose, in a running node."""
import time

import pytest

import pki
import resources as r
from test_45_features import EXT, WEB, Front, TlsEcho, rule, to, virtual

ALWAYS = {'percentage': {'value': 100}}
CORS = {'allowOrigins': [{'exact': 'https://page.example'}, {'regex': r'https://[a-z]+\.wide\.example'}],
        'allowMethods': ['PUT'], 'allowHeaders': ['x-a', 'x-b'], 'exposeHeaders': ['x-e'], 'maxAge': '1h',
        'allowCredentials': True, 'unmatchedPreflights': 'IGNORE'}


@pytest.fixture(scope='module')
def front(shared_world):
    echo = shared_world.echo('one')
    return Front(shared_world, [r.service(WEB, [echo.port]), virtual([
        {'match': [{'uri': {'prefix': '/moved'}}],
         'redirect': {'uri': '/here', 'authority': 'new.example', 'scheme': 'https', 'redirectCode': 302},
         'headers': {'response': {'set': {'x-why': 'moved'}}}},
        {'match': [{'uri': {'prefix': '/old'}}], 'redirect': {'prefixRewrite': '/new'}},
        {'match': [{'uri': {'prefix': '/port'}}], 'redirect': {'derivePort': 'FROM_REQUEST_PORT'}},
        {'match': [{'uri': {'exact': '/fixed'}}], 'directResponse': {'status': 418, 'body': {'string': 'a teapot'}},
         'headers': {'response': {'set': {'content-type': 'text/tea'}}}},
        {'match': [{'uri': {'exact': '/bytes'}}], 'directResponse': {'status': 200, 'body': {'bytes': 'AAH/'}}},
        {'match': [{'uri': {'prefix': '/broken'}}], 'route': [to(WEB)], 'fault': {'abort': {'httpStatus': 555, **ALWAYS}}},
        {'match': [{'uri': {'prefix': '/busy'}}], 'route': [to(WEB)],
         'fault': {'abort': {'grpcStatus': 'UNAVAILABLE', **ALWAYS}}},
        {'match': [{'uri': {'prefix': '/half'}}], 'route': [to(WEB)],
         'fault': {'abort': {'httpStatus': 500, 'percentage': {'value': 50}}}},
        {'match': [{'uri': {'prefix': '/late'}}], 'route': [to(WEB)],
         'fault': {'delay': {'fixedDelay': '0.4s', **ALWAYS}}},
        {'match': [{'uri': {'prefix': '/cors'}}], 'route': [to(WEB)], 'corsPolicy': CORS},
        {'match': [{'uri': {'prefix': '/v'}}], 'route': [to(WEB)],
         'rewrite': {'uriRegexRewrite': {'match': '^/v([0-9]+)/(.*)$', 'rewrite': r'/\2/of/\1'}}},
    ])])


def test_redirects(front):
    answer = front.ask('/moved/x?q=1')
    assert (answer.status, answer.one('location')) == (302, 'https://new.example/here?q=1')
    assert answer.one('x-why') == 'moved'
    assert front.ask('/old/x?q', host='a.example:1').one('location') == 'http://a.example:1/new/x?q'
    answer = front.ask('/port/x', host='a.example')
    assert (answer.status, answer.one('location')) == (301, 'http://a.example:%d/port/x' % front.port)


def test_fixed_responses(front):
    answer = front.ask('/fixed', fields={'Accept': 'application/json'})
    assert (answer.status, answer.body, answer.one('content-type')) == (418, b'a teapot', 'text/tea')
    assert front.ask('/bytes').body == b'\x00\x01\xff'
    record = front.node.record(path='/bytes')
    assert record['response_code_details'] == 'direct_response'


def test_faults(front):
    answer = front.ask('/broken')
    assert (answer.status, answer.body) == (555, b'fault filter abort')
    record = front.node.record(path='/broken')
    assert (record['response_flags'], record['response_code_details']) == ('FI', 'fault_filter_abort')
    assert front.ask('/busy').status == 503
    answer = front.ask('/busy', method='POST', body=b'', fields={'Content-Type': 'application/grpc'})
    assert (answer.status, answer.one('grpc-status')) == (200, '14')
    count = sum(front.ask('/half').status == 500 for _ in range(100))
    assert 25 <= count <= 75, count
    began = time.monotonic()
    assert front.ask('/late').status == 200
    assert time.monotonic() - began >= 0.4
    assert front.node.record(path='/late')['response_flags'] == 'DI'


def test_pages_of_other_origins(front):
    preflight = {'Access-Control-Request-Method': 'PUT'}
    answer = front.ask('/cors', method='OPTIONS', fields={'Origin': 'https://page.example', **preflight})
    assert answer.status == 200 and answer.body == b''
    assert {name: answer.one('access-control-' + name) for name in (
        'allow-origin', 'allow-methods', 'allow-headers', 'expose-headers', 'max-age', 'allow-credentials')} == {
            'allow-origin': 'https://page.example', 'allow-methods': 'PUT', 'allow-headers': 'x-a,x-b',
            'expose-headers': 'x-e', 'max-age': '3600', 'allow-credentials': 'true'}
    answer = front.ask('/cors', fields={'Origin': 'https://a.wide.example'})
    assert answer.json()['name'] == 'one' and answer.one('access-control-allow-origin') == 'https://a.wide.example'
    assert answer.one('access-control-allow-methods') is None
    for fields in ({'Origin': 'https://evil.example'}, {'Origin': 'https://page.example.evil'}, {}):
        assert front.ask('/cors', fields=fields).one('access-control-allow-origin') is None
    answer = front.ask('/cors', method='OPTIONS', fields={'Origin': 'https://evil.example', **preflight})
    assert answer.status == 200 and answer.body == b'' and answer.one('access-control-allow-origin') is None


def test_paths_by_expression(front):
    assert front.ask('/v12/a/b?c=/v3/').json()['path'] == '/a/b/of/12?c=/v3/'
    assert front.ask('/vx/a').json()['path'] == '/vx/a'


def test_tls_to_upstreams_by_files(world, tmp_path):
    ca, stranger = pki.Authority(), pki.Authority('stranger')
    server = world.started.keep(TlsEcho(ca, ca.leaf(dns=[EXT]), tmp_path))
    mutual = world.started.keep(TlsEcho(ca, ca.leaf(dns=[EXT]), tmp_path, demand=True))
    for name, authority in (('ca.pem', ca), ('stranger.pem', stranger)):
        (tmp_path / name).write_text(authority.pem)
    roots, foreign = str(tmp_path / 'ca.pem'), str(tmp_path / 'stranger.pem')
    certificate, key = (str(each) for each in ca.leaf(dns=['client.example']).write(tmp_path, 'client'))
    front = Front(world, [r.service(EXT, [server.port], location='MESH_EXTERNAL'), r.route(EXT)], workers=1)

    def ask_with(port, **tls):
        front.node.apply([r.gateway(front.port), r.service(EXT, [port], location='MESH_EXTERNAL'), r.route(EXT),
                          rule(EXT, tls=tls)])
        return front.ask(host='in.example')
    assert ask_with(server.port, mode='SIMPLE', caCertificates=roots).json()['sni'] == EXT
    assert ask_with(server.port, mode='SIMPLE', caCertificates=foreign).status == 503
    assert ask_with(server.port, mode='SIMPLE', caCertificates=str(tmp_path / 'none.pem')).status == 503
    files = {'clientCertificate': certificate, 'privateKey': key}
    answer = ask_with(mutual.port, mode='MUTUAL', caCertificates=roots, **files)
    assert answer.json()['peer'] == 'client.example'
    assert ask_with(mutual.port, mode='SIMPLE', caCertificates=roots).status == 503
