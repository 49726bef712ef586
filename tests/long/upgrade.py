#!/usr/bin/python3
"""Upgrades and reloads under load: not one request may fail.

UPGRADES (20) times the node is replaced, RELOADS (100) times its rules change or it is told to read them anew:
under wrk with kept connections and with a connection a request, in plain text and over TLS, and under curl with
many streams of HTTP/2. A request has failed when its answer is no 2xx, when its connection broke or was refused,
or when no answer came. h2load sees the reloads only: it makes no new connection after a GOAWAY, and counts what it
does not ask as failed.
"""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '../e2e'))
sys.dont_write_bytecode = True

import conftest  # noqa: E402
import http1  # noqa: E402
import pki  # noqa: E402
import resources as r  # noqa: E402
from kit import free_port, poll  # noqa: E402
from node import SELVAGE  # noqa: E402

WEB = 'web.default.svc.cluster.local'
UPGRADES = int(os.environ.get('UPGRADES', '20'))
RELOADS = int(os.environ.get('RELOADS', '100'))
PAUSE = 0.1  # between two changes, seconds


class Workload:
    """`selvage echo`, which is faster than one in Python."""

    def __init__(self, folder):
        self.port = free_port()
        self.output = open(folder / 'echo.log', 'wb')
        self.process = subprocess.Popen([SELVAGE, 'echo', '-l', '127.0.0.1:%d' % self.port], stdin=subprocess.DEVNULL,
                                        stdout=self.output, stderr=self.output)
        poll(lambda: socket.create_connection(('127.0.0.1', self.port)).close() or True, 'the workload listens')

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.output.close()


class Subject:
    """A node whose program can be replaced, in front of one workload."""

    def __init__(self, world):
        self.world, self.workload = world, world.started.keep(Workload(world.folder))
        self.plain, self.secure, self.number = free_port(), free_port(), 0
        self.program = world.folder / 'selvage'
        shutil.copy(SELVAGE, self.program)
        self.ca = pki.Authority()
        self.leaf = self.ca.leaf(dns=['web.example'])
        self.node = world.prepare(binary=str(self.program), drainSpread='1s', drainTimeout='10s', accessLog='off',
                                  logLevel='warning')
        self.node.write(self.rules())
        self.node.start()
        poll(lambda: http1.ask(self.plain).status == 200, 'the way is open')

    def rules(self):
        servers = [{'port': {'number': self.plain, 'name': 'plain', 'protocol': 'HTTP'}, 'bind': '127.0.0.1',
                    'hosts': ['*']},
                   {'port': {'number': self.secure, 'name': 'secure', 'protocol': 'HTTPS'}, 'bind': '127.0.0.1',
                    'hosts': ['*'], 'tls': {'mode': 'SIMPLE', 'credentialName': 'web'}}]
        return [r.secret('web', self.leaf), r.gateway(self.plain, servers=servers), r.service(WEB, [self.workload.port]),
                r.route(WEB, headers={'response': {'set': {'x-number': str(self.number)}}})]

    def upgrade(self):
        fresh = self.program.with_suffix('.new')
        shutil.copy(SELVAGE, fresh)
        os.replace(fresh, self.program)
        subprocess.run([SELVAGE, 'upgrade', '-c', str(self.node.config)], check=True, stdout=subprocess.DEVNULL,
                       timeout=120)

    def reload(self):
        self.number += 1
        if self.number % 2:
            self.node.apply(self.rules())
        else:
            self.node.process.send_signal(signal.SIGHUP)

    def changes(self, upgrades, reloads):
        """Evenly mixed."""
        total = upgrades + reloads
        for step in range(total):
            is_upgrade = step * upgrades // total != (step + 1) * upgrades // total
            (self.upgrade if is_upgrade else self.reload)()
            time.sleep(PAUSE)


class Wrk:
    def __init__(self, address, *fields):
        words = ['wrk', '-t', '2', '-c', '32', '-d', '3600s', '--timeout', '10s', '-H', 'Host: web.example']
        for field in fields:
            words += ['-H', field]
        self.output = tempfile.TemporaryFile('w+')
        self.process = subprocess.Popen([*words, address + '/bytes/100'], stdin=subprocess.DEVNULL,
                                        stdout=self.output, stderr=subprocess.STDOUT)

    def end(self):
        """How many requests there were, how many failed, and what was said."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        self.output.seek(0)
        text = self.output.read()
        errors = re.search(r'Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)', text)
        others = re.search(r'Non-2xx or 3xx responses: (\d+)', text)
        failed = sum(map(int, errors.groups())) if errors else 0
        failed += int(others.group(1)) if others else 0
        return int(re.search(r'(\d+) requests in', text).group(1)), failed, text


class H2load:
    SECONDS = 60  # it tells nothing when it is interrupted

    def __init__(self, address):
        words = ['h2load', '-t', '1', '-c', '16', '-m', '10', '-D', str(self.SECONDS), address + '/bytes/100']
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)

    def end(self):
        assert self.process.poll() is None, 'the changes took longer than h2load'
        text = self.process.communicate(timeout=2 * self.SECONDS)[0]
        total, failed, timeout = (int(re.search(r'requests: .*?(\d+) %s' % word, text).group(1))
                                  for word in ('total', 'failed', 'timeout'))
        good = int(re.search(r'status codes: (\d+) 2xx', text).group(1))
        return total, max(failed + timeout, total - good), text


class Curl:
    """Forty streams at once, again and again."""
    BATCH = 2000

    def __init__(self, address):
        self.words = ['curl', '-sSk', '--http2', '--parallel', '--parallel-max', '40', '--max-time', '60',
                      '-w', '\\n<%{http_code} %{http_version}>', address + '/bytes/100?[1-%d]' % self.BATCH]
        self.requests, self.failed, self.text, self.ending = 0, 0, '', False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.ending:
            done = subprocess.run(self.words, stdin=subprocess.DEVNULL, capture_output=True, check=False)
            good = done.stdout.count(b'<200 2>')
            self.requests += self.BATCH
            self.failed += self.BATCH - good
            self.text += done.stderr.decode(errors='replace')

    def end(self):
        self.ending = True
        self.thread.join()
        return self.requests, self.failed, self.text


def driven(name, tool, address, subject, *more, upgrades=UPGRADES):
    """Runs the tool while everything changes; answers how many requests failed."""
    began = time.monotonic()
    load = tool(address, *more)
    try:
        time.sleep(1)
        subject.changes(upgrades, RELOADS)
        time.sleep(2)
    finally:
        requests, failed, text = load.end()
    print('%-36s %3d upgrades, %3d reloads in %5.1f s: %8d requests, %d failed' % (
        name, upgrades, RELOADS, time.monotonic() - began, requests, failed), flush=True)
    if failed:
        print(text)
    return failed


def main():
    started = conftest.Started()
    with tempfile.TemporaryDirectory(prefix='selvage-upgrade-') as folder:
        try:
            subject = Subject(conftest.World(pathlib.Path(folder), started))
            plain, secure = 'http://127.0.0.1:%d' % subject.plain, 'https://127.0.0.1:%d' % subject.secure
            failed = driven('HTTP/1.1, kept connections', Wrk, plain, subject)
            failed += driven('HTTP/1.1, a connection a request', Wrk, plain, subject, 'Connection: close')
            failed += driven('HTTP/1.1 over TLS, kept connections', Wrk, secure, subject)
            failed += driven('HTTP/1.1 over TLS, one a request', Wrk, secure, subject, 'Connection: close')
            failed += driven('HTTP/2 over TLS, curl', Curl, secure, subject)
            failed += driven('HTTP/2 over TLS, h2load', H2load, secure, subject, upgrades=0)
        finally:
            started.end()
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
