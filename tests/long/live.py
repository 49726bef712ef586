#!/usr/bin/python3
"""Rules of 10,000 resources change under load: how soon each worker serves by the new ones, and what it costs.

RESOURCES (10000) resources lie in files of one each (FILES_OF, 1). One of them changes CHANGES (100) times, five times
a second, while requests fall due at RATE (6000) a second. A change sets a response field; kept connections, at least
two into each worker, ask all the time for it: a change is in force in a worker when an answer of that worker shows it,
counted from when the file was renamed into its place. Not one request may fail.

    live.py                  the figures of docs/reliability.md, "Live"
    CHANGES=1000 live.py     memory must stay flat
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import time

import ground
import http1
import resources as r
from kit import free_port, poll
from node import SELVAGE, rules_write
from upgrade import Workload

RESOURCES = int(os.environ.get('RESOURCES', '10000'))
FILES_OF = int(os.environ.get('FILES_OF', '1'))
CHANGES = int(os.environ.get('CHANGES', '100'))
RATE = int(os.environ.get('RATE', '6000'))
EVERY = float(os.environ.get('EVERY', '0.2'))  # seconds between two changes
REST = 3.0  # seconds
WORKERS = 2
LATEST = float(os.environ.get('LATEST', '1'))  # seconds: the 99th percentile has to stay below
GROWTH = 24 << 20  # bytes that a process may have grown by between a third of the changes and the end
PACE = pathlib.Path(SELVAGE).resolve().parent / 'bench/pace'


def group(number, port):
    """A service, its route, its traffic policy and who may use it: four resources."""
    host = 's%d.example.com' % number
    return ('apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: s%d, namespace: default}\n'
            'spec: {hosts: [%s], location: MESH_INTERNAL, resolution: STATIC, ports: [{number: 80, name: http, protocol: '
            'HTTP}],\n  endpoints: [{address: 127.0.0.1, ports: {http: %d}}]}\n' % (number, host, port),
            'apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v%d, namespace: default}\n'
            'spec: {hosts: [%s], gateways: [front], http: [{match: [{uri: {prefix: /api}}], timeout: 5s, route: '
            '[{destination: {host: %s}}]},\n  {route: [{destination: {host: %s}}]}]}\n' % (number, host, host, host),
            'apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: d%d, namespace: default}\n'
            'spec: {host: %s, trafficPolicy: {connectionPool: {tcp: {maxConnections: 100}}}}\n' % (number, host),
            'apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p%d, namespace: default}\n'
            'spec: {action: DENY, rules: [{to: [{operation: {hosts: [%s], paths: [/admin/*]}}]}]}\n' % (number, host))


def documents(port):
    return [text for number in range(RESOURCES // 4) for text in group(number, port)]


def changed(number):
    return r.route(ground.WEB, hosts=('*',), headers={'response': {'set': {'x-number': str(number)}}})


class Probe(threading.Thread):
    """One kept connection; notes when each number was seen first."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.connection = http1.Connection(port)
        self.local = self.connection.sock.getsockname()[1]
        self.seen, self.slowest, self.requests, self.failed = {}, 0.0, 0, None
        self.ending = threading.Event()

    def run(self):
        while not self.ending.is_set():
            began = time.monotonic()
            try:
                answer = self.connection.ask('/probe', host='web.example')
                assert answer.status == 200, answer
            except (OSError, AssertionError) as why:
                self.failed = repr(why)
                return
            now = time.monotonic()
            self.requests += 1
            self.slowest = max(self.slowest, now - began)
            self.seen.setdefault(int(answer.one('x-number')), now)
            self.ending.wait(0.01)


def holders(port):
    """Local port of a client -> the process that holds the other end."""
    lines = ground.run('ss', '-Htnp', 'state', 'established', 'sport = :%d' % port).splitlines()
    found = (re.search(r':(\d+)\s+users:.*?pid=(\d+)', line) for line in lines)
    return {int(match.group(1)): int(match.group(2)) for match in found if match}


class Live:
    def __init__(self, world):
        self.workload = world.started.keep(Workload(world.folder))
        self.front = free_port()
        limits = {'connection': {'idleTimeout': '1h', 'requests': 0, 'maxAge': '0s'}}  # pace opens its connections once
        self.node = world.prepare(workers=WORKERS, accessLog='off', logLevel='warning', limits=limits)
        texts = documents(self.workload.port)
        for at in range(0, len(texts), FILES_OF):
            (self.node.rules / ('r%05d.yaml' % at)).write_text('---\n'.join(texts[at:at + FILES_OF]))
        self.node.write([r.gateway(self.front), r.service(ground.WEB, [self.workload.port])], 'base.yaml')
        self.node.write([changed(0)], 'changed.yaml')
        began = time.monotonic()
        self.node.start()
        self.started_s = time.monotonic() - began
        poll(lambda: http1.ask(self.front).status == 200, 'the way is open')
        self.workers = {}

    def probes(self):
        """Two into each worker, at least."""
        pids, probes = set(self.node.worker_pids().values()), []
        for _ in range(64):
            probes.append(Probe(self.front))
            held = holders(self.front)
            self.workers = {probe: held.get(probe.local) for probe in probes}
            if all(list(self.workers.values()).count(pid) >= 2 for pid in pids):
                return probes
        raise AssertionError('not every worker of %r took connections: %r' % (pids, self.workers))

    def parts(self):
        workers = list(self.node.worker_pids().values())
        return {'control': [self.node.control_pid()], 'workers': workers}

    def memory(self):
        """At rest: while rules are replaced there are two or three sets of them."""
        time.sleep(REST)
        return self.measure(ground.private_bytes)

    def measure(self, measured):
        return {part: sum(map(measured, pids)) for part, pids in self.pids.items()}

    def change(self, first, last):
        written, due = {}, time.monotonic()
        for number in range(first, last):
            rules_write(self.node.rules, [changed(number)], 'changed.yaml')
            written[number] = time.monotonic()
            due += EVERY
            time.sleep(max(0.0, due - time.monotonic()))
        return written

    def load(self, seconds):
        return subprocess.Popen([str(PACE), 'http', '127.0.0.1:%d' % self.front, '/load', str(RATE), str(int(seconds)),
                                 '32'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    def run(self):
        self.pids = self.parts()
        probes = self.probes()
        for probe in probes:
            probe.start()
        load = self.load(CHANGES * EVERY * 1.3 + 5 + 2 * REST)
        try:
            time.sleep(2)
            third = CHANGES // 3
            written = self.change(1, third + 1)
            memory, cpu, began = self.memory(), self.measure(ground.cpu_seconds), time.monotonic()
            written.update(self.change(third + 1, CHANGES + 1))
            took = time.monotonic() - began
            poll(lambda: all(CHANGES in probe.seen for probe in probes), 'the last change is in force', 30)
            used = {part: value - cpu[part] for part, value in self.measure(ground.cpu_seconds).items()}
            grown = {part: value - memory[part] for part, value in self.memory().items()}
        finally:
            for probe in probes:
                probe.ending.set()
            told = json.loads(load.communicate(timeout=CHANGES * EVERY * 2 + 60)[0])
        assert not any(probe.failed for probe in probes), [probe.failed for probe in probes]
        assert told['broken'] == 0, (told, self.node.log_text()[-2000:])
        delays = self.delays(probes, written)
        p99 = max(each[int(len(each) * 0.99)] for each in delays.values())
        ground.figures(
            'live', resources=RESOURCES, files=RESOURCES // FILES_OF, changes=CHANGES, start_s=self.started_s,
            **{'worker_%d_p50_ms' % i: 1000 * each[len(each) // 2] for i, each in delays.items()},
            **{'worker_%d_p99_ms' % i: 1000 * each[int(len(each) * 0.99)] for i, each in delays.items()},
            **{'worker_%d_last_ms' % i: 1000 * each[-1] for i, each in delays.items()},
            requests=told['requests'] + sum(probe.requests for probe in probes), failed=0,
            p99_us=told['p99_us'], longest_ms=max(told['max_us'] / 1000, *(1000 * probe.slowest for probe in probes)),
            **{part + '_cpu_percent': 100 * used[part] / took for part in used},
            **{part + '_MB': memory[part] / 1e6 for part in memory},
            **{part + '_grown_MB': grown[part] / 1e6 for part in grown})
        assert p99 < LATEST, 'p99 %.0f ms' % (1000 * p99)
        for part, more in grown.items():
            assert more < GROWTH, '%s grew by %d bytes' % (part, more)

    def delays(self, probes, written):
        """By worker: for each change how long until the first answer by it, or by one that came after it."""
        out = {}
        for index, pid in sorted(self.node.worker_pids().items()):
            mine = [probe for probe in probes if self.workers[probe] == pid]
            seen = sorted((min(at for probe in mine for n, at in probe.seen.items() if n >= number) - began)
                          for number, began in written.items())
            out[index] = seen
        return out


def main():
    if not os.access(PACE, os.X_OK):
        sys.exit('there is no %s: build first' % PACE)
    ground.play(lambda world: Live(world).run())


if __name__ == '__main__':
    main()
