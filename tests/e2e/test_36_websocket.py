"""WebSocket's own client and server through a gateway, a mesh hop and a sidecar: HTTP/1.1 and RFC 8441."""
import asyncio
import contextlib
import socket

import h2.config
import h2.connection
import h2.events
import pytest
import websockets
from websockets.frames import Frame, OP_BINARY, OP_CLOSE, OP_PING, OP_PONG, OP_TEXT, Close
from websockets.streams import StreamReader

import pki
from kit import poll
from way import HOST, Way
from ws_echo import FRAME_MAX, EchoServer

PATIENCE = 20
LARGE = bytes(range(256)) * 4096


@pytest.fixture(scope='module')
def way(shared_world):
    server = shared_world.started.keep(EchoServer())
    way = Way(shared_world, {'ws': (server.port, 'HTTP')})
    way.server = server
    return way


def in_loop(talk):
    asyncio.run(asyncio.wait_for(talk, PATIENCE))


@pytest.fixture(params=['tls', 'clear'])
def connect(way, request):
    """connect(): a client of websockets, over HTTP/1.1."""
    tls = pki.client_context(way.ca) if request.param == 'tls' else None
    url = '%s://%s/ws/1?q=2' % ('wss' if tls else 'ws', HOST)
    port = way.tls if tls else way.clear
    secure = {'ssl': tls, 'server_hostname': HOST} if tls else {}
    return lambda **more: websockets.connect(url, host='127.0.0.1', port=port, max_size=FRAME_MAX,
                                             ping_interval=None, **secure, **more)


def test_messages_alternate(connect):
    async def talk():
        async with connect() as peer:
            for i in range(30):
                await peer.send('turn %d' % i)
                assert await peer.recv() == 'turn %d' % i
            await peer.send(b'\0\xff')
            assert await peer.recv() == b'\0\xff'
    in_loop(talk())


def test_the_subprotocol_and_the_extension_are_agreed_upon_by_the_ends(way, connect):
    async def talk():
        async with connect(subprotocols=['other.example', 'echo.example']) as peer:
            assert peer.subprotocol == 'echo.example'
            assert [each.name for each in peer.extensions] == ['permessage-deflate']
            await peer.send('a' * 100000)
            assert await peer.recv() == 'a' * 100000
    in_loop(talk())
    assert [v for k, v in way.server.heads[-1] if k.lower() == 'connection'] == ['upgrade']


def test_large_and_many_frames(connect):
    async def talk():
        async with connect(compression=None) as peer:
            await peer.send(LARGE * 4)
            assert await peer.recv() == LARGE * 4
            await peer.send(part for part in [LARGE, b'', LARGE])  # one message in fragments
            assert await peer.recv() == LARGE * 2
            sending = asyncio.ensure_future(send_all(peer, 500))
            assert [await peer.recv() for _ in range(500)] == ['%d' % i for i in range(500)]
            await sending

    async def send_all(peer, count):
        for i in range(count):
            await peer.send('%d' % i)
    in_loop(talk())


def test_pings_are_answered_both_ways(connect):
    async def talk():
        async with connect() as peer:
            await (await peer.ping(b'hello'))
            await peer.send('ping')
            assert await peer.recv() == 'ponged'
    in_loop(talk())


def test_a_server_that_ends_it_says_why(way, connect):
    async def talk():
        async with connect() as peer:
            await peer.send('bye')
            with pytest.raises(websockets.ConnectionClosedError) as caught:
                await peer.recv()
            assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (4001, 'as asked')
    in_loop(talk())


@pytest.mark.parametrize('politely', [True, False])
def test_a_client_that_leaves_is_gone_at_the_server(way, connect, politely):
    before = len(way.server.left)

    async def talk():
        peer = await connect()
        await peer.send('x')
        await peer.recv()
        if politely:
            await peer.close(4002)
        else:
            peer.transport.abort()
            await peer.wait_closed()
    in_loop(talk())
    code = 4002 if politely else 1006  # the one before may be noted as late as this one
    poll(lambda: code in way.server.left[before:], 'the server knows')


# ---- RFC 8441: in a stream of HTTP/2

class Http2:
    """One HTTP/2 connection with WebSockets in its streams."""

    def __init__(self, way):
        context = pki.client_context(way.ca)
        context.set_alpn_protocols(['h2'])
        self.sock = context.wrap_socket(socket.create_connection(('127.0.0.1', way.tls), PATIENCE),
                                        server_hostname=HOST)
        assert self.sock.selected_alpn_protocol() == 'h2'
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding='utf-8'))
        self.h2.initiate_connection()
        self.streams = {}
        self.told = False
        self.flush()
        while not self.told:
            self.turn()

    def flush(self):
        self.sock.sendall(self.h2.data_to_send())

    def turn(self):
        """Reads once."""
        data = self.sock.recv(65536)
        assert data, 'the connection ended'
        for event in self.h2.receive_data(data):
            stream = self.streams.get(getattr(event, 'stream_id', None))
            if isinstance(event, h2.events.RemoteSettingsChanged):
                self.told = True
            elif isinstance(event, h2.events.ResponseReceived):
                stream.head = dict(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                stream.reader.feed_data(event.data)
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamReset):
                stream.reset = event.error_code
            elif isinstance(event, h2.events.StreamEnded):
                stream.reader.feed_eof()
                stream.ended = True
        self.flush()

    def close(self):
        self.sock.close()


class Stream:
    def __init__(self, http2, path='/ws/h2', **fields):
        self.http2, self.reader = http2, StreamReader()
        self.head = self.reset = None
        self.ended = False
        self.id = http2.h2.get_next_available_stream_id()
        http2.streams[self.id] = self
        http2.h2.send_headers(self.id, [
            (':method', 'CONNECT'), (':protocol', 'websocket'), (':scheme', 'https'), (':authority', HOST),
            (':path', path), ('sec-websocket-version', '13'), *fields.items()])
        http2.flush()
        while not self.head:
            http2.turn()

    def send(self, op, data):
        rest = Frame(op, data).serialize(mask=True)
        while rest:
            room = min(self.http2.h2.local_flow_control_window(self.id), self.http2.h2.max_outbound_frame_size)
            if not room:
                self.http2.turn()
                continue
            self.http2.h2.send_data(self.id, rest[:room])
            self.http2.flush()
            rest = rest[room:]

    def frame(self):
        """The next frame, whole."""
        parsing = Frame.parse(self.reader.read_exact, mask=False)
        while True:
            try:
                next(parsing)
            except StopIteration as done:
                return done.value.opcode, bytes(done.value.data)
            self.http2.turn()

    def leave(self):
        self.http2.h2.end_stream(self.id)
        self.http2.flush()


@pytest.fixture
def http2(way):
    with contextlib.closing(Http2(way)) as connection:
        yield connection


def test_a_stream_of_http2_is_a_websocket(way, http2):
    assert http2.h2.remote_settings.enable_connect_protocol == 1
    stream = Stream(http2, **{'sec-websocket-protocol': 'echo.example'})
    assert stream.head[':status'] == '200' and stream.head['sec-websocket-protocol'] == 'echo.example'
    assert not {'connection', 'upgrade', 'sec-websocket-accept'} & set(stream.head)
    for i in range(20):
        stream.send(OP_TEXT, b'turn %d' % i)
        assert stream.frame() == (OP_TEXT, b'turn %d' % i)
    stream.send(OP_PING, b'hello')
    assert stream.frame() == (OP_PONG, b'hello')
    stream.send(OP_BINARY, LARGE)
    assert stream.frame() == (OP_BINARY, LARGE)


def test_websockets_share_a_connection_and_end_one_by_one(way, http2):
    before = len(way.server.left)
    streams = [Stream(http2) for _ in range(5)]
    for order in (1, -1):
        for i, stream in list(enumerate(streams))[::order]:
            stream.send(OP_TEXT, b'of %d' % i)
            assert stream.frame() == (OP_TEXT, b'of %d' % i)
    streams[0].send(OP_TEXT, b'bye')
    op, data = streams[0].frame()
    assert op == OP_CLOSE and Close.parse(data).code == 4001
    streams[0].send(OP_CLOSE, data)
    while not streams[0].ended:
        http2.turn()
    streams[0].leave()
    streams[1].http2.h2.reset_stream(streams[1].id)  # as a page that is left
    http2.flush()
    streams[2].send(OP_CLOSE, Close(4003, '').serialize())
    assert streams[2].frame()[0] == OP_CLOSE
    streams[2].leave()
    poll(lambda: len(way.server.left) == before + 3, 'three are gone at the server')
    assert sorted(way.server.left[before:]) == [1006, 4001, 4003]
    for stream in streams[3:]:
        stream.send(OP_TEXT, b'still here')
        assert stream.frame() == (OP_TEXT, b'still here')


def test_a_refused_handshake_is_an_answer(http2):
    stream = Stream(http2, path='/nowhere')
    assert stream.head[':status'] == '404'
    assert Stream(http2).head[':status'] == '200'
