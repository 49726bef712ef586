"""Endpoints given by name: a real name server, whose answers change, stop and come back."""
import os
import pwd
import shutil
import subprocess
import time

import pytest

import resources as r
from http1 import ask
from kit import free_port, poll

HOST = 'api.names.example'
DNSMASQ = shutil.which('dnsmasq', path=os.environ.get('PATH', '') + ':/usr/sbin:/sbin')
LATE = 1  # seconds beyond the time to live within which a change is live


class NameServer:
    """dnsmasq on a port of its own, with a file of hosts and a time to live of one second."""

    def __init__(self, folder):
        self.port, self.hosts, self.process = free_port(), folder / 'hosts', None
        self.folder = folder

    def start(self):
        self.process = subprocess.Popen(
            [DNSMASQ, '--keep-in-foreground', '--conf-file=/dev/null', '--pid-file=', '--no-resolv', '--no-hosts',
             '--log-facility=' + str(self.folder / 'dnsmasq.log'), '--user=' + pwd.getpwuid(os.getuid()).pw_name,
             '--listen-address=127.0.0.1', '--bind-interfaces', '--port=%d' % self.port, '--local=/example/',
             '--local-ttl=1', '--addn-hosts=%s' % self.hosts], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self

    def says(self, *addresses, name=HOST):
        fresh = self.folder / 'hosts.new'
        fresh.write_text(''.join('%s %s\n' % (each, name) for each in addresses))
        fresh.chmod(0o644)
        os.rename(fresh, self.hosts)
        if self.process:
            self.process.send_signal(1)
        return self

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)
        self.process = None


def entry(port, resolution='DNS', endpoints=None):
    spec = {'hosts': [HOST], 'location': 'MESH_EXTERNAL', 'resolution': resolution,
            'ports': [{'number': 80, 'name': 'http', 'protocol': 'HTTP', 'targetPort': port}]}
    if endpoints:
        spec['endpoints'] = endpoints
    return r.networking('ServiceEntry', 'api', spec)


def known(node):
    rows = node.snapshot()['names']
    return rows[0] if rows else {}


@pytest.fixture
def names(world, tmp_path):
    server = world.started.keep(NameServer(tmp_path))
    return server


@pytest.fixture
def front(world, names):
    """A gateway before two workloads at one port of 127.0.0.1 and 127.0.0.2."""
    one = world.echo('one')
    two = world.echo('two', address='127.0.0.2', port=one.port)
    names.says('127.0.0.1').start()
    port = free_port()
    node = world.node([r.gateway(port), r.route(HOST + ':80'), entry(one.port)],
                      dns={'servers': ['127.0.0.1:%d' % names.port]})
    node.port, node.one, node.two = port, one, two
    return node


def who(front):
    answer = ask(front.port)
    return answer.json()['name'] if answer.status == 200 else answer.status


def test_an_answer_that_changes_is_live_within_its_time_to_live(front, names):
    before = front.snapshot()
    assert who(front) == 'one'  # from the first request on: rules wait for the first answer
    names.says('127.0.0.2')
    began = time.monotonic()
    poll(lambda: who(front) == 'two', 'the other workload answers', every=0.01)
    assert time.monotonic() - began < 1 + LATE + 0.5
    names.says('127.0.0.1', '127.0.0.2')
    poll(lambda: {who(front) for _ in range(20)} == {'one', 'two'}, 'both answer')
    now = front.snapshot()
    assert (now['revision'], now['generation']) == (before['revision'], before['generation'])
    poll(lambda: front.metric('selvage_dns_addresses', host=HOST) == 2, 'the metric tells both')
    assert front.metric('selvage_dns_lookups_total', host=HOST) >= 2
    assert front.metric('selvage_dns_answered_timestamp_seconds', host=HOST) > time.time() - 30


def test_a_server_that_is_gone_takes_nothing_away(front, names):
    assert who(front) == 'one'
    names.stop()
    poll(lambda: 'no name server can be reached' in known(front).get('problem', ''), 'the failure is told')
    for _ in range(20):
        assert who(front) == 'one'
    assert known(front)['addresses'] == ['127.0.0.1']
    poll(lambda: front.metric('selvage_dns_failures_total', host=HOST) >= 1, 'the failure is counted')
    front.wait_log(HOST + ': ')
    names.says('127.0.0.2').start()
    poll(lambda: who(front) == 'two', 'the server is asked again')
    poll(lambda: 'problem' not in known(front), 'the failure is over')


def test_a_name_that_ceases_to_exist_has_no_endpoints(front, names):
    assert who(front) == 'one'
    names.says('127.0.0.1', name='other.names.example')
    poll(lambda: who(front) == 503, 'there is nobody to answer')
    answer = ask(front.port)
    assert front.record(request_id=answer.one('x-request-id'))['response_flags'] == 'UH'
    poll(lambda: known(front)['addresses'] == [], 'the page tells that there are none')
    names.says('127.0.0.1')
    poll(lambda: who(front) == 'one', 'it exists again')


def test_endpoints_of_a_service_may_have_names(front, names):
    names.says('127.0.0.2', name='inner.names.example')
    for resolution in ('DNS', 'DNS_ROUND_ROBIN'):
        front.apply([r.gateway(front.port), r.route(HOST + ':80'),
                     entry(front.one.port, resolution, [{'address': 'inner.names.example'}])])
        assert who(front) == 'two'
    names.says('127.0.0.1', '127.0.0.2', name='inner.names.example')
    poll(lambda: len(known(front)['addresses']) == 2, 'both are known')
    for _ in range(3):
        assert who(front) in ('one', 'two')
    front.apply([r.gateway(front.port)])
    poll(lambda: front.snapshot()['names'] == [], 'nobody wants the name any more')


def test_rules_do_not_wait_for_a_server_that_is_not_there(world, names):
    """Nothing listens at its port: the other services are served all the same."""
    echo, port = world.echo(), free_port()
    node = world.node([r.gateway(port), r.route('web.default.svc.cluster.local'),
                       r.service('web.default.svc.cluster.local', [echo.port]), entry(1),
                       r.route(HOST + ':80', name='api', hosts=['api.example'])],
                      dns={'servers': ['127.0.0.1:%d' % names.port]})
    assert ask(port).status == 200
    assert ask(port, host='api.example').status == 503
    node.wait_log('no name server can be reached')


def test_a_restart_without_a_server_serves_the_addresses_of_before(front, names):
    began = time.time()
    names.says('127.0.0.2')
    poll(lambda: who(front) == 'two', 'the other workload answers')
    poll(lambda: (front.folder / 'state' / 'names').stat().st_mtime > began, 'the new address is written down')
    names.stop()
    front.kill(front.control_pid())
    front.wait_log('no name server can be reached')
    for _ in range(20):
        assert who(front) == 'two'
    poll(lambda: known(front)['addresses'] == ['127.0.0.2'], 'the page tells them')
    assert who(front) == 'two'
