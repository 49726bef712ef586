#!/usr/bin/python3
"""What connections cost in memory: PSS of all processes of a node, over what it has at rest, by the connection.

  costs.py [--peer selvage|nginx] [--only NAME[,NAME...]] [--quick]

Each row starts a fresh peer with one worker, warms it up, opens its connections and looks while they last. The
workload, the clients and the kernel's socket buffers are not counted. nginx needs Debian's nginx-light; it does the
same: TLS, one proxied request, then whatever the row is about. --quick takes a tenth of the connections.
"""
import argparse
import asyncio
import multiprocessing
import os
import pathlib
import resource
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '../e2e'))
sys.dont_write_bytecode = True

import node as nodes  # noqa: E402
import pki  # noqa: E402
import resources as r  # noqa: E402
from kit import free_port, poll  # noqa: E402

WEB = 'web.default.svc.cluster.local'
BIG = 10 << 20
HEAD = 'GET %s HTTP/1.1\r\nHost: a.example\r\nUser-Agent: costs/1\r\nAccept: */*\r\n\r\n'
SMALL = b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

NGINX = """
worker_processes 1; pid {folder}/pid; error_log {folder}/error.log; daemon off;
worker_rlimit_nofile {files};
events {{ worker_connections {files}; }}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  keepalive_timeout 1h; keepalive_requests 1000000; send_timeout 1h; client_header_timeout 1h;
  client_body_timeout 1h; proxy_read_timeout 1h; client_max_body_size 0; proxy_max_temp_file_size 0;
  ssl_session_cache off; ssl_certificate {folder}/a.crt; ssl_certificate_key {folder}/a.key;
  upstream web {{ server 127.0.0.1:{workload}; keepalive 32; }}
  server {{
    listen 127.0.0.1:{plain} backlog=4096; listen 127.0.0.1:{tls} ssl backlog=4096;
    location / {{ proxy_pass http://web; proxy_http_version 1.1; proxy_set_header Connection "";
                  proxy_request_buffering off; }}
  }}
}}
"""


# ---- the workload: a process of its own

async def serve_one(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b'\r\n\r\n')).decode('latin-1')
            path = head.split(' ')[1]
            if path == '/stall':
                await asyncio.sleep(3600)
            if path == '/big':
                writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % BIG)
                for _ in range(BIG // 65536):
                    writer.write(b'x' * 65536)
                    await writer.drain()
                continue
            if path == '/upload':
                while await reader.read(65536):
                    pass
                return
            writer.write(SMALL)
            await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


def workload(port):
    async def run():
        server = await asyncio.start_server(serve_one, '127.0.0.1', port, backlog=4096)
        async with server:
            await server.serve_forever()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(run())


# ---- peers

class Peer:
    def __init__(self, folder, upstream, leaf):
        self.folder, self.upstream, self.leaf = folder, upstream, leaf
        self.plain, self.tls = free_port(), free_port()

    def pss(self):
        total = 0
        for pid in self.pids():
            with open('/proc/%d/smaps_rollup' % pid, encoding='ascii') as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith('Pss:'))
        return total * 1024


class Selvage(Peer):
    def start(self):
        hour = '1h'
        self.node = nodes.Node(self.folder, workers=1, accessLog='off', limits={
            'request': {'headTimeout': hour, 'bodyIdleTimeout': hour, 'bodyBytesPerSecond': 0},
            'connection': {'idleTimeout': hour, 'perListener': 0}})
        tls = {'port': {'number': self.tls, 'name': 'tls', 'protocol': 'HTTPS'}, 'bind': '127.0.0.1', 'hosts': ['*'],
               'tls': {'mode': 'SIMPLE', 'credentialName': 'a'}}
        plain = {'port': {'number': self.plain, 'name': 'plain', 'protocol': 'HTTP'}, 'bind': '127.0.0.1',
                 'hosts': ['*']}
        self.node.write([r.secret('a', self.leaf), r.gateway(0, servers=[tls, plain]), r.route(WEB),
                         r.service(WEB, [self.upstream])])
        self.node.start()

    def pids(self):
        return [self.node.process.pid, *self.node.family()]

    def stop(self):
        self.node.stop()


class Nginx(Peer):
    def start(self):
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        (self.folder / 'nginx.conf').write_text(NGINX.format(folder=self.folder, workload=self.upstream, files=files,
                                                             plain=self.plain, tls=self.tls))
        self.process = subprocess.Popen(['nginx', '-c', str(self.folder / 'nginx.conf'), '-e',
                                         str(self.folder / 'error.log')], env={'PATH': '/usr/sbin:/usr/bin:/sbin:/bin'})

    def pids(self):
        return [self.process.pid, *nodes.children(self.process.pid)]

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


# ---- clients

def plain_client(port):
    sock = socket.create_connection(('127.0.0.1', port), 20)
    return sock


def tls_client(port, context):
    return context.wrap_socket(plain_client(port), server_hostname='a.example')


def ask(sock):
    sock.sendall((HEAD % '/').encode())
    data = b''
    while not data.endswith(b'ok'):
        more = sock.recv(65536)
        assert more, data
        data += more
    return sock


class Clients:
    """One method a row; each answers its open sockets."""

    def __init__(self, peer, context):
        self.peer, self.context = peer, context

    def idle_plain(self, _):
        return ask(plain_client(self.peer.plain))

    def idle_tls(self, _):
        return ask(tls_client(self.peer.tls, self.context))

    def fresh_tls(self, _):
        return tls_client(self.peer.tls, self.context)

    def slow_readers(self, _):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(('127.0.0.1', self.peer.plain))
        sock.sendall((HEAD % '/big').encode())
        return sock

    def slow_heads(self, _):
        sock = plain_client(self.peer.plain)
        sock.sendall((HEAD % '/')[:-2].encode())
        return sock

    def slow_writers(self, _):
        sock = plain_client(self.peer.plain)
        sock.sendall(b'POST /upload HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1000000\r\n\r\n' + b'x' * 100)
        return sock

    def stalled(self, _):
        sock = plain_client(self.peer.plain)
        sock.sendall((HEAD % '/stall').encode())
        return sock


ROWS = [('idle_plain', 10000, 'idle after a request, plain'), ('idle_tls', 10000, 'idle after a request, TLS'),
        ('fresh_tls', 2000, 'idle after the handshake, TLS'),
        ('slow_readers', 1000, 'reading nothing of 10 MB'), ('slow_heads', 1000, 'inside a head'),
        ('slow_writers', 1000, 'inside a body'), ('stalled', 1000, 'the upstream says nothing')]


def settled(peer):
    """When three looks in a row agree within a hundredth."""
    seen = []
    for _ in range(60):
        time.sleep(0.5)
        seen = seen[-2:] + [peer.pss()]
        if len(seen) == 3 and max(seen) - min(seen) <= max(seen) / 100:
            break
    return seen[-1]


def measure(kind, name, count, leaf, context):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        leaf.write(folder, 'a')
        upstream = free_port()
        process = multiprocessing.Process(target=workload, args=(upstream,), daemon=True)
        process.start()
        peer = kind(folder, upstream, leaf)
        peer.start()
        sockets = []
        try:
            clients = Clients(peer, context)
            poll(lambda: [clients.idle_plain(0).close(), clients.idle_tls(0).close()], 'the peer serves', 30)
            for _ in range(20):
                clients.idle_plain(0).close()
                clients.idle_tls(0).close()
            base = settled(peer)
            one = getattr(clients, name)
            for i in range(count):
                sockets.append(one(i))
            after = settled(peer)
        finally:
            for sock in sockets:
                sock.close()
            peer.stop()
            process.terminate()
            process.join()
    return base, after


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument('--peer', action='append', choices=['selvage', 'nginx'])
    options.add_argument('--only', default='')
    options.add_argument('--quick', action='store_true')
    chosen = options.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    ca = pki.Authority()
    leaf = ca.leaf(dns=['a.example'], name='a')
    context = pki.client_context(ca)
    print('%-9s %-32s %7s %9s %9s %9s' % ('peer', 'connections', 'number', 'at rest', 'with them', 'each'))
    for name, count, text in ROWS:
        if chosen.only and name not in chosen.only.split(','):
            continue
        count = count // 10 if chosen.quick else count
        for kind in (Selvage, Nginx):
            if chosen.peer and kind.__name__.lower() not in chosen.peer:
                continue
            base, after = measure(kind, name, count, leaf, context)
            print('%-9s %-32s %7d %6.1f MB %6.1f MB %6.1f KB' % (kind.__name__.lower(), text, count, base / 1e6,
                                                                  after / 1e6, (after - base) / count / 1e3), flush=True)


if __name__ == '__main__':
    main()
