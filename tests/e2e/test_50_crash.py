"""Processes that die: what it costs, and what it does not."""
import http.server
import os
import signal
import threading

import pytest

import pki
import resources as r
from http1 import Connection, ask, head_text
from kit import SANITIZED, free_port, poll, scaled
from load import Load

LISTENING = '0A'  # in /proc/net/tcp
WEB = 'web.default.svc.cluster.local'


@pytest.fixture
def front(world):
    echo, port = world.echo(), free_port()
    echo.keep_requests = False
    node = world.node([r.gateway(port), r.route(WEB), r.service(WEB, [echo.port])])
    node.port, node.echo = port, echo
    return node


def sockets_of(pid):
    inodes = set()
    for name in os.listdir('/proc/%d/fd' % pid):
        try:
            target = os.readlink('/proc/%d/fd/%s' % (pid, name))
        except OSError:
            continue
        if target.startswith('socket:['):
            inodes.add(target[8:-1])
    return inodes


def clients_of(pid, port):
    """The clients' ports of the connections that this worker holds on a listener."""
    inodes, ports = sockets_of(pid), set()
    with open('/proc/net/tcp', encoding='ascii') as file:
        for line in list(file)[1:]:
            columns = line.split()
            if int(columns[1].split(':')[1], 16) == port and columns[9] in inodes and columns[3] != LISTENING:
                ports.add(int(columns[2].split(':')[1], 16))
    return ports


def test_a_killed_worker_costs_its_own_connections_and_nothing_else(front):
    """Twenty times under 64 connections: who failed had a connection to the one that died; nobody is refused."""
    times = 5 if SANITIZED else 20  # a worker that ends again and again waits longer and longer
    held, count = set(), 0
    with Load(front.port, 64) as load:
        load.wait(scaled(500))
        for turn in range(times):
            pids = front.worker_pids()
            index = turn % 2
            os.kill(pids[index], signal.SIGSTOP)  # so that what it holds stays as it is
            mine = clients_of(pids[index], front.port)
            held |= mine
            count += len(mine)
            os.kill(pids[index], signal.SIGKILL)
            poll(lambda i=index, old=pids[index]: front.worker_pids().get(i) not in (None, old),
                 'worker %d is back' % index)
            load.wait(scaled(200))
        failed = set(load.failed_ports)
    assert load.refused == 0
    assert None not in failed, 'a connection could not be made: %r' % load.failures
    assert failed <= held, failed - held
    assert len(load.failed_ports) <= count
    assert set(load.statuses) == {200}
    assert front.log_text().count('was ended by signal 9') == times


def test_both_workers_serve_and_a_new_one_serves_too(front):
    def workers_seen(since):
        return {record['worker'] for record in front.records()[since:]}
    for _ in range(60):
        ask(front.port)
    poll(lambda: workers_seen(0) == {0, 1}, 'both workers have served')
    os.kill(front.worker_pids()[0], signal.SIGKILL)
    poll(lambda: len(front.snapshot()['workers']) == 2, 'the worker is back')
    since = len(front.records())

    def again():
        ask(front.port)
        return 0 in workers_seen(since)
    poll(again, 'the new worker serves')


def test_a_killed_control_costs_no_request_and_comes_back(front):
    with Load(front.port, 32) as load:
        load.wait(scaled(300))
        for _ in range(3):
            old = front.control_pid()
            os.kill(old, signal.SIGKILL)
            load.wait(scaled(100))
            poll(lambda o=old: front.is_ready() and front.control_pid() != o, 'control is back')
            load.wait(scaled(100))
    assert not load.failures and not load.refused and set(load.statuses) == {200}
    extra = free_port()
    front.apply([r.gateway(extra, name='extra'), r.route(WEB, name='extra', gateways=['extra'])], 'extra.yaml')
    assert ask(extra).status == 200


class Provider(http.server.BaseHTTPRequestHandler):
    keys = b''

    def do_GET(self):
        self.send_response(200)
        self.send_header('content-length', str(len(self.keys)))
        self.end_headers()
        self.wfile.write(self.keys)

    def log_message(self, *_):
        pass


def test_a_killed_control_takes_no_keys_from_the_workers(world, tmp_path):
    """Neither the provider's, nor those of assertions, nor the certificate; not even when the provider is away."""
    issuer, side, front, echo = pki.Issuer(keys=[pki.Key('ES256')]), free_port(), free_port(), world.echo()
    Provider.keys = issuer.key_set().encode()
    provider = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Provider)
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    identity = {'cacerts': {'directory': str(pki.Authority().cacerts(tmp_path / 'cacerts'))}}
    edge = world.prepare(role='edge', identity=identity)
    edge.write([r.gateway(front), r.route(WEB), r.service(WEB, [side], mesh=True, account='web'),
                r.sidecar(side, echo.port), r.mutual_tls('STRICT'),
                r.own('Assertion', 'assertion', {'issuer': 'https://edge.example', 'audiences': ['web']}),
                r.tokens([{'issuer': issuer.name, 'audiences': ['web'],
                           'jwksUri': 'http://127.0.0.1:%d/' % provider.server_port}])])
    edge.start()
    world.node(name='side', role='sidecar', account='web', labels={'app': 'web'}, identity=identity)
    fields = pki.bearer(issuer.token(aud='web'))
    poll(lambda: ask(front, fields=fields).status == 200, 'the way is open')
    with Load(front, 16, fields=fields) as load:
        load.wait(scaled(200))
        for away in (False, True):
            if away:
                provider.shutdown()
                provider.server_close()
            old = edge.control_pid()
            os.kill(old, signal.SIGKILL)
            load.wait(scaled(100))
            poll(lambda o=old: edge.is_ready() and edge.control_pid() != o, 'control is back')
            load.wait(scaled(100))
    assert not load.failures and not load.refused and set(load.statuses) == {200}


def test_records_go_on_after_control_came_back(front):
    os.kill(front.control_pid(), signal.SIGKILL)
    poll(front.is_ready, 'control is back')
    assert ask(front.port, '/after-control').status == 200
    front.record(path='/after-control')


def test_when_the_supervisor_is_killed_nothing_stays_behind(front):
    family = front.family()
    assert len(family) == 3
    front.process.kill()
    front.process.wait()

    def gone(pid):
        try:
            with open('/proc/%d/stat' % pid, encoding='ascii') as file:
                return file.read().rsplit(')', 1)[1].split()[0] == 'Z'
        except OSError:
            return True

    def closed():
        try:
            Connection(front.port, timeout=2).close()
        except ConnectionRefusedError:
            return True
        return False
    poll(lambda: all(gone(pid) for pid in family), 'the family has ended')
    poll(closed, 'nobody listens')


def test_an_upstream_that_dies_and_returns_is_used_again(world, front):
    assert ask(front.port).status == 200
    number = front.echo.port
    front.echo.close()
    assert poll(lambda: ask(front.port).status == 503, 'no upstream is 503')
    world.echo(port=number)
    poll(lambda: ask(front.port).status == 200, 'it is used again')


def test_a_listener_keeps_its_queue_while_its_worker_restarts(world):
    """One worker, killed: who connects meanwhile waits a moment and is served."""
    echo, port = world.echo(), free_port()
    node = world.node([r.gateway(port), r.route(WEB), r.service(WEB, [echo.port])], workers=1)
    pid = node.worker_pids()[0]
    os.kill(pid, signal.SIGSTOP)
    with Connection(port) as waiting:
        waiting.send(head_text('GET', '/queued', 'web.example'))
        os.kill(pid, signal.SIGKILL)
        assert waiting.answer().status == 200


