"""HTTP/2's limits in a running node: each flood ends its connection, is counted and recorded, and the rest goes on."""
import socket
import struct

import h2.config
import h2.connection
import h2.errors
import h2.events
import pytest

import resources as r
from http1 import ask
from kit import free_port, poll

WEB = 'web.default.svc.cluster.local'
PATIENCE = 20
HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION = 1, 2, 3, 4, 6, 7, 9
END_STREAM, END_HEADERS = 1, 4
ENHANCE_YOUR_CALM = 11
GET = b'\x82\x86\x84\x41\x01h'  # GET http / of h
LIMITS = {'http2': {'concurrentStreams': 4, 'resets': 20, 'owedFrames': 20, 'emptyFrames': 10, 'uselessFrames': 50,
                    'continuationFrames': 4}}


@pytest.fixture(scope='module')
def edge(shared_world):
    echo, port = shared_world.echo(), free_port()
    node = shared_world.node([r.gateway(port), r.route(WEB), r.service(WEB, [echo.port])], workers=1, limits=LIMITS)
    node.port, node.echo = port, echo
    return node


def frame(kind, flags, stream, payload=b''):
    return struct.pack('>I', len(payload))[1:] + struct.pack('>BBI', kind, flags, stream) + payload


class Peer:
    """A client by its frames, which reads nothing until it is asked what it was told."""

    def __init__(self, port):
        self.sock = socket.create_connection(('127.0.0.1', port), PATIENCE)
        self.sock.sendall(b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + frame(SETTINGS, 0, 0))

    def say(self, data):
        """False: it is not listened to any more."""
        try:
            self.sock.sendall(data)
        except OSError:
            return False
        return True

    def frames(self):
        """(kind, flags, stream, payload) until the connection ends."""
        rest = b''
        with self.sock:
            while True:
                while len(rest) >= 9 and len(rest) >= 9 + int.from_bytes(rest[:3], 'big'):
                    end = 9 + int.from_bytes(rest[:3], 'big')
                    yield rest[3], rest[4], int.from_bytes(rest[5:9], 'big'), rest[9:end]
                    rest = rest[end:]
                try:
                    part = self.sock.recv(65536)
                except ConnectionResetError:
                    return
                if not part:
                    return
                rest += part


def resets(i):
    return frame(HEADERS, END_HEADERS, 2 * i + 1, GET) + frame(RST_STREAM, 0, 2 * i + 1, b'\0\0\0\x08')


def continuations(i):
    return frame(CONTINUATION, 0, 1, b'\0\x01x\x01y') if i else frame(HEADERS, END_STREAM, 1, GET)


OWED = 'too many answers are owed to SETTINGS and PING frames'
FLOODS = {
    'http2_resets': ('too many streams were reset', resets),
    'http2_owed_frames': (OWED, lambda i: frame(PING, 0, 0, b'8 bytes!')),
    'settings': (OWED, lambda i: frame(SETTINGS, 0, 0)),
    'http2_empty_frames': ('too many frames were empty',
                           lambda i: frame(0, 0, 1) if i else frame(HEADERS, END_HEADERS, 1, b'\x83' + GET[1:])),
    'http2_useless_frames': ('too many frames ask for nothing', lambda i: frame(PRIORITY, 0, 1, b'\0\0\0\0\x10')),
    'http2_continuation': ('a head has too many CONTINUATION frames', continuations),
}


@pytest.mark.parametrize('name', FLOODS)
def test_a_flood_ends_its_connection_and_nothing_else(edge, name):
    sentence, unit = FLOODS[name]
    limit = 'http2_owed_frames' if name == 'settings' else name
    before = edge.metric('selvage_limit_hits_total', limit=limit)
    peer = Peer(edge.port)
    peer.say(b''.join(unit(i) for i in range(400)))
    goaways = [payload for kind, _, _, payload in peer.frames() if kind == GOAWAY]
    # what crosses the end of a connection may be answered by a reset, which takes the good-bye along
    assert all(int.from_bytes(payload[4:8], 'big') == ENHANCE_YOUR_CALM for payload in goaways)
    poll(lambda: edge.metric('selvage_limit_hits_total', limit=limit) == before + 1, '%s is counted once' % limit)
    records = [row for row in edge.records() if row.get('connection_termination_details') == sentence]
    assert records and records[-1]['response_code_details'] == 'http2.connection_error', records
    assert 'DPE' in records[-1]['response_flags']
    assert ask(edge.port, '/after-' + name).status == 200


def test_no_more_streams_at_once_than_are_announced(edge):
    before = edge.metric('selvage_limit_hits_total', limit='http2_streams')
    peer = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding='utf-8'))
    peer.initiate_connection()
    told, refused, answered = False, [], set()
    with socket.create_connection(('127.0.0.1', edge.port), PATIENCE) as sock:
        for i in range(8):  # before its settings can be known
            peer.send_headers(2 * i + 1, [(':method', 'GET'), (':scheme', 'http'), (':authority', 'h'),
                                          (':path', '/slow/300')], end_stream=True)
        sock.sendall(peer.data_to_send())
        while len(refused) + len(answered) < 8:
            data = sock.recv(65536)
            assert data, 'the connection ended'
            for event in peer.receive_data(data):
                if isinstance(event, h2.events.RemoteSettingsChanged):
                    told = told or peer.remote_settings.max_concurrent_streams == 4
                elif isinstance(event, h2.events.StreamReset):
                    refused.append(event.error_code)
                elif isinstance(event, h2.events.StreamEnded):
                    answered.add(event.stream_id)
            sock.sendall(peer.data_to_send())
    assert told and answered == {1, 3, 5, 7}
    assert set(refused) == {h2.errors.ErrorCodes.REFUSED_STREAM}
    poll(lambda: edge.metric('selvage_limit_hits_total', limit='http2_streams') == before + 4, 'four are counted')
