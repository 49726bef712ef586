"""What befell other proxies, each by its name; docs/cves.md says where the others are tested."""
import pytest

import resources as r
from http1 import Connection
from kit import free_port

LONG = 'a' * 270


@pytest.fixture(scope='module')
def front(shared_world):
    echo = shared_world.echo()
    port = free_port()
    node = shared_world.node([r.gateway(port), r.route('web.default.svc.cluster.local'),
                              r.service('web.default.svc.cluster.local', [echo.port])], name='cves',
                             rules=shared_world.folder / 'cves-rules')
    node.port, node.echo = port, echo
    return node


REFUSED = {
    'CVE-2021-40346, a long name before a length': ('POST / HTTP/1.1', [LONG + ': x', 'Content-Length: 60'], 431),
    'CVE-2021-40346, a name of 256 and more that ends like a length': (
        'POST / HTTP/1.1', ['Content-Length0' + LONG + ':', 'Content-Length: 60'], 431),
    'CVE-2023-25725, a field without a name': ('GET / HTTP/1.1', [': x', 'Authorization: y'], 400),
    'CVE-2023-40225, an empty length': ('POST / HTTP/1.1', ['Content-Length:'], 400),
    'CVE-2023-40225, an empty length beside another': (
        'POST / HTTP/1.1', ['Content-Length:', 'Content-Length: 3'], 400),
    'CVE-2023-45539, a fragment': ('GET /a#.png HTTP/1.1', [], 400),
    'CVE-2021-39156, a fragment in a target with an authority': (
        'GET http://web.example/a#b HTTP/1.1', [], 400),
    'CVE-2021-37147 and its kin, a length and chunks': (
        'POST / HTTP/1.1', ['Content-Length: 3', 'Transfer-Encoding: chunked'], 400),
    'CVE-2021-37147 and its kin, a list of codings that does not end in chunked': (
        'POST / HTTP/1.1', ['Transfer-Encoding: chunked, identity'], 501),
    'CVE-2021-37147 and its kin, an unknown coding': ('POST / HTTP/1.1', ['Transfer-Encoding: xchunked'], 501),
}


@pytest.mark.parametrize('name', REFUSED)
def test_a_request_that_others_misread_is_refused(front, name):
    line, fields, status = REFUSED[name]
    before = len(front.echo.requests)
    with Connection(front.port) as connection:
        connection.send('\r\n'.join([line, 'Host: web.example', *fields, '', 'GET /smuggled HTTP/1.1', 'Host: x',
                                     '', '']).encode())
        answer = connection.answer()
        assert answer.status == status
        assert answer.one('connection') == 'close'
    assert len(front.echo.requests) == before


def test_cve_2024_53868_a_chunk_line_that_ends_in_lf_alone_hides_nothing(front):
    with Connection(front.port) as connection:
        connection.send(b'POST /lf HTTP/1.1\r\nHost: web.example\r\nTransfer-Encoding: chunked\r\n\r\n'
                        b'3\nabc\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n')
        assert connection.answer().status == 400
    assert '/smuggled' not in [request.path for request in front.echo.requests]
