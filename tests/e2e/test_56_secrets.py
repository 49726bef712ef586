"""Secrets that no rule holds: laid down as files, given by systemd, kept in the sealed store; never seen again."""
import json
import os
import resource
import shutil
import signal
import subprocess

import pytest

import node as nodes
import pki
import resources as r
from http1 import Connection
from kit import PATIENCE, free_port, poll

WEB = 'web.default.svc.cluster.local'
HOST = 'a.example'


@pytest.fixture(scope='module')
def ca():
    return pki.Authority()


def server(port):
    return {'port': {'number': port, 'name': 'https', 'protocol': 'HTTPS'}, 'bind': '127.0.0.1', 'hosts': [HOST],
            'tls': {'mode': 'SIMPLE', 'credentialName': 'web-cert'}}


def node_of(world, **settings):
    echo, port = world.echo(), free_port()
    node = world.prepare(**settings)
    node.write([r.gateway(port, servers=[server(port)]), r.route(WEB), r.service(WEB, [echo.port])])
    node.port = port
    return node


def served(node, ca):
    """The serial number of the certificate that it serves with; None: it refuses."""
    try:
        with Connection(node.port, tls=pki.client_context(ca), sni=HOST) as connection:
            return int(connection.sock.getpeercert()['serialNumber'], 16)
    except OSError:
        return None


def lay_down(folder, leaf):
    """As kubelet does it: files are links through ..data, which is swapped as a whole."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / ('..%d' % len(list(folder.iterdir())))
    fresh.mkdir()
    (fresh / 'tls.crt').write_text(leaf.chain)
    (fresh / 'tls.key').write_text(leaf.key)
    (folder / '..new').symlink_to(fresh.name)
    os.rename(folder / '..new', folder / '..data')
    for name in ('tls.crt', 'tls.key'):
        if not (folder / name).is_symlink():
            (folder / name).symlink_to('..data/' + name)


def secret(node, *operands, given=None):
    return subprocess.run([nodes.SELVAGE, 'secret', '-c', str(node.config), *operands], input=given,
                          capture_output=True, text=True, timeout=PATIENCE, check=False)


def serial(leaf):
    return leaf.certificate.serial_number


def body_of(key):
    """A line from the middle of a PEM text: what must be found nowhere."""
    return key.splitlines()[1]


def test_files_are_served_with_and_read_again(world, ca):
    secrets = world.folder / 'secrets'
    first, second = ca.leaf(dns=[HOST]), ca.leaf(dns=[HOST])
    lay_down(secrets / 'default' / 'web-cert', first)
    node = node_of(world, secrets={'directory': str(secrets)}).start()
    assert served(node, ca) == serial(first)
    lay_down(secrets / 'default' / 'web-cert', second)
    poll(lambda: served(node, ca) == serial(second), 'the new certificate is served')
    (secrets / 'default' / 'web-cert' / 'bad key').write_text('x')
    node.wait_log("'bad key' is no key of a Secret: 1 to 253 letters, digits, -, _ and .")
    assert served(node, ca) == serial(second)
    shutil.rmtree(secrets)
    node.wait_log('the directory of secrets cannot be read: No such file or directory')
    assert served(node, ca) == serial(second)


def test_systemds_credentials_are_served_with(world, ca, monkeypatch):
    leaf, credentials = ca.leaf(dns=[HOST]), world.folder / 'credentials'
    credentials.mkdir()
    (credentials / 'secret_default_web-cert_tls.crt').write_text(leaf.chain)
    (credentials / 'secret_default_web-cert_tls.key').write_text(leaf.key)
    monkeypatch.setenv('CREDENTIALS_DIRECTORY', str(credentials))
    assert served(node_of(world).start(), ca) == serial(leaf)


def test_the_sealed_store_is_served_with_and_tells_nothing(world, ca, tmp_path):
    first, second = ca.leaf(dns=[HOST]), ca.leaf(dns=[HOST])
    node = node_of(world).start()
    assert served(node, ca) is None
    certificate, key = first.write(tmp_path, 'first')
    assert secret(node, 'put', 'default/web-cert', 'tls.crt=' + certificate, 'tls.key=' + key).returncode == 0
    poll(lambda: served(node, ca) == serial(first), 'the certificate is served')
    certificate, key = second.write(tmp_path, 'second')
    put = secret(node, 'put', 'default/web-cert', 'tls.crt=' + certificate, 'tls.key=-', given=second.key)
    assert (put.returncode, put.stdout, put.stderr) == (0, '', '')
    poll(lambda: served(node, ca) == serial(second), 'the new certificate is served')
    listed = json.loads(secret(node, 'list', '-o', 'json').stdout)
    assert [(each['namespace'], each['name'], each['key'], each['bytes']) for each in listed] == [
        ('default', 'web-cert', 'tls.crt', len(second.chain)), ('default', 'web-cert', 'tls.key', len(second.key))]
    assert body_of(second.key) not in secret(node, 'list').stdout
    for path in node.folder.rglob('*'):
        content = path.read_bytes() if path.is_file() else b''
        assert body_of(second.key).encode() not in content and body_of(first.key).encode() not in content
    assert node.stop() == 0
    node.start()
    assert served(node, ca) == serial(second)
    (node.folder / 'state' / 'secrets').write_bytes(b'SLV1 but sealed by nobody')
    node.wait_log('/state/secrets: ')
    assert served(node, ca) == serial(second)
    assert secret(node, 'delete', 'default/web-cert').returncode == 65


def test_a_secret_that_stands_twice_changes_nothing(world, ca):
    secrets, leaf = world.folder / 'secrets', ca.leaf(dns=[HOST])
    lay_down(secrets / 'default' / 'web-cert', leaf)
    node = node_of(world, secrets={'directory': str(secrets)}).start()
    assert secret(node, 'put', 'default/web-cert', 'a=-', given='x').returncode == 0
    node.wait_log('Secret default/web-cert stands already at')
    assert served(node, ca) == serial(leaf)
    assert secret(node, 'delete', 'default/web-cert').returncode == 0


def test_a_process_that_breaks_leaves_no_core(world, ca):
    secrets, leaf = world.folder / 'secrets', ca.leaf(dns=[HOST])
    lay_down(secrets / 'default' / 'web-cert', leaf)
    resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
    node = node_of(world, secrets={'directory': str(secrets)}).start()
    for pid in node.family():
        limits = open('/proc/%d/limits' % pid, encoding='ascii').read()
        assert [line.split()[-3:-1] for line in limits.splitlines() if line.startswith('Max core')] == [['0', '0']]
        os.kill(pid, signal.SIGABRT)
    poll(lambda: served(node, ca) == serial(leaf), 'it serves again')
    assert not list(node.folder.rglob('core*'))


@pytest.mark.parametrize('operands, given, sentence', [
    (('put', 'web', 'a=-'), 0, "'web' is no NAMESPACE/NAME"),
    (('put', 'default/web', 'a'), 0, "'a' is no KEY=FILE"),
    (('put', 'default/web', 'a=/nowhere'), 0, '/nowhere: No such file or directory'),
    (('put', 'default/web', 'a=-'), 1 << 20 | 1, 'standard input has more than 1048576 bytes'),
    (('delete', 'default/web'), 0, 'the store has no secret default/web'),
])
def test_what_cannot_be_kept_is_refused(world, operands, given, sentence):
    node = world.prepare()
    node.config.write_text('role: edge\nrules: %s\nstate: %s\n' % (node.rules, node.folder / 'state'))
    said = secret(node, *operands, given='x' * given)
    assert (said.returncode, said.stdout, said.stderr) == (65, '', 'selvage secret: %s\n' % sentence)
