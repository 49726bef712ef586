"""CONNECT as a tunnel of raw bytes: an edge, a mesh hop, a TCP sidecar; curl and HTTP/2's own way of it."""
import shutil
import socket
import subprocess
import threading

import h2.config
import h2.connection
import h2.events
import pytest

import pki
import resources as r
from http1 import Connection, head_text
from kit import free_port, poll
from way import HOST, NAMESPACE, Way

PATIENCE = 20


class Echo:
    """Says what it hears, and behind the client's end how much that was."""

    def __init__(self):
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                sock = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.talk, args=(sock,), daemon=True).start()

    @staticmethod
    def talk(sock):
        heard = 0
        with sock:
            while part := sock.recv(65536):
                heard += len(part)
                sock.sendall(part)
            sock.sendall(b'heard %d' % heard)

    def close(self):
        self.listener.close()


def tunnel(authority, to):
    return {'match': [{'method': {'exact': 'CONNECT'}, 'authority': {'exact': authority}}],
            'route': [{'destination': {'host': to}}]}


@pytest.fixture(scope='module')
def way(shared_world):
    web, raw = shared_world.echo(), shared_world.started.keep(Echo())
    web.released.clear()
    gone = 'gone' + NAMESPACE
    return Way(shared_world, {'web': (web.port, 'TCP'), 'raw': (raw.port, 'TCP')},
               first=[tunnel('inner.example:80', 'web' + NAMESPACE), tunnel('db.example:5432', 'raw' + NAMESPACE),
                      tunnel('denied.example:1', 'raw' + NAMESPACE), tunnel('gone.example:1', gone)],
               rules=[r.service(gone, [free_port()], protocol='TCP'),
                      r.security('AuthorizationPolicy', 'edge', {
                          'selector': {'matchLabels': {'istio': 'ingressgateway'}}, 'action': 'DENY',
                          'rules': [{'to': [{'operation': {'methods': ['CONNECT'],
                                                           'hosts': ['denied.example:1']}}]}]})])


def connect(way, authority, also=b''):
    sock = socket.create_connection(('127.0.0.1', way.clear), PATIENCE)
    sock.sendall(b'CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n' % (authority, authority) + also)
    return sock


def read_head(sock):
    head = b''
    while not head.endswith(b'\r\n\r\n'):
        byte = sock.recv(1)
        assert byte, head
        head += byte
    return head


def read_all(sock):
    heard = b''
    while part := sock.recv(65536):
        heard += part
    return heard


def test_curl_asks_through_a_tunnel(way):
    done = subprocess.run([shutil.which('curl'), '-s', '--max-time', str(PATIENCE), '--noproxy', '', '--proxytunnel',
                           '-x', 'http://127.0.0.1:%d' % way.clear, 'http://inner.example/hello',
                           '-w', '%{http_connect}'], capture_output=True, check=True)
    assert done.stdout.endswith(b'200') and b'"/hello"' in done.stdout
    record = way.edge.record(method='CONNECT', authority='inner.example:80')
    assert record['response_code'] == 200 and record['bytes_received'] > 0 and record['bytes_sent'] > 0


@pytest.mark.parametrize('size', [0, 300000])
def test_each_half_ends_by_itself(way, size):
    early, late = b'early' * (size // 5), b'late' * (size // 4)
    with connect(way, b'db.example:5432', early) as sock:
        head = read_head(sock).lower()
        assert head.startswith(b'http/1.1 200 ')
        assert b'content-length' not in head and b'transfer-encoding' not in head
        threading.Thread(target=lambda: (sock.sendall(late), sock.shutdown(socket.SHUT_WR)), daemon=True).start()
        assert read_all(sock) == early + late + b'heard %d' % (len(early) + len(late))


@pytest.mark.parametrize('authority, status, details', [
    (b'other.example:1', 404, 'route_not_found'),
    (b'web.example:80', 404, 'route_not_found'),
    (b'denied.example:1', 403, 'rbac_access_denied_matched_policy[ns[default]-policy[edge]-rule[0]]'),
    (b'gone.example:1', 503, 'upstream_reset_before_response_started{connection_failure}')])
def test_elsewhere_it_is_refused_and_the_connection_ends(way, authority, status, details):
    with connect(way, authority, head_text('GET', '/smuggled', HOST)) as sock:
        answer = read_all(sock)
    assert answer.startswith(b'HTTP/1.1 %d ' % status) and answer.count(b'HTTP/1.1') == 1
    record = way.edge.record(method='CONNECT', authority=authority.decode())
    assert (record['response_code'], record['response_code_details']) == (status, details)


def test_a_request_does_not_take_the_tunnels_way(way):
    with Connection(way.clear) as connection:
        connection.send(head_text('GET', '/none', 'db.example:5432'))
        assert connection.answer().status == 404


def test_over_http2_it_is_a_stream(way):
    context = pki.client_context(way.ca)
    context.set_alpn_protocols(['h2'])
    with context.wrap_socket(socket.create_connection(('127.0.0.1', way.tls), PATIENCE),
                             server_hostname=HOST) as sock:
        peer = h2.connection.H2Connection(h2.config.H2Configuration(
            header_encoding='utf-8', validate_outbound_headers=False))  # it wants a :path always
        peer.initiate_connection()
        answers, bodies, ended = {}, {1: b'', 3: b''}, set()
        for stream, authority in ((1, 'db.example:5432'), (3, 'other.example:1')):
            peer.send_headers(stream, [(':method', 'CONNECT'), (':authority', authority)])
        peer.send_data(1, b'over a stream', end_stream=True)
        sock.sendall(peer.data_to_send())
        while ended != {1, 3}:
            data = sock.recv(65536)
            assert data, 'the connection ended'
            for event in peer.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    answers[event.stream_id] = dict(event.headers)
                elif isinstance(event, h2.events.DataReceived):
                    bodies[event.stream_id] += event.data
                elif isinstance(event, h2.events.StreamEnded):
                    ended.add(event.stream_id)
            sock.sendall(peer.data_to_send())
    assert answers[1][':status'] == '200' and 'content-length' not in answers[1]
    assert answers[3][':status'] == '404'
    assert bodies[1] == b'over a streamheard 13'


def test_tunnels_are_counted(way):
    with connect(way, b'db.example:5432') as sock:
        read_head(sock)
        sock.shutdown(socket.SHUT_WR)
        read_all(sock)
    poll(lambda: way.edge.metric('istio_requests_total', response_code='200',
                                 destination_service='raw' + NAMESPACE) > 0, 'it is counted')
