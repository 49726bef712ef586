"""Bodies that are larger than memory, readers that are slow."""
import os
import socket
import time

import pytest

import resources as r
from http1 import Connection, ask, head_text
from kit import SANITIZED, free_port, poll

WEB = 'web.default.svc.cluster.local'
SIZE = int(float(os.environ.get('SELVAGE_BODY_GB', '0.25' if SANITIZED else '2')) * (1 << 30))
LIMIT = 50 << 20  # bytes of memory of one worker, its share of shared pages
BLOCK = bytes(1 << 20)


@pytest.fixture
def front(world):
    echo, port = world.echo(), free_port()
    node = world.node([r.gateway(port), r.route(WEB), r.service(WEB, [echo.port])])
    node.port, node.echo = port, echo
    return node


def memory(node):
    """The largest worker's proportional share, in bytes."""
    sizes = []
    for pid in node.worker_pids().values():
        with open('/proc/%d/smaps_rollup' % pid, encoding='ascii') as file:
            sizes += [int(line.split()[1]) * 1024 for line in file if line.startswith('Pss:')]
    return max(sizes)


def grown_little(node, before):
    # a sanitizer's own memory says nothing about ours
    assert SANITIZED or memory(node) < LIMIT, memory(node)
    assert memory(node) - before < LIMIT


def upload(connection, size, watch):
    sent = 0
    while sent < size:
        connection.send(BLOCK[:size - sent])
        sent += min(len(BLOCK), size - sent)
        if sent % (256 << 20) == 0:
            watch()


def test_a_huge_upload_passes_through_little_memory(front):
    before = memory(front)
    with Connection(front.port, timeout=120) as connection:
        connection.send(head_text('POST', '/sink', 'web.example', {'Content-Length': SIZE}))
        upload(connection, SIZE, lambda: grown_little(front, before))
        assert connection.answer().json()['length'] == SIZE
    grown_little(front, before)
    assert front.record(path='/sink')['bytes_received'] == SIZE


def test_a_huge_download_passes_through_little_memory(front):
    before = memory(front)
    path = '/bytes/%d' % SIZE
    with Connection(front.port, timeout=120) as connection:
        connection.send(head_text('GET', path, 'web.example'))
        assert int(connection.head().one('content-length')) == SIZE
        left = SIZE
        while left:
            part = min(left, 256 << 20)
            connection.drain(part)
            left -= part
            grown_little(front, before)
    assert front.record(path=path)['bytes_sent'] == SIZE


def settled(echo):
    """What the workload has moved once it moves no more."""
    last, since = echo.taken, time.monotonic()
    while time.monotonic() - since < 0.7:
        time.sleep(0.05)
        if echo.taken != last:
            last, since = echo.taken, time.monotonic()
    return last


def test_a_reader_that_stops_stops_the_workload_and_nobody_else(front):
    size = 400 << 20
    before = memory(front)
    with Connection(front.port, receive_buffer=65536) as slow:
        slow.send(head_text('GET', '/bytes/%d' % size, 'web.example'))
        slow.head()
        held = settled(front.echo)
        assert held < 64 << 20, 'the workload was not held back: %d bytes went' % held
        for _ in range(20):
            assert ask(front.port).status == 200
        grown_little(front, before)
        slow.drain(size)
        assert front.echo.taken >= size


def test_a_workload_that_stops_reading_stops_the_client(front):
    front.echo.gate.clear()
    with Connection(front.port) as connection:
        connection.send(head_text('POST', '/sink', 'web.example', {'Content-Length': 400 << 20}))
        connection.sock.settimeout(1)
        sent = 0
        try:
            while sent < 400 << 20:
                sent += connection.sock.send(BLOCK)
        except TimeoutError:
            pass
        assert sent < 64 << 20, 'the client was not held back'
        assert ask(front.port).status == 200
        connection.sock.settimeout(60)
        front.echo.gate.set()
        upload(connection, (400 << 20) - sent, lambda: None)
        assert connection.answer().json()['length'] == 400 << 20


def test_many_slow_readers_share_little_memory(front):
    before, count = memory(front), 64
    slow = []
    try:
        for _ in range(count):
            connection = Connection(front.port, receive_buffer=16384)
            connection.send(head_text('GET', '/bytes/%d' % (50 << 20), 'web.example'))
            slow.append(connection)
        poll(lambda: settled(front.echo) > 0, 'they have begun')
        grown_little(front, before)
        assert ask(front.port).status == 200
    finally:
        for connection in slow:
            connection.close()
    poll(lambda: len([each for each in front.records() if 'DC' in each['response_flags']]) == count,
         'each that left has its record')


def test_a_reset_in_the_middle_lets_go_of_the_workload(front):
    with Connection(front.port) as connection:
        connection.send(head_text('GET', '/bytes/%d' % (400 << 20), 'web.example'))
        connection.head()
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
    poll(lambda: not front.echo.sockets, 'the workload\'s connection is closed')
    assert ask(front.port).status == 200
