"""Where rules come from goes wrong in every way; what is in force stays, and each trouble has its sentence."""
import os
import pathlib
import shutil
import socket
import subprocess

import pytest
import yaml

import resources as r
from http1 import ask
from kit import free_port, poll

WEB = 'web.default.svc.cluster.local'


def routed(number):
    return r.route(WEB, headers={'response': {'set': {'x-number': str(number)}}})


def prepared(world, **options):
    echo, port = world.echo(), free_port()
    node = world.prepare(**options)
    node.port, node.base = port, [r.gateway(port), r.service(WEB, [echo.port])]
    return node


@pytest.fixture
def node(world):
    node = prepared(world)
    node.write(node.base, 'base.yaml')
    node.write([routed(1)], 'route.yaml')
    return node.start()


def number(node):
    return ask(node.port).one('x-number')


def stays(node, sentence):
    """The sentence is in status and log, and the rules of before are in force."""
    poll(lambda: any(sentence in each['message'] for each in node.snapshot()['findings']), sentence)
    assert node.snapshot()['newerHasErrors']
    node.wait_log(sentence)
    assert number(node) == '1'


# ---- starting from the last good state

def broken(node):
    node.write('a: [', 'route.yaml')


def gone(node):
    shutil.rmtree(node.rules)


def empty_of_sense(node):
    for each in node.rules.iterdir():
        each.write_bytes(b'\0\xff\xfe')


@pytest.mark.parametrize('trouble', [broken, gone, empty_of_sense])
def test_a_start_without_its_source_serves_the_last_good_rules(node, trouble):
    node.apply([routed(2)], 'route.yaml')
    assert node.stop() == 0
    kept = {path.name: path.read_bytes() for path in node.rules.iterdir()}
    trouble(node)
    node.start()
    assert node.snapshot()['fromLastGood'] and number(node) == '2'
    node.wait_log('starting from the last good rules: ')
    for name, content in kept.items():
        node.rules.mkdir(exist_ok=True)
        (node.rules / name).write_bytes(content)
    node.write([routed(3)], 'route.yaml')
    poll(lambda: number(node) == '3', 'the source is back')
    poll(lambda: not node.snapshot()['fromLastGood'], 'status tells')


def test_after_a_kill_too(node):
    node.apply([routed(2)], 'route.yaml')
    poll(lambda: (node.folder / 'state/last-good').stat().st_mtime >= (node.rules / 'route.yaml').stat().st_mtime,
         'the last good rules are kept')
    family = node.family()
    node.process.kill()
    for pid in family:
        node.kill(pid)
    node.process.wait()
    gone(node)
    node.start()
    assert number(node) == '2'


# ---- files that are no rules

def half_written(folder):
    text = yaml.safe_dump_all([routed(2)])
    (folder / 'route.yaml').write_text(text[:len(text) // 2] + '\n  - {')
    return 'route.yaml', None


def enormous(folder):
    with open(folder / 'big.yaml', 'wb') as file:
        file.truncate(1 << 30)
    return 'big.yaml', '1073741824 bytes, at most 4194304 are read'


def fifo(folder):
    os.mkfifo(folder / 'pipe.yaml')
    return 'pipe.yaml', 'it is no regular file'


def device(folder):
    os.symlink('/dev/zero', folder / 'zero.yaml')
    return 'zero.yaml', 'it is no regular file'


def unix_socket(folder):
    with socket.socket(socket.AF_UNIX) as sock:
        here = os.getcwd()
        os.chdir(folder)  # its whole path may be too long for a socket
        try:
            sock.bind('sock.yaml')
        finally:
            os.chdir(here)
    return 'sock.yaml', 'it is no regular file'


def dangling(folder):
    os.symlink('nowhere', folder / 'link.yaml')
    return 'link.yaml', 'it cannot be read: No such file or directory'


ODD = [half_written, enormous, fifo, device, unix_socket, dangling]


@pytest.mark.parametrize('make', ODD)
def test_what_is_no_file_of_rules_is_told_and_loses_nothing(node, make):
    before = (node.rules / 'route.yaml').read_text()
    name, sentence = make(node.rules)
    poll(lambda: node.snapshot()['newerHasErrors'], 'the trouble is seen')
    found = [each for each in node.snapshot()['findings'] if each['level'] == 'Error']
    assert len(found) == 1 and found[0]['file'].endswith(name), found
    stays(node, sentence or found[0]['message'])
    os.unlink(node.rules / name)
    (node.rules / 'route.yaml').write_text(before.replace("'1'", "'4'"))
    poll(lambda: number(node) == '4', 'the repaired rules are in force')
    poll(lambda: not node.snapshot()['newerHasErrors'], 'the trouble is over')


def test_a_file_that_the_nodes_user_may_not_read(world):
    """Root reads everything: the node runs as another user."""
    if os.geteuid() != 0:
        pytest.skip('only root can become another user')
    node = prepared(world, user='nobody')
    node.write(node.base, 'base.yaml')
    node.write([routed(1)], 'route.yaml')
    for folder in [node.folder, *node.folder.parents]:
        if folder.stat().st_uid == 0 and str(folder).startswith('/tmp/'):
            folder.chmod(0o755)
    node.start()
    (node.rules / 'route.yaml').chmod(0o600)
    stays(node, 'Permission denied')
    (node.rules / 'route.yaml').chmod(0o644)
    node.write([routed(2)], 'route.yaml')
    poll(lambda: number(node) == '2', 'it may be read again')


def test_a_file_that_comes_and_goes(node):
    for turn in range(60):
        node.write([r.route(WEB, name='other', hosts=['other.example'])], 'fleeting.yaml')
        os.unlink(node.rules / 'fleeting.yaml')
    node.write([routed(5)], 'route.yaml')
    poll(lambda: number(node) == '5', 'the last change is in force')
    poll(lambda: not node.snapshot()['newerHasErrors'], 'there is no trouble')
    assert ' error ' not in node.log_text()


# ---- many files, mounts, full disks

def test_a_thousand_files_at_once(node):
    for each in range(1000):
        (node.rules / ('m%d.yaml' % each)).write_text(yaml.safe_dump(
            r.route(WEB, name='m%d' % each, hosts=['m%d.example' % each],
                    headers={'response': {'set': {'x-number': 'm%d' % each}}})))
    poll(lambda: ask(node.port, host='m999.example').one('x-number') == 'm999', 'all are in force')
    assert ask(node.port, host='m0.example').one('x-number') == 'm0'
    poll(lambda: len(node.snapshot()['resources']) == 1003, 'status tells of all')
    for each in range(1000):
        os.unlink(node.rules / ('m%d.yaml' % each))
    poll(lambda: len(node.snapshot()['resources']) == 3, 'all are gone')
    assert number(node) == '1'


class Mount:
    """A directory as kubelet keeps it: files are links through ..data, which is swapped by rename."""

    def __init__(self, folder):
        self.folder, self.turn = folder, 0

    def put(self, files):
        old, self.turn = '..%d' % self.turn, self.turn + 1
        fresh = '..%d' % self.turn
        (self.folder / fresh).mkdir(parents=True)
        for name, resources in files.items():
            (self.folder / fresh / name).write_text(yaml.safe_dump_all(resources))
        os.symlink(fresh, self.folder / '..data_tmp')
        os.rename(self.folder / '..data_tmp', self.folder / '..data')
        for name in files:
            if not (self.folder / name).is_symlink():
                os.symlink('..data/' + name, self.folder / name)
        if self.turn > 1:
            shutil.rmtree(self.folder / old)


def test_a_mount_is_swapped_as_a_whole(world):
    node = prepared(world)
    mount = Mount(node.rules)
    mount.put({'base.yaml': node.base, 'route.yaml': [routed(1)]})
    node.start()
    for turn in range(2, 8):
        mount.put({'base.yaml': node.base, 'route.yaml': [routed(turn)]})
        poll(lambda: number(node) == str(turn), 'turn %d is in force' % turn)
    assert node.metric('selvage_rules_rejections_total') == 0
    assert node.snapshot()['resources'][0]['file'].startswith(str(node.rules))


def test_rules_change_while_the_disk_of_the_state_is_full(world):
    if os.geteuid() != 0:
        pytest.skip('only root can mount')
    node = prepared(world)
    node.write(node.base, 'base.yaml')
    node.write([routed(1)], 'route.yaml')
    state = node.folder / 'state'
    state.mkdir(mode=0o700)
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', str(state)], check=False,
                      capture_output=True).returncode:
        pytest.skip('tmpfs cannot be mounted here')
    try:
        node.start()
        kept = (state / 'last-good').read_bytes()
        with open(state / 'ballast', 'wb', buffering=0) as ballast:
            fill(ballast)
        node.apply([routed(2)], 'route.yaml')
        assert number(node) == '2'
        node.wait_log('the rules in force will not survive the loss of their source: ')
        assert 'No space left on device' in node.log_text()
        assert (state / 'last-good').read_bytes() == kept  # never half a file in its place
        assert sorted(path.name for path in state.iterdir() if '.new-' in path.name) == []
        os.unlink(state / 'ballast')
        poll(lambda: (state / 'last-good').read_bytes() != kept, 'what is in force is kept as soon as there is room')
        assert node.log_text().count('will not survive the loss') == 1
        assert node.stop() == 0
    finally:
        node.stop()
        subprocess.run(['umount', str(state)], check=True)


def fill(file):
    try:
        while True:
            file.write(b'x' * 4096)
    except OSError:
        pass


def test_the_folder_may_be_another_one(node):
    """Deployed by swapping a link to the whole directory."""
    other = pathlib.Path(str(node.rules) + '.new')
    shutil.copytree(node.rules, other)
    (other / 'route.yaml').write_text(yaml.safe_dump(routed(9)))
    os.rename(node.rules, str(node.rules) + '.old')
    os.rename(other, node.rules)
    poll(lambda: number(node) == '9', 'the new directory is read')
