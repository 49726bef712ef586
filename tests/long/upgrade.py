#!/usr/bin/python3
"""Upgrades and reloads under load of wrk: not one request may fail.

UPGRADES (20) times the node is replaced, RELOADS (100) times its rules change or it is told to read them anew:
with kept connections, with a connection a request, and over TLS. A request has failed when its answer is no 2xx,
when its connection broke or was refused, or when no answer came.
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

    def changes(self):
        """Evenly mixed."""
        total = UPGRADES + RELOADS
        for step in range(total):
            is_upgrade = step * UPGRADES // total != (step + 1) * UPGRADES // total
            (self.upgrade if is_upgrade else self.reload)()
            time.sleep(PAUSE)


class Wrk:
    def __init__(self, address, *fields):
        words = ['wrk', '-t', '2', '-c', '32', '-d', '3600s', '--timeout', '10s', '-H', 'Host: web.example']
        for field in fields:
            words += ['-H', field]
        self.words = [*words, address + '/bytes/100']

    def figures(self, text):
        errors = re.search(r'Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)', text)
        others = re.search(r'Non-2xx or 3xx responses: (\d+)', text)
        failed = sum(map(int, errors.groups())) if errors else 0
        failed += int(others.group(1)) if others else 0
        return int(re.search(r'(\d+) requests in', text).group(1)), failed


def driven(name, tool, subject):
    """Runs the tool while everything changes; answers how many requests failed."""
    began = time.monotonic()
    with tempfile.TemporaryFile('w+') as output:
        process = subprocess.Popen(tool.words, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        try:
            time.sleep(1)
            subject.changes()
            time.sleep(2)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
        output.seek(0)
        text = output.read()
    requests, failed = tool.figures(text)
    print('%-36s %3d upgrades, %3d reloads in %5.1f s: %8d requests, %d failed' % (
        name, UPGRADES, RELOADS, time.monotonic() - began, requests, failed))
    if failed:
        print(text)
    return failed


def main():
    started = conftest.Started()
    with tempfile.TemporaryDirectory(prefix='selvage-upgrade-') as folder:
        try:
            subject = Subject(conftest.World(pathlib.Path(folder), started))
            plain, secure = 'http://127.0.0.1:%d' % subject.plain, 'https://127.0.0.1:%d' % subject.secure
            failed = driven('HTTP/1.1, kept connections', Wrk(plain), subject)
            failed += driven('HTTP/1.1, a connection a request', Wrk(plain, 'Connection: close'), subject)
            failed += driven('HTTP/1.1 over TLS, kept connections', Wrk(secure), subject)
            failed += driven('HTTP/1.1 over TLS, one a request', Wrk(secure, 'Connection: close'), subject)
        finally:
            started.end()
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
