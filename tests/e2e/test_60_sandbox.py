"""What a worker may do to the system: nothing but move bytes."""
import os
import resource
import signal

import pytest

import node as nodes
import resources as r
from http1 import ask
from kit import SANITIZED, free_port, poll

WEB = 'web.default.svc.cluster.local'
PROBE = os.environ.get('SELVAGE_PROBE') or os.path.join(nodes.FOLDER, '../../build-probe/selvage')
CALLS = ['openat', 'execve', 'ptrace', 'bind', 'socket', 'mprotect']  # in the order of the worker's signals


def serving(world, **options):
    echo, port = world.echo(), free_port()
    node = world.node([r.gateway(port), r.route(WEB), r.service(WEB, [echo.port])], **options)
    node.port = port
    return node


@pytest.fixture(scope='module')
def front(shared_world):
    return serving(shared_world)


def status_of(pid):
    with open('/proc/%d/status' % pid, encoding='ascii') as file:
        return dict(line.rstrip('\n').split(':\t', 1) for line in file if ':\t' in line)


def test_workers_have_no_capability_no_new_privileges_and_a_filter_on_every_thread(front):
    for pid in front.worker_pids().values():
        threads = os.listdir('/proc/%d/task' % pid)
        for thread in threads:
            status = status_of(int(thread))
            for name in ('CapInh', 'CapPrm', 'CapEff', 'CapAmb'):
                assert int(status[name], 16) == 0, (name, status[name])
            assert status['NoNewPrivs'].strip() == '1'
            assert status['Seccomp'].strip() == '2', thread


def files_of(pid):
    targets = []
    for name in os.listdir('/proc/%d/fd' % pid):
        try:
            targets.append(os.readlink('/proc/%d/fd/%s' % (pid, name)))
        except FileNotFoundError:
            pass
    return targets


def is_file(target):
    return target.startswith('/') and not target.startswith(('/memfd:', '/dev/null', '/dev/pts'))


def test_workers_hold_no_file_but_the_log(front):
    for _ in range(20):
        ask(front.port)
    for pid in front.worker_pids().values():
        files = {target for target in files_of(pid) if is_file(target)}
        assert files <= {str(front.log), os.path.realpath(front.log)}, files


def test_workers_hold_no_private_key_file_mapped_and_no_page_that_is_written_and_run(front):
    for pid in front.worker_pids().values():
        with open('/proc/%d/maps' % pid, encoding='utf-8') as file:
            rows = [line.split(None, 5) for line in file]
        both = [row for row in rows if 'w' in row[1] and 'x' in row[1]]
        assert both == []


def test_workers_cannot_be_looked_into(front):
    """Not dumpable: what lies in /proc of it belongs to root, and a core is never written."""
    for pid in front.worker_pids().values():
        with open('/proc/%d/limits' % pid, encoding='ascii') as file:
            core = [line for line in file if line.startswith('Max core file size')][0].split()
        assert core[4] == '0' and core[5] == '0'


def test_the_supervisor_parses_nothing_and_holds_the_listeners(front):
    sockets = [target for target in files_of(front.process.pid) if target.startswith('socket:')]
    assert sockets


@pytest.fixture(scope='module')
def probed(shared_world):
    if SANITIZED:
        pytest.skip('the sanitizers need calls that are forbidden otherwise')
    if not os.access(PROBE, os.X_OK):
        pytest.skip('there is no probe build: meson setup build-probe -Dprobe=true, or set SELVAGE_PROBE')
    return serving(shared_world, name='probed', binary=PROBE, rules=shared_world.folder / 'probed-rules')


def serves(node, old):
    now = node.snapshot()
    return [each for each in now['workers']
            if each['index'] == 0 and each['pid'] != old and each['rules'] == now['generation']]


@pytest.mark.parametrize('call', CALLS)
def test_a_worker_that_makes_a_forbidden_call_dies_and_is_replaced(probed, call):
    ended = probed.log_text().count('SIGSYS')
    old = probed.worker_pids()[0]
    os.kill(old, signal.SIGRTMIN + CALLS.index(call))
    probed.wait_log('SIGSYS', ended + 1)
    assert '(pid %d) was ended by signal 31 (SIGSYS)' % old in probed.log_text()
    poll(lambda: serves(probed, old), 'the worker is back and has loaded the rules')
    assert ask(probed.port).status == 200


def test_an_ordinary_build_has_no_probes(front):
    """There the probe's signals end the worker themselves: nothing of ours listens for them."""
    pid = front.worker_pids()[0]
    caught = int(status_of(pid)['SigCgt'], 16)
    assert all(not caught >> (signal.SIGRTMIN + i - 1) & 1 for i in range(len(CALLS)))


def test_control_leaves_no_core(world):
    """It holds the keys of the node and, for a moment, the authority's."""
    resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
    node = world.node([r.gateway(free_port())])
    with open('/proc/%d/limits' % node.control_pid(), encoding='ascii') as file:
        core = [line.split()[4:6] for line in file if line.startswith('Max core')]
    assert core == [['0', '0']]
