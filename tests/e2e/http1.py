"""An HTTP/1.1 client that shows everything and repairs nothing: sockets, bytes, TLS."""
import json
import socket
import ssl

TIMEOUT = 20


class Ended(OSError):
    """The other side ended the connection before a whole answer came."""


class Answer:
    def __init__(self, status, reason, fields, body=b'', infos=()):
        self.status, self.reason, self.fields, self.body, self.infos = status, reason, fields, body, list(infos)
        self.trailers = []

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def one(self, name, default=None):
        values = self.all(name)
        assert len(values) <= 1, '%s came %d times: %r' % (name, len(values), values)
        return values[0] if values else default

    def json(self):
        return json.loads(self.body)

    def text(self):
        return self.body.decode('utf-8', 'replace')

    def __repr__(self):
        return 'Answer(%d, %r)' % (self.status, self.body[:200])


def head_text(method, path, host, fields=(), version='HTTP/1.1'):
    lines = ['%s %s %s' % (method, path, version)]
    if host is not None:
        lines.append('Host: %s' % host)
    lines += ['%s: %s' % pair for pair in (fields.items() if isinstance(fields, dict) else fields)]
    return ('\r\n'.join(lines) + '\r\n\r\n').encode('latin-1')


def chunk(data):
    return b'%x\r\n%s\r\n' % (len(data), data)


class Connection:
    """One connection. Everything is explicit: send(), then answer()."""

    def __init__(self, port, address='127.0.0.1', tls=None, sni=None, timeout=TIMEOUT, receive_buffer=0):
        self.sock = socket.socket()
        self.sock.settimeout(timeout)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.port, self.buffer = port, b''
        try:
            self.sock.connect((address, port))
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls:
                self.sock = tls.wrap_socket(self.sock, server_hostname=sni)
        except BaseException:
            self.sock.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def more(self):
        try:
            data = self.sock.recv(262144)
        except ssl.SSLError as why:
            raise Ended('TLS: %s' % why) from None
        if not data:
            raise Ended('the connection ended')
        self.buffer += data

    def line(self):
        while b'\r\n' not in self.buffer:
            self.more()
        line, self.buffer = self.buffer.split(b'\r\n', 1)
        return line.decode('latin-1')

    def exactly(self, size):
        parts, got = [], 0
        while got < size:
            if not self.buffer:
                self.more()
            part, self.buffer = self.buffer[:size - got], self.buffer[size - got:]
            parts.append(part)
            got += len(part)
        return b''.join(parts)

    def drain(self, size):
        """Reads and forgets size bytes."""
        view = bytearray(1 << 20)
        size -= len(self.exactly(min(size, len(self.buffer))))
        while size:
            got = self.sock.recv_into(view, min(size, len(view)))
            if not got:
                raise Ended('the connection ended %d bytes early' % size)
            size -= got

    def fields(self):
        fields = []
        while True:
            line = self.line()
            if not line:
                return fields
            key, _, value = line.partition(':')
            fields.append((key, value.strip(' \t')))

    def head(self):
        """The next head, informational ones included."""
        version, status, reason = (self.line() + '  ').split(' ', 2)
        assert version in ('HTTP/1.1', 'HTTP/1.0'), version
        return Answer(int(status), reason.strip(), self.fields())

    def chunks(self, answer):
        parts = []
        while True:
            size = int(self.line().split(';')[0], 16)
            if size == 0:
                answer.trailers = self.fields()
                return b''.join(parts)
            parts.append(self.exactly(size))
            assert self.exactly(2) == b'\r\n'

    def answer(self, method='GET'):
        """The next final answer, whole."""
        infos = []
        answer = self.head()
        while answer.status < 200 and answer.status != 101:
            infos.append(answer)
            answer = self.head()
        answer.infos = infos
        if method == 'HEAD' or answer.status in (101, 204, 304):
            return answer
        if 'chunked' in (answer.one('transfer-encoding') or ''):
            answer.body = self.chunks(answer)
        elif answer.one('content-length') is not None:
            answer.body = self.exactly(int(answer.one('content-length')))
        else:
            answer.body = self.rest()
        return answer

    def rest(self):
        """Everything until the other side ends."""
        data, self.buffer = self.buffer, b''
        parts = [data]
        while True:
            try:
                data = self.sock.recv(262144)
            except (ConnectionResetError, ssl.SSLError):
                return b''.join(parts)
            if not data:
                return b''.join(parts)
            parts.append(data)

    def ask(self, path='/', method='GET', host='web.example', fields=(), body=None):
        pairs = list(fields.items() if isinstance(fields, dict) else fields)
        if body is not None and not any(k.lower() in ('content-length', 'transfer-encoding') for k, _ in pairs):
            pairs.append(('Content-Length', str(len(body))))
        self.send(head_text(method, path, host, pairs) + (body or b''))
        return self.answer(method)

    def ended(self):
        """Whether the other side has closed; waits for it."""
        try:
            return not self.buffer and self.sock.recv(1) == b''
        except (ConnectionResetError, ssl.SSLError):
            return True


def ask(port, path='/', method='GET', host='web.example', fields=(), body=None, tls=None, sni=None,
        address='127.0.0.1'):
    """One request on a connection of its own."""
    with Connection(port, address=address, tls=tls, sni=sni) as connection:
        return connection.ask(path, method, host, fields, body)
