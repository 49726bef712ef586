"""gRPC's own client and server, on bytes, through a gateway (in TLS and in clear text), a mesh hop and a sidecar."""
import concurrent.futures
import queue
import threading

import grpc
import pytest

import pki
import resources as r
from kit import free_port, poll
from way import HOST, NAMESPACE, Way

MEGABYTE = bytes(range(256)) * 4096
PATIENCE = 20  # seconds until a call must have ended


class Calls(grpc.GenericRpcHandler):
    """The service: what is sent comes back, the test decides when."""

    def __init__(self):
        self.go = threading.Semaphore(0)    # lets Down say its next message
        self.ended = queue.Queue()          # a call that was held and is over: its code's name
        self.held = queue.Queue()           # seconds until the deadline of a call that is held
        self.metadata = []

    def service(self, call):
        self.metadata = [(each.key, each.value) for each in call.invocation_metadata]
        shapes = {'Same': grpc.unary_unary_rpc_method_handler, 'Fail': grpc.unary_unary_rpc_method_handler,
                  'Hold': grpc.unary_unary_rpc_method_handler, 'Down': grpc.unary_stream_rpc_method_handler,
                  'Up': grpc.stream_unary_rpc_method_handler, 'Talk': grpc.stream_stream_rpc_method_handler,
                  'Reset': grpc.stream_stream_rpc_method_handler}
        name = call.method.rpartition('/')[2]
        return shapes[name](getattr(self, name.lower())) if name in shapes else None

    def same(self, message, call):
        call.send_initial_metadata([('x-first', 'head')])
        call.set_trailing_metadata([('x-last', 'trailer'), ('x-bytes-bin', b'\0\xff')])
        return message

    def fail(self, message, call):
        call.set_trailing_metadata([('x-why', 'told')])
        call.abort(grpc.StatusCode.DATA_LOSS, message.decode())

    def hold(self, message, call):
        over = threading.Event()
        call.add_callback(over.set)
        self.held.put(call.time_remaining())
        over.wait(PATIENCE)
        self.ended.put('gone' if not call.is_active() else 'still there')
        return message

    def down(self, message, call):
        for i in range(int(message)):
            assert self.go.acquire(timeout=PATIENCE)
            yield b'%d' % i

    def up(self, messages, call):
        return b'%d' % sum(len(each) for each in messages)

    def talk(self, messages, call):
        for each in messages:
            yield each

    def reset(self, messages, call):
        yield next(messages)
        call.abort(grpc.StatusCode.ABORTED, 'in the middle')


class Front:
    """A channel to a gateway's port, its calls by name."""

    def __init__(self, port, ca=None):
        options = [('grpc.enable_http_proxy', 0), ('grpc.default_authority', HOST),
                   ('grpc.max_receive_message_length', 1 << 26)]
        if ca:
            self.channel = grpc.secure_channel(
                '127.0.0.1:%d' % port, grpc.ssl_channel_credentials(ca.pem.encode()),
                [*options, ('grpc.ssl_target_name_override', HOST)])
        else:
            self.channel = grpc.insecure_channel('127.0.0.1:%d' % port, options)
        self.same = self.channel.unary_unary('/test.Calls/Same')
        self.fail = self.channel.unary_unary('/test.Calls/Fail')
        self.hold = self.channel.unary_unary('/test.Calls/Hold')
        self.down = self.channel.unary_stream('/test.Calls/Down')
        self.up = self.channel.stream_unary('/test.Calls/Up')
        self.talk = self.channel.stream_stream('/test.Calls/Talk')
        self.reset = self.channel.stream_stream('/test.Calls/Reset')


@pytest.fixture(scope='module')
def way(shared_world):
    calls, issuer = Calls(), pki.Issuer()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(32), [calls],
                         options=[('grpc.max_receive_message_length', 1 << 26)])
    port = server.add_insecure_port('127.0.0.1:0')
    server.start()
    way = Way(shared_world, {'test': (port, 'GRPC')}, protocol='GRPC', first=[
        {'match': [{'uri': {'prefix': '/dead.'}}], 'route': [{'destination': {'host': 'dead' + NAMESPACE}}]},
        {'match': [{'uri': {'prefix': '/test.Late'}}], 'timeout': '0.3s', 'rewrite': {'uri': '/test.Calls/Hold'},
         'route': [{'destination': {'host': 'test' + NAMESPACE}}]},
    ], rules=[
        r.service('dead' + NAMESPACE, [free_port()], protocol='GRPC'),
        r.policy('no', 'DENY', [{'to': [{'operation': {'paths': ['/test.Calls/Denied']}}]}], app='web'),
        r.tokens([{'issuer': issuer.name, 'jwks': issuer.key_set()}])])
    way.calls = calls
    yield way
    server.stop(0).wait()


@pytest.fixture(scope='module')
def fronts(way):
    fronts = {'tls': Front(way.tls, way.ca), 'clear': Front(way.clear)}
    yield fronts
    for front in fronts.values():
        front.channel.close()


@pytest.fixture(params=['tls', 'clear'])
def front(fronts, request):
    return fronts[request.param]


class Turns:
    """Messages that the test sends one by one."""

    def __init__(self):
        self.queue = queue.Queue()

    def say(self, message):
        self.queue.put(message)

    def __iter__(self):
        return self

    def __next__(self):
        message = self.queue.get(timeout=PATIENCE)
        if message is None:
            raise StopIteration
        return message


def failure(call):
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value


def test_a_call_and_its_metadata_both_ways(way, front):
    answer, call = front.same.with_call(b'hello', timeout=PATIENCE,
                                        metadata=[('x-mine', 'a'), ('x-mine-bin', b'\1\0\xfe')])
    assert answer == b'hello' and call.code() == grpc.StatusCode.OK
    assert ('x-first', 'head') in call.initial_metadata()
    trailers = {each.key: each.value for each in call.trailing_metadata()}
    assert trailers['x-last'] == 'trailer' and trailers['x-bytes-bin'] == b'\0\xff'
    assert ('x-mine', 'a') in way.calls.metadata and ('x-mine-bin', b'\1\0\xfe') in way.calls.metadata


def test_a_megabyte_both_ways(front):
    assert front.same(MEGABYTE, timeout=PATIENCE) == MEGABYTE
    assert b''.join(front.talk(iter([MEGABYTE] * 3), timeout=PATIENCE)) == MEGABYTE * 3


def test_messages_of_a_server_come_when_they_are_said(way, front):
    answers = front.down(b'3', timeout=PATIENCE)
    for i in range(3):
        way.calls.go.release()  # only now may the next be said
        assert next(answers) == b'%d' % i
    assert list(answers) == [] and answers.code() == grpc.StatusCode.OK


def test_messages_of_a_client_are_one_request(front):
    assert front.up(iter([b'a' * 10, b'', b'b' * 70000]), timeout=PATIENCE) == b'70010'
    assert front.up(iter([]), timeout=PATIENCE) == b'0'


def test_messages_alternate(front):
    turns = Turns()
    answers = front.talk(turns, timeout=PATIENCE)
    for i in range(50):
        turns.say(b'turn %d' % i)  # said once the one before has come back
        assert next(answers) == b'turn %d' % i
    turns.say(None)
    assert list(answers) == [] and answers.code() == grpc.StatusCode.OK


def test_calls_share_a_connection(front):
    turns = [Turns() for _ in range(10)]
    calls = [front.talk(each, timeout=PATIENCE) for each in turns]
    for order in (1, -1):
        for turn, call in list(zip(turns, calls))[::order]:
            turn.say(b'x' * 1000)
            assert next(call) == b'x' * 1000
    for turn, call in zip(turns, calls):
        turn.say(None)
        assert list(call) == []


def test_a_failure_keeps_its_code_its_words_and_its_trailers(front):
    why = failure(lambda: front.fail('100 % of it: \u00e4\n'.encode(), timeout=PATIENCE))
    assert why.code() == grpc.StatusCode.DATA_LOSS and why.details() == '100 % of it: \u00e4\n'
    assert ('x-why', 'told') in why.trailing_metadata()


def test_a_failure_after_messages(front):
    turns = Turns()
    answers = front.reset(turns, timeout=PATIENCE)
    turns.say(b'one')
    assert next(answers) == b'one'
    why = failure(lambda: next(answers))
    assert (why.code(), why.details()) == (grpc.StatusCode.ABORTED, 'in the middle')
    turns.say(None)


def test_a_deadline_is_told_to_the_server_and_ends_the_call_there(way, front):
    why = failure(lambda: front.hold(b'', timeout=0.5))
    assert why.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert 0 < way.calls.held.get(timeout=PATIENCE) < 0.6
    assert way.calls.ended.get(timeout=PATIENCE) == 'gone'


def test_a_call_that_is_cancelled_ends_at_the_server(way, front):
    call = front.hold.future(b'', timeout=PATIENCE)
    way.calls.held.get(timeout=PATIENCE)
    call.cancel()
    assert way.calls.ended.get(timeout=PATIENCE / 2) == 'gone'
    assert front.same(b'next', timeout=PATIENCE) == b'next'


@pytest.mark.parametrize('path, metadata, code', [
    ('/test.Calls/Denied', [], 'PERMISSION_DENIED'),
    ('/test.Calls/Nothing', [], 'UNIMPLEMENTED'),
    ('/nobody.Calls/Same', [], 'UNIMPLEMENTED'),
    ('/dead.Calls/Same', [], 'UNAVAILABLE'),
    ('/test.Calls/Same', [('authorization', 'Bearer a.b.c')], 'UNAUTHENTICATED'),
    ('/test.Late/Hold', [], 'UNAVAILABLE'),  # as gRPC maps a 504
])
def test_what_is_refused_has_the_right_code(front, path, metadata, code):
    """As gRPC's client names it: by grpc-status, or by the HTTP status where there is none."""
    for shape in (front.channel.unary_unary, front.channel.unary_stream):
        def call(shape=shape):
            return list(shape(path)(b'x', timeout=PATIENCE, metadata=metadata))
        why = failure(call)
        assert why.code().name == code, why


def test_a_refused_call_leaves_its_connection(way, front):
    """A body that nobody wants is no reason to end the calls beside it."""
    turns = Turns()
    answers = front.talk(turns, timeout=PATIENCE)
    turns.say(b'before')
    assert next(answers) == b'before'
    denied = front.channel.stream_unary('/test.Calls/Denied')
    why = failure(lambda: denied(iter([MEGABYTE] * 4), timeout=PATIENCE))
    assert why.code() == grpc.StatusCode.PERMISSION_DENIED, why
    turns.say(b'after')
    assert next(answers) == b'after'
    turns.say(None)
    assert list(answers) == []


def test_calls_are_http2_at_every_hop(way, fronts):
    for name, front in fronts.items():
        path = '/test.Calls/Recorded-' + name
        failure(lambda: front.channel.unary_unary(path)(b'', timeout=PATIENCE))
        for node in (way.edge, way.side):
            record = node.record(path=path)
            assert (record['protocol'], record['response_code']) == ('HTTP/2', 200), record
            assert (record['request_protocol'], record['grpc_status']) == ('grpc', '12'), record
        counted = {'request_protocol': 'grpc', 'grpc_response_status': '12'}
        poll(lambda: way.edge.metric('istio_requests_total', **counted) > 0, 'it is counted')
