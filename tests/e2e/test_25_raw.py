"""Connections as bytes: PROXY headers from haproxy and to nginx, TLS that stays encrypted, halves that end apart."""
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import threading

import pytest

import pki
import resources as r
from http1 import head_text
from kit import free_port, poll

SBIN = os.environ.get('PATH', '') + ':/usr/sbin:/sbin'
BALANCER = '127.0.0.2'  # where haproxy calls from
CLIENT = '127.0.0.5'
BACK = 'back.raw.example'


class Server:
    """Somebody else's server, in the foreground; ended by its own process id."""

    def __init__(self, folder, port, *command):
        self.log = open(folder / (os.path.basename(command[0]) + '.log'), 'wb')
        self.process = subprocess.Popen([shutil.which(command[0], path=SBIN), *command[1:]],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        poll(lambda: socket.create_connection(('127.0.0.1', port), 1).close() is None, '%s listens' % command[0])

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.log.close()


class TlsEcho:
    """Ends TLS itself, and answers what it hears after its own name."""

    def __init__(self, context, name):
        self.listener, self.context, self.name = socket.create_server(('127.0.0.1', 0)), context, name
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                sock = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.talk, args=(sock,), daemon=True).start()

    def talk(self, sock):
        try:
            with self.context.wrap_socket(sock, server_side=True) as secure:
                while True:
                    heard = secure.recv(65536)
                    if not heard:
                        return
                    secure.sendall(self.name.encode() + b' heard ' + heard)
        except OSError:
            pass

    def close(self):
        self.listener.close()


def dial(port, address=CLIENT):
    return socket.create_connection(('127.0.0.1', port), 10, (address, 0))


def ask(sock, path='/', host='web.example'):
    sock.sendall(head_text('GET', path, host, {'Connection': 'close'}))
    heard = b''
    while True:
        part = sock.recv(65536)
        if not part:
            return heard.decode()
        heard += part


# ---- headers that come

@pytest.fixture(scope='module')
def proxied(shared_world):
    """A gateway with HTTP and TLS, and haproxy before each, by both versions."""
    echo, plain, raw = shared_world.echo(), free_port(), free_port()
    ports = {name: free_port() for name in ('one', 'two', 'sum', 'raw')}
    tls_echo = shared_world.started.keep(TlsEcho(server_context(shared_world), 'a'))
    node = shared_world.node([
        r.gateway(plain), r.route(BACK), r.service(BACK, [echo.port]),
        r.gateway(raw, name='raw', protocol='TLS', tls={'mode': 'PASSTHROUGH'}),
        r.networking('VirtualService', 'raw', {
            'hosts': ['a.example'], 'gateways': ['raw'],
            'tls': [{'match': [{'sniHosts': ['a.example']}],
                     'route': [{'destination': {'host': 'tls.raw.example'}}]}]}),
        r.service('tls.raw.example', [tls_echo.port], protocol='TLS'),
    ], name='proxied', frontProxies={'proxyProtocol': {'addresses': [BALANCER]}})
    text = 'defaults\n mode tcp\n timeout connect 5s\n timeout client 20s\n timeout server 20s\n'
    for name, to, how in (('one', plain, 'send-proxy'), ('two', plain, 'send-proxy-v2'),
                          ('sum', plain, 'send-proxy-v2 proxy-v2-options crc32c,unique-id'),
                          ('raw', raw, 'send-proxy-v2')):
        text += 'listen %s\n bind 127.0.0.1:%d\n unique-id-format "an id"\n server s 127.0.0.1:%d source %s %s\n' \
                % (name, ports[name], to, BALANCER, how)
    (shared_world.folder / 'haproxy.cfg').write_text(text)
    # once it listens a look at it goes through to the node, before which there is a sound header and no request
    shared_world.started.keep(Server(shared_world.folder, ports['one'], 'haproxy', '-db', '-f',
                                     str(shared_world.folder / 'haproxy.cfg')))
    node.plain, node.ports, node.echo = plain, ports, echo
    return node


def server_context(world):
    ca = pki.Authority()
    certificate, key = ca.leaf(dns=['a.example']).write(world.folder, 'a')
    (world.folder / 'a-ca.pem').write_text(ca.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@pytest.mark.parametrize('how', ['one', 'two', 'sum'])
def test_haproxy_says_who_the_client_is(proxied, how):
    with dial(proxied.ports[how]) as sock:
        port = sock.getsockname()[1]
        assert ask(sock, '/' + how).startswith('HTTP/1.1 200')
    assert proxied.echo.last().one('x-forwarded-for') == CLIENT
    record = proxied.record(path='/' + how)
    assert record['downstream_remote_address'] == '%s:%d' % (CLIENT, port)
    assert record['downstream_direct_remote_address'].startswith(BALANCER + ':')
    assert record['downstream_local_address'] == '127.0.0.1:%d' % proxied.ports[how]


def test_without_a_header_only_others_are_served(proxied):
    with dial(proxied.plain) as sock:
        assert ask(sock, '/direct').startswith('HTTP/1.1 200')
    with dial(proxied.plain, BALANCER) as sock:
        assert ask(sock, '/bare') == ''
    record = proxied.record(response_code_details='proxy_protocol_refused')
    assert record['connection_termination_details'] == 'PROXY header: the connection does not begin with one'
    assert record['downstream_remote_address'].startswith(BALANCER + ':')
    assert not [each for each in proxied.records() if each.get('path') == '/bare']


# ---- TLS that stays encrypted

def secure(world_folder, sock, sni):
    context = ssl.create_default_context(cafile=str(world_folder / 'a-ca.pem'))
    return context.wrap_socket(sock, server_hostname=sni)


def test_tls_reaches_its_own_end_behind_haproxy_and_the_node(proxied, shared_world):
    with secure(shared_world.folder, dial(proxied.ports['raw']), 'a.example') as sock:
        assert sock.getpeercert()['subjectAltName'] == (('DNS', 'a.example'),)
        sock.sendall(b'hello')
        assert sock.recv(100) == b'a heard hello'
    record = proxied.record(requested_server_name='a.example')
    assert record['downstream_remote_address'].startswith(CLIENT + ':')
    assert record['bytes_received'] > 300 and record['bytes_sent'] > 300


def test_openssl_is_content_and_an_unknown_name_is_not(proxied, shared_world):
    def client(sni):
        return subprocess.run(
            ['openssl', 's_client', '-connect', '127.0.0.1:%d' % proxied.ports['raw'], '-verify_return_error',
             '-CAfile', str(shared_world.folder / 'a-ca.pem'), '-quiet', '-no_ign_eof',
             *(['-servername', sni] if sni else ['-noservername'])],
            input=b'hi\n', capture_output=True, timeout=20)
    assert client('a.example').returncode == 0
    for sni in ('other.example', None):
        assert client(sni).returncode != 0
    proxied.record(requested_server_name='other.example', response_flags='NR')
    proxied.record(requested_server_name=None, response_flags='NR')


# ---- headers that are sent

@pytest.fixture(scope='module')
def behind(shared_world):
    """nginx with proxy_protocol, once by each version; and a raw gateway to a server of ours."""
    inside, ports = free_port(), {1: free_port(), 2: free_port(), 'tcp': free_port()}
    folder = shared_world.folder / 'nginx'
    folder.mkdir()
    (folder / 'nginx.conf').write_text('''
        daemon off; worker_processes 1; pid %(folder)s/pid; error_log stderr; user %(user)s;
        events {}
        http {
            access_log off; client_body_temp_path %(folder)s/b; proxy_temp_path %(folder)s/p;
            fastcgi_temp_path %(folder)s/f; uwsgi_temp_path %(folder)s/u; scgi_temp_path %(folder)s/s;
            server {
                listen 127.0.0.1:%(port)d proxy_protocol;
                location / { return 200 "$proxy_protocol_addr:$proxy_protocol_port $proxy_protocol_server_port"; }
            }
        }''' % {'folder': folder, 'port': inside, 'user': pwd.getpwuid(os.getuid()).pw_name})
    shared_world.started.keep(Server(folder, inside, 'nginx', '-c', str(folder / 'nginx.conf'), '-e', 'stderr'))
    rules = []
    for version in (1, 2):
        host, name = 'v%d.raw.example' % version, 'v%d' % version
        rules += [r.gateway(ports[version], name=name), r.route(host, name=name, gateways=[name]),
                  r.service(host, [inside]),
                  r.networking('DestinationRule', name, {
                      'host': host, 'trafficPolicy': {'proxyProtocol': {'version': 'V%d' % version}}})]
    echo = shared_world.tcp_echo()
    rules += [r.gateway(ports['tcp'], name='tcp', protocol='TCP'),
              r.networking('VirtualService', 'tcp', {
                  'hosts': ['*'], 'gateways': ['tcp'],
                  'tcp': [{'route': [{'destination': {'host': 'tcp.raw.example'}}]}]}),
              r.service('tcp.raw.example', [echo.port], protocol='TCP'),
              r.networking('DestinationRule', 'tcp', {
                  'host': 'tcp.raw.example',
                  'trafficPolicy': {'connectionPool': {'tcp': {'idleTimeout': '1s', 'maxConnectionDuration': '60s'}}}})]
    node = shared_world.node(rules, name='behind', workers=1, rules=shared_world.folder / 'behind-rules')
    node.ports = ports
    return node


@pytest.mark.parametrize('version', [1, 2])
def test_nginx_is_told_who_the_client_is(behind, version):
    for address in ('127.0.0.6', '127.0.0.7'):
        with socket.create_connection(('127.0.0.1', behind.ports[version]), 10, (address, 0)) as sock:
            port = sock.getsockname()[1]
            for _ in range(2):  # the second over the connection of the first
                sock.sendall(head_text('GET', '/', 'web.example'))
                heard = sock.recv(65536).decode()
                assert heard.startswith('HTTP/1.1 200') and \
                    heard.endswith('\r\n\r\n%s:%d %d' % (address, port, behind.ports[version])), heard


# ---- halves and times

def test_each_half_of_a_connection_ends_by_itself(behind):
    with dial(behind.ports['tcp']) as sock:
        port = sock.getsockname()[1]
        sock.sendall(b'all there is')
        sock.shutdown(socket.SHUT_WR)
        heard = b''
        while part := sock.recv(100):
            heard += part
        assert heard == b'ALL THERE IS'
    record = behind.record(downstream_remote_address='%s:%d' % (CLIENT, port))
    assert record['response_flags'] == '-' and record['bytes_received'] == record['bytes_sent'] == 12


def test_an_idle_connection_ends_at_its_clusters_time(behind):
    with dial(behind.ports['tcp']) as sock:
        port = sock.getsockname()[1]
        assert sock.recv(100) == b''
    record = behind.record(downstream_remote_address='%s:%d' % (CLIENT, port))
    assert record['response_flags'] == 'SI' and record['duration'] >= 1000
