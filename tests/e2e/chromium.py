"""Chromium without a window, told what to do over its debugging protocol: a WebSocket, RFC 6455, by hand."""
import base64
import json
import os
import signal
import socket
import struct
import subprocess
import urllib.parse

import http1
from kit import poll

PATIENCE = 30


class Socket:
    """A client's WebSocket: whole texts, no fragments out."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.sock = socket.create_connection((parts.hostname, parts.port), PATIENCE)
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall(('GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                           'Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n'
                           % (parts.path, parts.netloc, key)).encode())
        self.file = self.sock.makefile('rb')
        while self.file.readline() not in (b'\r\n', b''):
            pass

    def send(self, text):
        data, mask = text.encode(), os.urandom(4)
        head = bytes([0x81]) + (bytes([0x80 | len(data)]) if len(data) < 126 else
                                b'\xfe' + struct.pack('>H', len(data)) if len(data) < 65536 else
                                b'\xff' + struct.pack('>Q', len(data)))
        self.sock.sendall(head + mask + bytes(c ^ mask[i % 4] for i, c in enumerate(data)))

    def receive(self):
        text = b''
        while True:
            first, second = self.file.read(2)
            size = second & 0x7f
            size = (struct.unpack('>H', self.file.read(2))[0] if size == 126 else
                    struct.unpack('>Q', self.file.read(8))[0] if size == 127 else size)
            text += self.file.read(size)
            if first & 0x80:
                return text.decode()

    def close(self):
        self.file.close()
        self.sock.close()


class Tab:
    def __init__(self, url):
        self.socket, self.number = Socket(url), 0
        self.command('Page.enable')

    def command(self, method, **parameters):
        self.number += 1
        self.socket.send(json.dumps({'id': self.number, 'method': method, 'params': parameters}))
        while True:
            told = json.loads(self.socket.receive())
            if told.get('id') == self.number:
                assert 'error' not in told, told
                return told['result']

    def go(self, url):
        """On its way; wait for what the page shows."""
        self.command('Page.navigate', url=url)

    def value(self, script):
        told = self.command('Runtime.evaluate', expression=script, awaitPromise=True, returnByValue=True)
        return told['result'].get('value')

    def shows(self, what):
        """Waits until the page's text has it."""
        def look():
            try:
                text = self.value('document.readyState == "complete" ? document.body.innerText : ""') or ''
            except AssertionError:
                return None  # between two pages
            return text if what in text else None
        try:
            return poll(look, 'the page shows %r' % what, PATIENCE)
        except AssertionError as why:
            raise AssertionError('%s; it shows %r at %s' % (
                why, self.value('document.body.innerText'), self.value('location.href'))) from None

    def close(self):
        self.socket.close()


class Chromium:
    """Without a proxy, without anything that would look for its makers; *.example.test is this machine."""

    def __init__(self, folder, pin):
        self.folder = folder / 'chromium'
        self.output = open(folder / 'chromium.log', 'wb')
        self.tabs = []
        self.process = subprocess.Popen([
            'chromium', '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
            '--user-data-dir=%s' % self.folder, '--no-first-run', '--no-proxy-server',
            '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-extensions',
            '--host-resolver-rules=MAP *.example.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, '
            'EXCLUDE localhost', '--ignore-certificate-errors-spki-list=' + pin, '--remote-debugging-port=0',
            'about:blank'],
            stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output,
            env={**os.environ, 'HOME': str(folder)}, start_new_session=True)
        file = self.folder / 'DevToolsActivePort'
        self.port = int(poll(lambda: file.exists() and file.read_text().split('\n')[0], 'chromium is there', PATIENCE))

    def tab(self):
        answer = http1.ask(self.port, '/json/new?about:blank', 'PUT', '127.0.0.1:%d' % self.port,
                           {'Connection': 'close'}, b'')
        tab = Tab(answer.json()['webSocketDebuggerUrl'])
        self.tabs.append(tab)
        return tab

    def stop(self):
        for tab in self.tabs:
            tab.close()
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)  # it and its helpers are a group of their own
                self.process.wait(10)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass
        self.output.close()
