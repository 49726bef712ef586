"""A browser at a page behind a gateway and a sidecar: what the page itself has seen of EventSource and WebSocket."""
import base64
import hashlib
import http.server
import json
import os
import queue
import shutil
import signal
import subprocess
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from kit import poll
from way import Way
from ws_echo import EchoServer

PATIENCE = 60  # seconds until a browser has done it all, on a busy machine
EVENTS = 4

# Each event is sent once the page has told that it saw the one before.
PAGE = b'''<!doctype html><title>ends</title><script>
const told = {events: [], turns: []};
const wait = (target, name) => new Promise((done, fail) => {
    target.addEventListener(name, done, {once: true});
    target.addEventListener('error', () => fail(new Error(name + ' did not come')), {once: true});
});
async function events() {
    const source = new EventSource('/page/events');
    let next = wait(source, 'message');
    for (let i = 1; i <= %d; i++) {
        told.events.push((await next).data);
        next = i < %d && wait(source, 'message'); // it may be here before what lets it go is answered
        await fetch('/page/seen', {method: 'POST', body: 'x'});
    }
    source.close();
}
async function socket() {
    const peer = new WebSocket('wss://' + location.host + '/ws/browser', ['echo.example']);
    await wait(peer, 'open');
    told.subprotocol = peer.protocol;
    for (const text of ['one', 'two', 'x'.repeat(200000)]) {
        peer.send(text);
        told.turns.push((await wait(peer, 'message')).data.length);
    }
    peer.send('bye');
    told.closed = (await wait(peer, 'close')).code;
}
async function all() {
    try {
        await Promise.all([events(), socket()]);
        told.large = (await (await fetch('/page/large')).arrayBuffer()).byteLength;
    } catch (why) {
        told.error = String(why);
    }
    told.protocols = performance.getEntries().filter(e => e.nextHopProtocol).map(e => e.nextHopProtocol);
    await fetch('/page/report', {method: 'POST', body: JSON.stringify(told)});
}
all();
</script>''' % (EVENTS, EVENTS)


class Pages:
    """The page, its events, and what it tells."""

    def __init__(self):
        self.seen, self.report = threading.Semaphore(1), queue.Queue()
        pages = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_GET(self):
                if self.path == '/page/events':
                    pages.events(self)
                else:
                    pages.answer(self, bytes(3000000) if self.path == '/page/large' else PAGE)

            def do_POST(self):
                body = self.rfile.read(int(self.headers['content-length']))
                pages.seen.release() if self.path == '/page/seen' else pages.report.put(json.loads(body))
                pages.answer(self, b'')

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @staticmethod
    def answer(to, body):
        to.send_response(200)
        to.send_header('Content-Type', 'text/html')
        to.send_header('Content-Length', str(len(body)))
        to.end_headers()
        to.wfile.write(body)

    def events(self, to):
        """Without a length: it ends with the connection."""
        to.close_connection = True
        to.send_response(200)
        to.send_header('Content-Type', 'text/event-stream')
        to.end_headers()
        for i in range(EVENTS):
            if not self.seen.acquire(timeout=PATIENCE):
                return
            to.wfile.write(b'data: event %d\n\n' % i)
            to.wfile.flush()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def key_pin(certificate):
    """What --ignore-certificate-errors-spki-list trusts: this one key and no other."""
    public = x509.load_pem_x509_certificate(certificate.encode()).public_key()
    return base64.b64encode(hashlib.sha256(public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).digest()).decode()


class Browser:
    """Without a proxy, without anything that would look for its makers."""

    def __init__(self, folder, url, pin):
        self.output = open(folder / 'browser.log', 'wb')
        self.process = subprocess.Popen([
            'chromium', '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
            '--user-data-dir=%s' % (folder / 'browser'), '--no-first-run', '--no-proxy-server',
            '--disable-background-networking', '--disable-component-update', '--disable-sync',
            '--disable-extensions', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
            '--ignore-certificate-errors-spki-list=' + pin, '--remote-debugging-port=0', url],
            stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output,
            env={**os.environ, 'HOME': str(folder)}, start_new_session=True)

    def stop(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)  # it and its helpers are a group of their own
                self.process.wait(10)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass
        self.output.close()


def visited(world, folder):
    """A page with events and a WebSocket, loaded once; the records of its requests."""
    pages, server = world.started.keep(Pages()), world.started.keep(EchoServer())
    way = Way(world, {'page': (pages.port, 'HTTP'), 'ws': (server.port, 'HTTP')})
    folder.mkdir()
    world.started.keep(Browser(folder, 'https://localhost:%d/page' % way.tls, key_pin(way.leaf.pem)))
    try:
        told = pages.report.get(timeout=PATIENCE)
    except queue.Empty:
        asked = [(each['path'], each['protocol'], each['response_code']) for each in way.edge.records()]
        pytest.fail('the page told nothing; asked and answered was %s' % asked)
    assert told.get('error') is None, told
    assert told['events'] == ['event %d' % i for i in range(EVENTS)]
    assert told['subprotocol'] == 'echo.example' and told['turns'] == [3, 3, 200000] and told['closed'] == 4001
    assert told['large'] == 3000000
    assert len(told['protocols']) >= 2 + EVENTS and set(told['protocols']) == {'h2'}
    way.edge.record(path='/ws/browser')
    poll(lambda: server.left, 'the server has ended it')
    return [each for each in way.edge.records() if each['path'] != '/favicon.ico']


def test_a_page_has_its_events_and_its_websocket_over_http2(world, tmp_path):
    if not shutil.which('chromium'):
        pytest.skip('there is no chromium: ./dev setup test installs it')
    # In a stream of the page's own connection (RFC 8441), by what the gateway has recorded. A browser that is slow to
    # read the server's settings takes a connection of its own for the WebSocket: then the page is loaded anew.
    for turn in range(3):
        records = visited(type(world)(tmp_path / str(turn), world.started), tmp_path / ('browser-%d' % turn))
        protocol = next(each['protocol'] for each in records if each['path'] == '/ws/browser')
        if protocol == 'HTTP/2':
            break
    assert protocol == 'HTTP/2', records
    addresses = {each['downstream_remote_address'] for each in records}
    assert len(addresses) == 1, addresses
