"""HTTP/1.1 through one node: framing, order, early answers, tunnels, broken requests."""
import socket
import struct
import time

import pytest

import resources as r
from http1 import Connection, ask, chunk, head_text
from kit import free_port, poll


@pytest.fixture(scope='module')
def front(shared_world):
    """A gateway with one plain listener before one workload."""
    echo = shared_world.echo()
    port = free_port()
    node = shared_world.node([r.gateway(port), r.route('web.default.svc.cluster.local'),
                              r.service('web.default.svc.cluster.local', [echo.port])])
    node.port, node.echo = port, echo
    echo.released.clear()
    return node


def test_a_request_reaches_the_workload_and_its_answer_the_client(front):
    answer = ask(front.port, '/hello?x=1', fields={'X-Thing': 'a'})
    assert answer.status == 200
    assert answer.one('x-echo') == 'echo'
    seen = front.echo.last()
    assert (seen.method, seen.path, seen.one('x-thing'), seen.one('host')) == ('GET', '/hello?x=1', 'a', 'web.example')


def test_no_route_is_404_and_no_upstream_503(shared_world, front):
    port, nobody = free_port(), free_port()
    node = shared_world.node([r.gateway(port, hosts=['a.example']),
                              r.route('gone.default.svc.cluster.local', hosts=['a.example']),
                              r.service('gone.default.svc.cluster.local', [nobody])],
                             name='lonely', rules=shared_world.folder / 'lonely-rules')
    assert ask(port, host='b.example').status == 404
    assert ask(port, '/gone', host='a.example').status == 503
    record = node.record(path='/gone')
    assert 'UF' in record['response_flags'] and record['response_code'] == 503


def test_a_connection_is_kept_alive_and_upstream_connections_are_reused(front):
    before = front.echo.connections
    with Connection(front.port) as connection:
        for i in range(20):
            assert connection.ask('/k/%d' % i).json()['path'] == '/k/%d' % i
    assert front.echo.connections - before <= 1


def test_pipelined_requests_are_answered_in_order(front):
    with Connection(front.port) as connection:
        connection.send(b''.join(head_text('GET', path, 'web.example')
                                 for path in ('/slow/150?a', '/p2', '/slow/20?c', '/p4')))
        paths = [connection.answer().json()['path'] for _ in range(4)]
    assert paths == ['/slow/150?a', '/p2', '/slow/20?c', '/p4']


def test_a_pipelined_body_is_not_taken_for_a_request(front):
    with Connection(front.port) as connection:
        inner = b'GET /smuggled HTTP/1.1\r\nHost: web.example\r\n\r\n'
        connection.send(head_text('POST', '/outer', 'web.example', {'Content-Length': len(inner)}) + inner +
                        head_text('GET', '/after', 'web.example'))
        assert [connection.answer().json()['path'] for _ in range(2)] == ['/outer', '/after']
    assert not [each for each in front.echo.requests if each.path == '/smuggled']


def test_chunks_travel_both_ways_with_their_trailer(front):
    with Connection(front.port) as connection:
        connection.send(head_text('POST', '/chunked/200000', 'web.example', {'Transfer-Encoding': 'chunked'}))
        connection.send(chunk(b'a' * 70000) + chunk(b'b' * 5) + b'0\r\nX-Sent: yes\r\n\r\n')
        answer = connection.answer()
        assert len(answer.body) == 200000
        assert front.echo.last().size == 70005
        assert connection.ask('/next').status == 200


def test_large_bodies_arrive_unchanged(front):
    body = bytes(range(256)) * 8192
    answer = ask(front.port, '/upload', 'POST', body=body)
    assert answer.json()['length'] == len(body)
    assert front.echo.last().body == body[:len(front.echo.last().body)]
    assert ask(front.port, '/bytes/3000000').body == (bytes(range(256)) * 11719)[:3000000]


def test_head_has_no_body_and_leaves_the_connection_usable(front):
    with Connection(front.port) as connection:
        answer = connection.ask('/h', 'HEAD')
        assert answer.status == 200 and int(answer.one('content-length')) > 0
        assert connection.ask('/after-head').json()['path'] == '/after-head'


def test_an_empty_answer_leaves_the_connection_usable(front):
    with Connection(front.port) as connection:
        assert connection.ask('/bytes/0').body == b''
        assert connection.ask('/after-empty').json()['path'] == '/after-empty'


def test_expect_100_continue_is_answered_before_the_body_is_sent(front):
    with Connection(front.port) as connection:
        connection.send(head_text('POST', '/expect', 'web.example', {'Expect': '100-continue', 'Content-Length': 5}))
        assert connection.head().status == 100
        connection.send(b'hello')
        answer = connection.answer()
    assert answer.status == 200 and answer.json()['length'] == 5


def test_an_early_answer_reaches_a_client_that_is_still_sending(front):
    with Connection(front.port) as connection:
        connection.send(head_text('POST', '/early', 'web.example', {'Content-Length': 50 << 20}))
        answer = connection.answer()
    assert answer.status == 413


def test_a_client_that_leaves_ends_the_upstream_request_and_is_recorded(front):
    before = front.echo.waiting
    with Connection(front.port) as connection:
        connection.send(head_text('GET', '/hold?leaver', 'web.example'))
        poll(lambda: front.echo.waiting > before, 'the workload works on it')
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))  # a reset
    record = front.record(path='/hold?leaver')
    assert 'DC' in record['response_flags'] and record['response_code'] == 0
    front.echo.release()


def test_a_client_that_only_ends_its_side_is_answered_in_full(front):
    front.echo.released.clear()
    before = front.echo.waiting
    with Connection(front.port) as connection:
        connection.send(head_text('GET', '/hold?half', 'web.example'))
        connection.sock.shutdown(socket.SHUT_WR)
        poll(lambda: front.echo.waiting > before, 'the workload works on it')
        front.echo.release()
        answer = connection.answer()
        assert answer.status == 200 and connection.sock.recv(1) == b''
    assert front.record(path='/hold?half')['response_flags'] == '-'


def test_an_upstream_that_breaks_off_is_503_with_its_flag(front):
    answer = ask(front.port, '/reset', 'POST', body=b'x')
    assert answer.status in (502, 503)
    assert front.record(path='/reset')['response_flags'] != '-'


def test_an_upgrade_becomes_a_tunnel(front):
    with Connection(front.port) as connection:
        connection.send(head_text('GET', '/ws', 'web.example', {'Connection': 'Upgrade', 'Upgrade': 'websocket',
                                                                'Sec-WebSocket-Key': 'x', 'Sec-WebSocket-Version': 13}))
        answer = connection.answer()
        assert answer.status == 101 and answer.one('upgrade').lower() == 'websocket'
        for size in (1, 1000, 300000):
            connection.send(b'\x81' * size)
            assert connection.exactly(size) == b'\x81' * size
    record = front.record(path='/ws')
    assert record['response_code'] == 101 and record['bytes_received'] == 301001


def test_a_refused_upgrade_stays_http(front):
    with Connection(front.port) as connection:
        connection.send(head_text('GET', '/ws', 'web.example', {'Connection': 'Upgrade', 'Upgrade': 'h2c'}))
        assert connection.answer().status == 426
        assert connection.ask('/still-http').status == 200


def test_hop_by_hop_fields_stay_on_their_hop(front):
    ask(front.port, '/hop', fields={'Connection': 'close, X-Private', 'X-Private': '1', 'Keep-Alive': 'x',
                                    'Proxy-Connection': 'keep-alive', 'TE': 'gzip'})
    seen = front.echo.last()
    for name in ('x-private', 'keep-alive', 'proxy-connection', 'te', 'upgrade'):
        assert seen.all(name) == [], name


def test_http_1_0_is_answered_and_closed(front):
    with Connection(front.port) as connection:
        connection.send(b'GET /old HTTP/1.0\r\nHost: web.example\r\n\r\n')
        assert connection.answer().status == 200
        assert connection.ended()


def test_connection_close_closes(front):
    with Connection(front.port) as connection:
        assert connection.ask('/bye', fields={'Connection': 'close'}).one('connection').lower() == 'close'
        assert connection.ended()


BROKEN = {
    'two_lengths': (b'POST /%s HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx', 400),
    'length_and_chunked': (b'POST /%s HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'
                           b'0\r\n\r\n', 400),
    'chunked_not_last': (b'POST /%s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n', (400, 501)),
    'bare_lf': (b'GET /%s HTTP/1.1\nHost: a\n\n', 400),
    'space_before_colon': (b'GET /%s HTTP/1.1\r\nHost : a\r\n\r\n', 400),
    'folded_line': (b'GET /%s HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n', 400),
    'no_host': (b'GET /%s HTTP/1.1\r\n\r\n', 400),
    'two_hosts': (b'GET /%s HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400),
    'nul_in_a_value': (b'GET /%s HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\n\r\n', 400),
    'unknown_version': (b'GET /%s HTTP/3.1\r\nHost: a\r\n\r\n', 505),
    'long_line': (b'GET /%s' + b'a' * 20000 + b' HTTP/1.1\r\nHost: a\r\n\r\n', 414),
    'many_fields': (b'GET /%s HTTP/1.1\r\nHost: a\r\n' + b'X-A: b\r\n' * 400 + b'\r\n', 431),
}


@pytest.mark.parametrize('name', BROKEN)
def test_a_broken_request_is_refused_closed_and_leaves_one_record(front, name):
    text, statuses = BROKEN[name]
    statuses = statuses if isinstance(statuses, tuple) else (statuses,)
    asked = len(front.echo.requests)
    with Connection(front.port) as connection:
        mine = connection.sock.getsockname()[1]
        connection.send(text.replace(b'%s', name.encode(), 1))
        assert connection.answer().status in statuses
        connection.rest()
    record = front.record(downstream_remote_address='127.0.0.1:%d' % mine)
    assert record['response_code'] in statuses and 'DPE' in record['response_flags'], record
    ask(front.port, '/after/%s' % name)
    front.record(path='/after/%s' % name)
    front.record(downstream_remote_address='127.0.0.1:%d' % mine)
    assert len(front.echo.requests) == asked + 1


def test_a_nul_in_the_path_is_400_and_never_forwarded(front):
    with Connection(front.port) as connection:
        assert connection.ask('/nul%00x').status == 400
    assert not [each for each in front.echo.requests if 'nul%00' in each.path]


def test_a_broken_chunk_in_a_body_ends_the_exchange_with_one_record(front):
    with Connection(front.port) as connection:
        connection.send(head_text('POST', '/badchunk', 'web.example', {'Transfer-Encoding': 'chunked'}) +
                        b'3\r\nabc\r\nzz\r\n')
        assert connection.answer().status == 400
        connection.rest()
    assert 'DPE' in front.record(path='/badchunk')['response_flags']


def test_a_dribbled_request_is_read_whole(front):
    with Connection(front.port) as connection:
        for byte in head_text('GET', '/dribble', 'web.example'):
            connection.send(bytes([byte]))
        assert connection.answer().json()['path'] == '/dribble'


def test_the_decided_path_is_the_forwarded_path(front):
    assert ask(front.port, '/a/./b/../c%41').status == 200
    assert front.echo.last().path in ('/a/c%41', '/a/cA')
    record = poll(lambda: [each for each in front.records() if each.get('original_path') == '/a/./b/../c%41'],
                  'its record')[0]
    assert record['path'] == front.echo.last().path


def test_tcp_goes_through_a_tcp_listener(shared_world):
    echo, port = shared_world.tcp_echo(), free_port()
    node = shared_world.node(
        [r.gateway(port, protocol='TCP'),
         r.networking('VirtualService', 'raw', {
             'hosts': ['*'], 'gateways': ['front'],
             'tcp': [{'route': [{'destination': {'host': 'raw.default.svc.cluster.local', 'port': {'number': 9}}}]}]}),
         r.service('raw.default.svc.cluster.local', [echo.port], port=9, protocol='TCP')],
        name='raw', rules=shared_world.folder / 'raw-rules')
    with socket.create_connection(('127.0.0.1', port), timeout=10) as sock:
        mine = sock.getsockname()[1]
        sock.sendall(b'hello' * 20000)
        sock.shutdown(socket.SHUT_WR)
        parts = []
        while True:
            data = sock.recv(65536)
            if not data:
                break
            parts.append(data)
    assert b''.join(parts) == b'HELLO' * 20000
    record = node.record(downstream_remote_address='127.0.0.1:%d' % mine)
    assert (record['request_protocol'], record['bytes_received'], record['bytes_sent']) == ('tcp', 100000, 100000)


def test_a_timeout_of_a_route_is_504(shared_world, front):
    port = free_port()
    front.write([r.gateway(port, name='late'),
                 r.route('web.default.svc.cluster.local', name='late', gateways=['late'], timeout='300ms')],
                'late.yaml')
    poll(lambda: ask(port, '/fast').status == 200, 'the new listener serves')
    began = time.monotonic()
    assert ask(port, '/slow/5000').status == 504
    assert time.monotonic() - began < 3
    assert 'UT' in front.record(path='/slow/5000')['response_flags']


def test_every_exchange_left_exactly_one_record(front):
    """Run last in this file: each request id is in the log once."""
    ids = [each['request_id'] for each in front.records() if each.get('request_id')]
    assert len(ids) == len(set(ids)) and len(ids) > 20


