"""A new version takes over: nobody is refused, nobody is cut off; and when it cannot, nothing has happened."""
import os
import shutil
import signal
import subprocess
import threading

import pytest

import resources as r
from http1 import Connection, ask, head_text
from kit import PATIENCE, SANITIZED, free_port, poll, scaled
from load import Load
from node import SELVAGE, NotifySocket

WEB = 'web.default.svc.cluster.local'


def routed(number):
    return r.route(WEB, headers={'response': {'set': {'x-revision': str(number)}}})


def prepared(world, **settings):
    """A node whose program can be replaced."""
    echo, port = world.echo(), free_port()
    echo.keep_requests = False
    program = world.folder / 'selvage'
    shutil.copy(SELVAGE, program)
    node = world.prepare(binary=str(program), **{'drainSpread': '1s', 'upgradeTimeout': '30s', **settings})
    node.port, node.echo, node.program = port, echo, program
    node.base = [r.gateway(port), r.service(WEB, [echo.port])]
    node.write([*node.base, routed(0)])
    return node


@pytest.fixture
def front(world):
    return prepared(world).start()


def replace(node, content=None):
    """What a package does: another file under the same name."""
    fresh = node.program.with_suffix('.new')
    if content is None:
        shutil.copy(SELVAGE, fresh)
    else:
        fresh.write_text(content)
        fresh.chmod(0o755)
    os.replace(fresh, node.program)


def upgrade(node):
    return subprocess.run([SELVAGE, 'upgrade', '-c', str(node.config)], capture_output=True, text=True,
                          timeout=4 * PATIENCE, check=False)


def upgraded(node):
    """The process that serves now."""
    done = upgrade(node)
    assert done.returncode == 0, (done.stderr, node.log_text())
    assert done.stdout.startswith('upgraded: process '), done.stdout
    return int(done.stdout.split()[2])


def is_alive(pid):
    try:
        with open('/proc/%d/stat' % pid, encoding='ascii') as file:
            return file.read().rpartition(')')[2].split()[0] != 'Z'
    except OSError:
        return False


def test_upgrades_and_reloads_under_load_cost_no_request(front):
    seen = set()
    mine = lambda _: ((), lambda answer: seen.add(answer.one('x-revision')))
    supervisors = [front.process.pid]
    with Load(front.port, 16, choose=mine) as steady, Load(front.port, 8, choose=mine, keep=False) as brief:
        for number in range(1, 4):
            steady.wait(scaled(200))
            brief.wait(scaled(50))
            replace(front)
            supervisors.append(upgraded(front))
            front.apply([*front.base, routed(number)])
            poll(lambda: ask(front.status, '/healthz/ready', host='127.0.0.1').status == 200, 'it is ready')
        steady.wait(scaled(200))
    for load in (steady, brief):
        assert not load.failures and not load.refused and set(load.statuses) == {200}, load.failures
    assert seen <= {'0', '1', '2', '3'} and '3' in seen
    assert len(set(supervisors)) == 4
    poll(lambda: not is_alive(supervisors[1]) and not is_alive(supervisors[2]), 'those between have gone')
    assert is_alive(front.process.pid) and is_alive(supervisors[3])
    front.process.send_signal(signal.SIGTERM)  # to the first: it means the last
    assert front.process.wait(PATIENCE) == 0
    assert not is_alive(supervisors[3])


def test_what_is_under_way_ends_where_it_began(front):
    """A tunnel and a slow request live through an upgrade; who asks on an old connection is told to leave."""
    with Connection(front.port) as tunnel, Connection(front.port) as slow, Connection(front.port) as idle:
        tunnel.send(head_text('GET', '/ws', 'web.example', {'Connection': 'Upgrade', 'Upgrade': 'websocket'}))
        assert tunnel.answer().status == 101
        assert idle.ask().one('connection') is None
        slow.send(head_text('POST', '/', 'web.example', {'Content-Length': '4'}) + b'ab')
        upgraded(front)
        last = idle.ask()
        assert last.status == 200 and last.one('connection') == 'close'
        assert idle.ended()
        slow.send(b'cd')
        assert slow.answer('POST').status == 200
        tunnel.send(b'still')
        assert tunnel.exactly(5) == b'still'


def test_idle_connections_are_let_go_one_by_one(world):
    front = prepared(world, drainSpread='2s', workers=1).start()
    connections = [Connection(front.port) for _ in range(10)]
    for each in connections:
        assert each.ask().status == 200
    upgraded(front)
    open_now = []

    def all_ended():
        open_now.append(sum(not has_ended(each) for each in connections))
        return open_now[-1] == 0
    poll(all_ended, 'all are let go', every=0.1)
    assert len(set(open_now)) >= 4, open_now  # not all at once
    for each in connections:
        each.close()


def has_ended(connection):
    connection.sock.setblocking(False)
    try:
        return connection.sock.recv(1) == b''
    except BlockingIOError:
        return False


BAD = {
    'no_program': ('neither a script nor a program', 'cannot be executed'),
    'ends': ('#!/bin/sh\nexit 3\n', 'ended with status 3 before it was ready'),
    'crashes': ('#!/bin/sh\nkill -SEGV $$\n', 'was ended by signal 11 before it was ready'),
    'hangs': ('#!/bin/sh\nexec sleep 1000\n', 'was not ready within 1000 ms'),
}


@pytest.mark.parametrize('name', BAD)
def test_a_program_that_does_not_get_ready_changes_nothing(world, name):
    content, word = BAD[name]
    front = prepared(world, **({'upgradeTimeout': '1s'} if name == 'hangs' else {})).start()
    before = front.snapshot()['workers']
    replace(front, content)
    with Connection(front.port) as old:
        assert old.ask().status == 200
        done = upgrade(front)
        assert done.returncode == 69 and done.stdout == '', done
        assert word in done.stderr and done.stderr.endswith('the node goes on as it is\n'), done.stderr
        assert old.ask().one('connection') is None
    assert word in front.log_text()
    assert [each['pid'] for each in front.snapshot()['workers']] == [each['pid'] for each in before]
    assert ask(front.port).status == 200
    if name == 'ends':
        replace(front)
        upgraded(front)
        assert ask(front.port).status == 200


def test_settings_and_rules_that_are_wrong_change_nothing(front):
    good = front.config.read_text()
    front.config.write_text(good + 'nonsense: 1\n')
    done = subprocess.run([SELVAGE, 'upgrade', '-c', str(front.config)], capture_output=True, text=True,
                          timeout=PATIENCE, check=False)
    assert done.returncode == 65 and 'nonsense' in done.stderr
    front.config.write_text(good.replace('state: ', 'trustDomain: other.example\nstate: '))
    front.write('a: [', 'wrong.yaml')  # the last good rules are taken instead
    upgraded(front)
    poll(lambda: front.snapshot()['fromLastGood'], 'the new node tells what it began with')
    assert ask(front.port).status == 200


@pytest.mark.parametrize('before,after', [(1, 3), (3, 1)])
def test_the_number_of_workers_may_change(world, before, after):
    front = prepared(world, workers=before).start()
    with Load(front.port, 8, keep=False) as load:
        load.wait(scaled(100))
        front.settings['workers'] = front.workers = after
        front.config.write_text(__import__('yaml').safe_dump(front.settings, sort_keys=False))
        upgraded(front)
        # the one before may answer once more
        poll(lambda: len(front.snapshot()['workers']) == after, 'the new node tells of its workers')
        load.wait(scaled(200))
    assert not load.failures and not load.refused and set(load.statuses) == {200}


def test_systemd_follows_to_the_new_process(world):
    listener = world.started.keep(NotifySocket(world.folder))
    front = prepared(world, notify=listener.path)
    front.start()
    listener.until('READY=1')
    pid = upgraded(front)
    listener.until('MAINPID=%d' % pid)
    assert front.process.wait(PATIENCE) == 0  # nobody waits for it: systemd has been told
    assert ask(front.port).status == 200
    os.kill(pid, signal.SIGTERM)
    listener.until('STOPPING=1')
    poll(lambda: not is_alive(pid), 'it ends')


def test_the_node_ends_with_its_first_process(front):
    pid = upgraded(front)
    poll(lambda: len(front.family()) == 1, 'only the keeper and its successor are left')
    front.process.kill()
    front.process.wait()
    poll(lambda: not is_alive(pid), 'the successor ends too')


def test_one_upgrade_at_a_time(world):
    front = prepared(world, upgradeTimeout='2s').start()
    replace(front, '#!/bin/sh\nexec sleep 1000\n')
    first = []
    thread = threading.Thread(target=lambda: first.append(upgrade(front)))
    thread.start()
    front.wait_log('upgrade: process')
    second = upgrade(front)
    assert second.returncode == 75 and 'under way already' in second.stderr
    thread.join()
    assert first[0].returncode == 69
