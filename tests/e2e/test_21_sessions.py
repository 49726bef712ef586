"""TLS sessions are resumed: by every worker, after a rotation, after an upgrade; never elsewhere."""
import ssl
import socket
import subprocess
import threading

import pytest

import pki
import resources as r
from http1 import ask
from kit import PATIENCE, free_port
from node import SELVAGE

WEB = 'web.default.svc.cluster.local'


def tls_server(port, name, host, mode='SIMPLE'):
    return {'port': {'number': port, 'name': name, 'protocol': 'HTTPS'}, 'bind': '127.0.0.1', 'hosts': [host],
            'tls': {'mode': mode, 'credentialName': name}}


def front_of(world, **settings):
    ca, echo, port = pki.Authority(), world.echo(), free_port()
    node = world.node([
        *(r.secret(name, ca.leaf(dns=[name + '.example'], name=name), ca=ca) for name in ('a', 'b', 'mutual')),
        r.gateway(port, servers=[tls_server(port, 'a', 'a.example'), tls_server(port, 'b', 'b.example'),
                                 tls_server(port, 'mutual', 'mutual.example', 'MUTUAL')]),
        r.route(WEB), r.service(WEB, [echo.port])], **settings)
    node.ca, node.port, node.who = ca, port, ca.leaf(dns=['client.example']).write(world.folder, 'client')
    return node


@pytest.fixture(scope='module')
def front(shared_world):
    return front_of(shared_world)


def visit(front, name, known, file=None, version='-tls1_3', shown=False):
    """'New', 'Reused' or None when there was no answer. Offers the session in `file`, or keeps one there."""
    words = ['openssl', 's_client', '-connect', '127.0.0.1:%d' % front.port, '-servername', name + '.example',
             '-ign_eof', version, '-sess_in' if known else '-sess_out', str(file)]
    if shown:
        words += ['-cert', front.who[0], '-key', front.who[1]]
    request = 'GET / HTTP/1.1\r\nHost: %s.example\r\nConnection: close\r\n\r\n' % name
    done = subprocess.run(words, input=request.encode(), capture_output=True, timeout=PATIENCE, check=False)
    text = done.stdout.decode(errors='replace')
    if 'HTTP/1.1 200 ' not in text:
        return None
    return 'Reused' if '\nReused, TLSv1' in text else 'New'


@pytest.mark.parametrize('version', ['-tls1_2', '-tls1_3'])
def test_every_worker_resumes_what_one_of_them_began(front, tmp_path, version):
    session, begun = tmp_path / 'session', len(front.records())
    assert visit(front, 'a', False, session, version) == 'New'
    for _ in range(64):
        assert visit(front, 'a', True, session, version) == 'Reused'
        if {record['worker'] for record in front.records()[begun + 1:]} == {0, 1}:
            return
    raise AssertionError('one of the workers was never asked')


@pytest.mark.parametrize('version', ['-tls1_2', '-tls1_3'])
def test_a_session_is_of_no_use_at_another_host(front, tmp_path, version):
    """CVE-2025-23419: least of all where a certificate is wanted."""
    session = tmp_path / 'session'
    assert visit(front, 'a', False, session, version) == 'New'
    assert visit(front, 'b', True, session, version) == 'New'
    assert visit(front, 'mutual', True, session, version) is None
    assert visit(front, 'mutual', True, session, version, shown=True) == 'New'
    assert visit(front, 'a', True, session, version) == 'Reused'


def test_a_session_stands_for_the_certificate_where_it_was_shown(front, tmp_path):
    session = tmp_path / 'session'
    assert visit(front, 'mutual', False, session, shown=True) == 'New'
    assert visit(front, 'mutual', True, session, shown=True) == 'Reused'


def test_sessions_survive_an_upgrade(world, tmp_path):
    front, session = front_of(world), tmp_path / 'session'
    assert visit(front, 'a', False, session) == 'New'
    subprocess.run([SELVAGE, 'upgrade', '-c', str(front.config)], check=True, stdout=subprocess.DEVNULL,
                   timeout=4 * PATIENCE)
    assert visit(front, 'a', True, session) == 'Reused'


def test_sessions_survive_a_rotation_of_the_keys(world, tmp_path):
    front, session, news = front_of(world, ticketKeyLifetime='4s'), tmp_path / 'session', 'a new key seals TLS session'
    assert visit(front, 'a', False, session) == 'New'
    front.wait_log(news, front.log_text().count(news) + 1)
    assert visit(front, 'a', True, session) == 'Reused'


class TlsUpstream:
    """Answers one request a connection and notes which were resumed."""

    def __init__(self, folder, leaf):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*leaf.write(folder, 'upstream'))
        self.reused = []
        self.sock = socket.create_server(('127.0.0.1', 0))
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                raw, _ = self.sock.accept()
                with self.context.wrap_socket(raw, server_side=True) as tls:
                    self.reused.append(tls.session_reused)
                    text = b''
                    while b'\r\n\r\n' not in text:
                        text += tls.recv(65536)
                    tls.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
            except ssl.SSLError:
                continue
            except OSError:
                return

    def close(self):
        self.sock.close()


def test_sessions_with_upstreams_are_resumed(world):
    ca, port = pki.Authority(), free_port()
    upstreams = [world.started.keep(TlsUpstream(world.folder, ca.leaf(dns=['up.example']))) for _ in range(2)]
    world.node([
        r.gateway(port), r.route(WEB), r.service(WEB, [each.port for each in upstreams]),
        r.networking('DestinationRule', 'up', {'host': WEB, 'trafficPolicy': {
            'tls': {'mode': 'SIMPLE', 'sni': 'up.example', 'insecureSkipVerify': True}}})], workers=1)
    for _ in range(40):
        assert ask(port).status == 200
    for each in upstreams:
        assert each.reused[0] is False and len(each.reused) > 2, each.reused
        assert all(each.reused[1:]), each.reused
