"""A node as a process: signals, systemd, exit codes, sentences."""
import os
import signal
import subprocess
import threading
import time

import pytest

import node as nodes
import resources as r
from http1 import Connection, ask, head_text
from kit import PATIENCE, free_port, poll, scaled
from load import Load

WEB = 'web.default.svc.cluster.local'


def serving(world, **options):
    echo, port = world.echo(), free_port()
    node = world.node([r.gateway(port), r.route(WEB), r.service(WEB, [echo.port])], **options)
    node.port, node.echo = port, echo
    return node


def selvage(*arguments, cwd, **environment):
    env = {key: value for key, value in os.environ.items() if key != 'SELVAGE_CONFIG'}
    return subprocess.run([nodes.SELVAGE, *arguments], cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=PATIENCE, check=False, env={**env, **environment})


def test_sigterm_lets_what_is_under_way_finish(world):
    node = serving(world)
    with Connection(node.port) as connection:
        connection.send(head_text('GET', '/hold', 'web.example'))
        poll(lambda: node.echo.waiting == 1, 'the workload works on it')
        node.process.send_signal(signal.SIGTERM)
        node.wait_log('stopping')
        poll(lambda: refused(node.port), 'nobody new is let in')
        assert node.process.poll() is None
        node.echo.release()
        answer = connection.answer()
        assert answer.status == 200
        assert connection.ended()
    assert node.process.wait(PATIENCE) == 0
    assert node.family() == []
    record = node.record(path='/hold')
    assert record['response_code'] == 200 and record['response_flags'] == '-'


def refused(port):
    try:
        with Connection(port, timeout=1) as connection:
            connection.send(head_text('GET', '/', 'x'))
            return connection.ended()
    except ConnectionRefusedError:
        return True


def test_sigterm_ends_what_does_not_finish_after_the_drain_timeout(world):
    node = serving(world, drainTimeout='1s')
    with Connection(node.port) as connection:
        connection.send(head_text('GET', '/hold', 'web.example'))
        poll(lambda: node.echo.waiting == 1, 'the workload works on it')
        began = time.monotonic()
        assert node.stop() == 0
        assert 0.9 < time.monotonic() - began < 8
    assert 'LR' in node.record(path='/hold')['response_flags']


def test_sigterm_under_load_fails_no_request_that_was_begun(world):
    node = serving(world)
    with Load(node.port, 16) as load:
        load.wait(scaled(300))
        began = time.monotonic()
        stopped = threading.Thread(target=node.stop)
        stopped.start()
        stopped.join(PATIENCE)
        assert not stopped.is_alive() and time.monotonic() - began < PATIENCE
        load.ending.set()
    assert set(load.statuses) == {200}
    # a request may be on its way to a connection that has just been ended; it was never begun here
    answered = [each for each in node.records() if each['response_code'] == 200]
    assert len(answered) == load.statuses[200]


def test_readiness_is_off_while_it_drains(world):
    node = serving(world)
    with Connection(node.port) as connection:
        connection.send(head_text('GET', '/hold', 'web.example'))
        poll(lambda: node.echo.waiting == 1, 'the workload works on it')
        node.process.send_signal(signal.SIGTERM)
        answer = poll(lambda: not_ready(node), 'it says that it is not ready')
        assert answer.status == 503 and 'draining' in answer.text()
        node.echo.release()


def not_ready(node):
    answer = ask(node.status, '/healthz/ready', host='127.0.0.1')
    return answer if answer.status != 200 else None


def test_systemd_is_told_ready_and_stopping(world):
    told = world.started.keep(nodes.NotifySocket(world.folder))
    node = serving(world, notify=told.path)
    assert 'READY=1' in told.until('READY=1')
    node.process.send_signal(signal.SIGTERM)
    told.until('STOPPING=1')
    assert node.process.wait(PATIENCE) == 0


def test_a_port_that_is_taken_is_said_and_tried_again(world):
    echo, port = world.echo(), free_port()
    taken = world.echo('taken', port=port)
    node = world.prepare()
    node.write([r.gateway(port), r.route(WEB), r.service(WEB, [echo.port])])
    node.launch()
    node.wait_log('127.0.0.1:%d cannot be listened on: Address already in use' % port)
    rows = poll(lambda: [each for each in node.snapshot()['listeners'] if each['state'] == 'failed'], 'status tells')
    assert rows[0]['port'] == port and rows[0]['problem'] == 'Address already in use'
    taken.close()
    poll(lambda: ask(port).json()['name'] == 'echo', 'it listens once the port is free')


# ---- exit codes and sentences

def test_without_configuration_one_sentence_says_what_to_do(tmp_path):
    if os.path.exists('/etc/selvage/selvage.yaml'):
        pytest.skip('this machine has a /etc/selvage/selvage.yaml')
    done = selvage('run', cwd=tmp_path)
    assert done.returncode == 64 and done.stdout == ''
    assert done.stderr.count('\n') == 1 and '`selvage demo`' in done.stderr and '`selvage init`' in done.stderr


def test_unknown_options_and_commands_are_64(tmp_path):
    for arguments in (['run', '--nonsense'], ['nonsense'], ['run', 'a', 'b']):
        done = selvage(*arguments, cwd=tmp_path)
        assert done.returncode == 64 and done.stderr, arguments


WRONG = {
    'unknown_key': ('role: edge\nrules: r\nworkerz: 2\n', ':3:10: workerz: '),
    'wrong_choice': ('rules: r\nrole: egde\n', ':2:7: role: '),
    'missing': ('role: edge\n', 'rules'),
    'out_of_range': ('role: edge\nrules: r\nworkers: 0\n', ':3:10: workers: '),
    'two_identities': ('role: edge\nrules: r\nidentity:\n  ca: {directory: a}\n  cacerts: {directory: b}\n', 'identity'),
    'no_address_range': ('role: edge\nrules: r\nfrontProxies:\n  addresses: [nonsense]\n',
                         ":4:15: frontProxies.addresses[0]: 'nonsense' is no address range such as 10.0.0.0/8"),
    'no_yaml': ('role: [\n', ':'),
}


@pytest.mark.parametrize('name', WRONG)
def test_wrong_settings_are_65_with_file_line_and_column(tmp_path, name):
    text, words = WRONG[name]
    (tmp_path / 'selvage.yaml').write_text(text)
    done = selvage('run', '-c', 'selvage.yaml', cwd=tmp_path)
    assert done.returncode == 65, done.stderr
    assert done.stderr.startswith('selvage.yaml') and words in done.stderr, done.stderr
    assert done.stdout == ''


def test_settings_are_found_here_and_in_the_environment(tmp_path):
    elsewhere = tmp_path / 'elsewhere.yaml'
    elsewhere.write_text('role: wrong\nrules: r\n')
    assert selvage('run', cwd=tmp_path, SELVAGE_CONFIG=str(elsewhere)).stderr.startswith(str(elsewhere) + ':1:7: ')
    (tmp_path / 'selvage.yaml').write_text('role: wronger\nrules: r\n')
    assert 'wronger' in selvage('run', cwd=tmp_path).stderr


def test_analyze_exits_0_and_1_and_names_places(tmp_path):
    good, bad = tmp_path / 'good.yaml', tmp_path / 'bad.yaml'
    nodes.rules_write(tmp_path, [r.gateway(8080), r.route(WEB), r.service(WEB, [1])], 'good.yaml')
    nodes.rules_write(tmp_path, [r.policy('p', 'PERHAPS', [])], 'bad.yaml')
    assert selvage('analyze', str(good), cwd=tmp_path).returncode == 0
    done = selvage('analyze', str(bad), cwd=tmp_path)
    assert done.returncode != 0 and 'PERHAPS' in done.stdout + done.stderr
    assert 'bad.yaml' in done.stdout + done.stderr


def test_analyze_looks_at_resources_together(tmp_path):
    rules = tmp_path / 'rules.yaml'
    nodes.rules_write(tmp_path, [r.gateway(8080), r.route('nobody.example'), r.service(WEB, [1])], 'rules.yaml')
    done = selvage('analyze', str(rules), cwd=tmp_path)
    assert done.returncode == 79 and 'Error [IST0101] (VirtualService ' in done.stdout
    assert selvage('analyze', '-S', 'IST0101=*', str(rules), cwd=tmp_path).returncode == 0
    assert '* virtualservice.DestinationHostAnalyzer:' in selvage('analyze', '-L', cwd=tmp_path).stdout


# ---- the admin server

@pytest.fixture(scope='module')
def admin(shared_world):
    return serving(shared_world)


def test_admin_answers_only_to_loopback_names(admin):
    assert ask(admin.admin, '/snapshot', host='evil.example').status == 403
    assert ask(admin.admin, '/snapshot', host='localhost:%d' % admin.admin).status == 200


def test_admin_changes_want_their_header(admin):
    assert ask(admin.admin, '/logging?level=debug', 'POST', '127.0.0.1', body=b'').status == 403
    assert admin.post('/logging?level=debug').status == 200
    assert admin.post('/logging?level=nonsense').status == 400
    assert ask(admin.admin, '/logging?level=info', host='127.0.0.1').status == 405


def test_admin_shows_no_secret(admin):
    for path in ('/snapshot', '/certs', '/stats/prometheus', '/help'):
        text = ask(admin.admin, path, host='127.0.0.1').text()
        assert 'PRIVATE' not in text and text
