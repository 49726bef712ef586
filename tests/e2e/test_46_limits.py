"""Limits: each bites once, with its status, its words in the record and its counter."""
import socket
import time

import pytest

import resources as r
from http1 import Connection, ask, head_text
from kit import free_port, poll

WEB = 'web.default.svc.cluster.local'
LIMITS = {
    'request': {'lineBytes': 200, 'headBytes': 2000, 'fields': 10, 'fieldNameBytes': 40, 'headTimeout': '300ms',
                'underscores': 'REJECT_REQUEST', 'bodyBytes': 100000, 'bodyIdleTimeout': '400ms', 'bodyGrace': '500ms',
                'bodyBytesPerSecond': 1000},
    'connection': {'idleTimeout': '600ms', 'tunnelIdleTimeout': '500ms', 'requests': 5, 'tlsHandshakeTimeout': '300ms'}}


def start(world, limits, **options):
    echo, port = world.echo(), free_port()
    node = world.node([r.gateway(port), r.route(WEB), r.service(WEB, [echo.port])], role='edge', workers=1,
                      limits=limits, **options)
    node.port, node.echo = port, echo
    poll(lambda: ask(port).status == 200, 'it serves')
    return node


@pytest.fixture(scope='module')
def edge(shared_world):
    return start(shared_world, LIMITS)


def hits(node, limit):
    return node.metric('selvage_limit_hits_total', limit=limit)


def expect_hits(node, *limits):
    """A worker tells within a second."""
    poll(lambda: all(hits(node, limit) for limit in limits), 'the counters of %s' % ', '.join(limits))


HEADS = [
    ('request_line_bytes', 414, '/' + 'x' * 300, {}, 'http1.headers_too_large', 'the request line is too long'),
    ('head_bytes', 431, '/', {'a': 'x' * 3000}, 'http1.headers_too_large', 'the header section is too long'),
    ('fields', 431, '/', [('cookie', 'c%d' % i) for i in range(10)], 'http1.too_many_headers',
     'there are too many header fields'),
    ('field_name_bytes', 431, '/', {'x' * 41: '1'}, 'http1.headers_too_large', "a header's name is too long"),
    ('underscores', 400, '/', {'x_a': '1'}, 'http1.unexpected_underscore', "a header's name holds '_'"),
]


def test_heads_beyond_their_limits(edge):
    for _, status, path, fields, details, sentence in HEADS:
        assert ask(edge.port, path, fields=fields).status == status
        record = edge.record(connection_termination_details=sentence)
        assert (record['response_code'], record['response_code_details']) == (status, details)
    expect_hits(edge, *[row[0] for row in HEADS])


def test_bodies_beyond_their_limit(edge):
    for path, fields, body in (
            ('/sized', {'Content-Length': '100001'}, b''),
            ('/chunked', {'Transfer-Encoding': 'chunked'}, b'186a0\r\n' + b'x' * 100000 + b'\r\n1\r\nx\r\n')):
        with Connection(edge.port) as connection:
            connection.send(head_text('POST', path, 'a.example', fields) + body)
            assert connection.answer().status == 413
        assert edge.record(path=path)['response_code_details'] == 'request_payload_too_large'
    expect_hits(edge, 'body_bytes')


SLOW = [('head_time', 'request_header_timeout', b'GET /slow HTTP/1.1\r\n', b''),
        ('body_idle', 'request_body_timeout', head_text('POST', '/idle', 'a.example', {'Content-Length': '9'}), b''),
        ('body_rate', 'request_body_too_slow', head_text('POST', '/rate', 'a.example', {'Content-Length': '999'}), b'x')]


def test_clients_that_are_slow(edge):
    for _, details, first, again in SLOW:
        with Connection(edge.port) as connection:
            connection.send(first)
            until = time.monotonic() + 5
            connection.sock.settimeout(0.1)
            while again and not connection.buffer and time.monotonic() < until:
                connection.send(again)
                try:
                    connection.more()
                except TimeoutError:
                    pass
            connection.sock.settimeout(10)
            assert connection.answer().status == 408
        assert edge.record(response_code_details=details)['response_code'] == 408
    expect_hits(edge, *[row[0] for row in SLOW])


def test_connections_that_rest_or_have_served_enough(edge):
    with Connection(edge.port) as resting, Connection(edge.port) as busy, Connection(edge.port) as raw:
        raw.send(head_text('GET', '/ws', 'a.example', {'Connection': 'upgrade', 'Upgrade': 'websocket'}))
        assert raw.answer().status == 101
        answers = [busy.ask('/') for _ in range(5)]
        assert [answer.one('connection') for answer in answers] == [None] * 4 + ['close']
        assert busy.ended()
        assert resting.ended()
        assert raw.ended()
    expect_hits(edge, 'idle_time', 'connection_requests', 'tunnel_idle')


def served(node):
    """A connection that is taken; None while those that were closed before have not been noticed."""
    connection = Connection(node.port)
    try:
        assert connection.ask('/').status == 200
    except OSError:
        connection.close()
        return None
    return connection


def ended_at_once(port):
    with socket.create_connection(('127.0.0.1', port), 5) as sock:
        try:
            return sock.recv(1) == b''
        except ConnectionResetError:
            return True


@pytest.mark.parametrize('setting, limit, details', [
    ('perListener', 'listener_connections', 'downstream_connection_limit'),
    ('perAddress', 'address_connections', 'downstream_address_connection_limit')])
def test_connections_beyond_their_number(world, setting, limit, details):
    node = start(world, {'connection': {setting: 3}})
    held = [poll(lambda: served(node), 'there is room for another') for _ in range(3)]
    assert ended_at_once(node.port)
    expect_hits(node, limit)
    poll(lambda: [each for each in node.records() if each['response_code_details'] == details], 'a record')
    assert ask(node.status, '/healthz/ready', host='127.0.0.1').status == 200
    held.pop().close()
    poll(lambda: ask(node.port).status == 200, 'there is room again')
    for each in held:
        each.close()


def test_short_of_memory_requests_are_turned_away_and_operators_are_served(world):
    """A maximum of 32 MB for the node leaves the worker 24: some 500 heads that never end fill that."""
    node = start(world, {'memory': {'maximumBytes': 32 << 20, 'shedPercent': 50, 'refusePercent': 98},
                         'connection': {'perAddress': 0}})
    held, answer = [], None
    for _ in range(1500):
        connection = Connection(node.port)
        connection.send(b'GET /held HTTP/1.1\r\n')
        held.append(connection)
        if len(held) % 50 == 0:
            answer = ask(node.port, '/late')
            if answer.status != 200:
                break
    assert (answer.status, answer.one('retry-after'), answer.one('connection')) == (503, '1', 'close')
    record = node.record(path='/late', response_code=503)
    assert (record['response_flags'], record['response_code_details']) == ('OM', 'overload')
    expect_hits(node, 'memory_shed')
    assert ask(node.status, '/healthz/ready', host='127.0.0.1').status == 200
    for each in held:
        each.close()
    poll(lambda: ask(node.port, '/again').status == 200, 'it serves again')
