#!/usr/bin/python3
"""A thousand endpoints a second come and go under load, and nobody notices.

A service of 200 endpoints, all of which live, in a file of its own; twenty times a second 50 of them are replaced by
addresses that were never there before. Every request has to succeed, also one under way to an endpoint that has just
gone; control and workers must not grow. CHURN_SECONDS (30), or the number named as argument.
"""
import os
import sys
import time

import ground
import resources as r
from kit import SANITIZED, free_port, poll

SIZE, STEP, EVERY = 200, 50, 0.05
GROWTH = 16 << 20  # bytes that a process may have grown by between a third of the time and the end


def service(first, port):
    """The service with SIZE endpoints from number `first` on. All of 127.0.0.0/8 is this machine."""
    rows = ('  - {address: 127.%d.%d.%d, ports: {main: %d}}' % (1 + (n >> 16), n >> 8 & 255, n & 255, port)
            for n in range(first, first + SIZE))
    return ('apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: web, namespace: default}\n'
            'spec:\n  hosts: [%s]\n  location: MESH_INTERNAL\n  resolution: STATIC\n'
            '  ports: [{number: 80, name: main, protocol: HTTP}]\n  endpoints:\n%s\n' % (ground.WEB, '\n'.join(rows)))


class Churn:
    def __init__(self, world):
        self.echo, front = world.echo(address='0.0.0.0'), free_port()
        self.echo.keep_requests = False
        self.node = world.prepare(accessLog='off')
        self.node.write([r.gateway(front), r.route(ground.WEB)])
        self.node.write(service(0, self.echo.port), 'web.yaml')
        self.node.start()
        self.load = ground.Steady(front, connections=16)
        self.changes = 0

    def parts(self):
        workers = list(self.node.worker_pids().values())
        return {'control': [self.node.control_pid()], 'workers': workers}

    def change(self, seconds):
        until, due = time.monotonic() + seconds, time.monotonic()
        while time.monotonic() < until:
            self.changes += STEP
            self.node.write(service(self.changes, self.echo.port), 'web.yaml')
            due += EVERY
            time.sleep(max(0, due - time.monotonic()))

    def measure(self, part, measured):
        return sum(measured(pid) for pid in self.parts()[part])

    def run(self, seconds):
        with self.load:
            poll(lambda: len(self.load.rows) > 100, 'requests are answered')
            self.change(seconds / 3)
            began, editions = time.monotonic(), self.node.metric('selvage_rules_loads_total')
            memory = {part: self.measure(part, ground.private_bytes) for part in self.parts()}
            cpu = {part: self.measure(part, ground.cpu_seconds) for part in self.parts()}
            self.change(seconds * 2 / 3)
            took = time.monotonic() - began
            grown = {part: self.measure(part, ground.private_bytes) - memory[part] for part in memory}
            used = {part: self.measure(part, ground.cpu_seconds) - cpu[part] for part in cpu}
            editions = self.node.metric('selvage_rules_loads_total') - editions
        outcomes = self.load.outcomes(self.load.rows)
        assert not self.load.wrong, self.load.wrong[:5]
        ground.figures('endpoint churn', seconds=took, changes_a_second=2 * self.changes / 3 / took, editions=int(editions),
                       requests=len(self.load.rows), outcomes=outcomes,
                       p99_ms=1000 * self.load.percentile(self.load.rows, 0.99), longest=self.load.longest(self.load.rows),
                       **{part + '_cpu_percent': 100 * used[part] / took for part in used},
                       **{part + '_MB': memory[part] / 1e6 for part in memory},
                       **{part + '_grown_MB': grown[part] / 1e6 for part in grown})
        assert set(outcomes) == {'200'}, outcomes
        for part, bytes_more in grown.items():
            assert SANITIZED or bytes_more < GROWTH, '%s grew by %d bytes' % (part, bytes_more)


def main():
    seconds = float(sys.argv[1] if len(sys.argv) > 1 else os.environ.get('CHURN_SECONDS', '30'))
    ground.play(lambda world: Churn(world).run(seconds))


if __name__ == '__main__':
    main()
