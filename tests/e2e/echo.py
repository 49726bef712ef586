"""A workload that tells what it was asked: threads, blocking sockets, plain HTTP/1.1.

  anything        200 and JSON: name, method, path, headers as pairs, length of the body
  /status/N       the same with status N
  /bytes/N        N bytes with Content-Length;  /chunked/N  N bytes in chunks, then a trailer
  /events/N       N events, each once the test has called go.release()
  /early          413 before the body was read, then the end
  /slow/MS        answers after MS milliseconds
  /hold           answers when the test calls release()
  /reset          ends the connection instead of answering
  /ws             101 and the bytes that come, back
"""
import json
import socket
import threading

BLOCK = bytes(range(256)) * 256


class Request:
    def __init__(self, method, path, fields):
        self.method, self.path, self.fields = method, path, fields
        self.size, self.body, self.trailers = 0, b'', []

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def one(self, name, default=None):
        values = self.all(name)
        assert len(values) <= 1, '%s came %d times: %r' % (name, len(values), values)
        return values[0] if values else default


class Stream:
    """A connection, seen from the workload."""

    def __init__(self, sock, owner):
        self.sock, self.owner, self.buffer = sock, owner, b''

    def more(self):
        data = self.sock.recv(262144)
        if not data:
            raise ConnectionError
        self.buffer += data

    def line(self):
        while b'\r\n' not in self.buffer:
            self.more()
        line, self.buffer = self.buffer.split(b'\r\n', 1)
        return line.decode('latin-1')

    def take(self, most):
        if not self.buffer:
            self.more()
        part, self.buffer = self.buffer[:most], self.buffer[most:]
        return part

    def request(self):
        method, path, _ = self.line().split(' ')
        fields = []
        while True:
            line = self.line()
            if not line:
                return Request(method, path, fields)
            key, _, value = line.partition(':')
            fields.append((key, value.strip(' \t')))

    def keep(self, request, part):
        request.size += len(part)
        if len(request.body) < 65536:
            request.body += part
        self.owner.taken += len(part)

    def sized(self, request, size):
        view = bytearray(1 << 20)
        while size:
            if self.buffer:
                part = self.take(size)
                self.keep(request, part)
                size -= len(part)
                continue
            self.owner.gate.wait()
            got = self.sock.recv_into(view, min(size, len(view)))
            if not got:
                raise ConnectionError
            self.keep(request, bytes(view[:got]) if request.size < 65536 else memoryview(view)[:got])
            size -= got

    def chunked(self, request):
        while True:
            size = int(self.line().split(';')[0], 16)
            self.sized(request, size)
            if not size:
                while line := self.line():
                    request.trailers.append(line)
                return
            self.line()

    def body(self, request):
        if 'chunked' in (request.one('transfer-encoding') or ''):
            self.chunked(request)
        else:
            self.sized(request, int(request.one('content-length', '0')))


class Echo:
    def __init__(self, name='echo', port=0, address='127.0.0.1'):
        self.name, self.requests, self.connections, self.taken = name, [], 0, 0
        self.keep_requests = True
        self.gate = threading.Event()  # cleared: large bodies are not read
        self.gate.set()
        self.released = threading.Event()
        self.go = threading.Semaphore(0)
        self.holding = threading.Semaphore(0)
        self.waiting = 0
        self.ill = 200  # what is answered where nothing else is asked for
        self.lock = threading.Lock()
        self.sockets = set()
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, port))
        self.listener.listen(512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def close(self):
        self.released.set()
        self.gate.set()
        for sock in [self.listener, *list(self.sockets)]:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()

    def release(self):
        self.released.set()

    def last(self):
        return self.requests[-1]

    def serve(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.connections += 1
                self.sockets.add(sock)
            threading.Thread(target=self.talk, args=(sock,), daemon=True).start()

    def talk(self, sock):
        stream = Stream(sock, self)
        try:
            while self.one(stream):
                pass
        except (OSError, ValueError):
            pass
        with self.lock:
            self.sockets.discard(sock)
        sock.close()

    def one(self, stream):
        request = stream.request()
        if self.keep_requests:
            self.requests.append(request)
        path = request.path.split('?')[0]
        if path == '/early':
            self.write(stream, request, 413, close=True)
            return False
        if path == '/reset':
            return False
        if path == '/ws':
            return self.tunnel(stream, request)
        if request.one('expect') == '100-continue' and not stream.buffer:
            stream.sock.sendall(b'HTTP/1.1 100 Continue\r\n\r\n')
        stream.body(request)
        if path == '/hold':
            with self.lock:
                self.waiting += 1
            self.released.wait(60)
        if path.startswith('/slow/'):
            threading.Event().wait(int(path[6:]) / 1000)
        if path.startswith('/events/'):
            return self.events(stream, int(path[8:]))
        if path.startswith('/bytes/'):
            return self.bulk(stream, int(path[7:]), False)
        if path.startswith('/chunked/'):
            return self.bulk(stream, int(path[9:]), True)
        self.write(stream, request, int(path[8:]) if path.startswith('/status/') else self.ill)
        return (request.one('connection') or '').lower() != 'close'

    def write(self, stream, request, status, close=False):
        body = json.dumps({'name': self.name, 'method': request.method, 'path': request.path,
                           'headers': request.fields, 'length': request.size}).encode() + b'\n'
        head = 'HTTP/1.1 %d X\r\nContent-Type: application/json\r\nX-Echo: %s\r\nContent-Length: %d\r\n%s\r\n' % (
            status, self.name, len(body), 'Connection: close\r\n' if close else '')
        stream.sock.sendall(head.encode() + (b'' if request.method == 'HEAD' else body))

    def bulk(self, stream, size, chunked):
        length = 'Transfer-Encoding: chunked' if chunked else 'Content-Length: %d' % size
        stream.sock.sendall(('HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n%s\r\n\r\n' %
                             length).encode())
        while size:
            part = BLOCK[:size]
            if chunked:
                stream.sock.sendall(b'%x\r\n%s\r\n' % (len(part), part))
            else:
                stream.sock.sendall(part)
            size -= len(part)
            self.taken += len(part)
        if chunked:
            stream.sock.sendall(b'0\r\nX-Trailer: end\r\n\r\n')
        return True

    def events(self, stream, count):
        stream.sock.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n')
        for i in range(count):
            if not self.go.acquire(timeout=60):
                break
            stream.sock.sendall(b'data: event %d\n\n' % i)
        return False

    def tunnel(self, stream, request):
        if (request.one('upgrade') or '').lower() != 'websocket':
            self.write(stream, request, 426)
            return True
        stream.sock.sendall(b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n')
        while True:
            data = stream.take(65536)
            stream.sock.sendall(data)


class TcpEcho:
    """Raw bytes back, in capitals."""

    def __init__(self):
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(sock,), daemon=True).start()

    @staticmethod
    def talk(sock):
        try:
            while True:
                data = sock.recv(65536)
                if not data:
                    break
                sock.sendall(data.upper())
        except OSError:
            pass
        sock.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
