#!/usr/bin/python3
"""Workloads that are killed and started again at random, under load: what clients see of it.

Three workloads, each a process of its own, of which one is killed (SIGKILL) and started again a moment later; as soon
as it listens it is another's turn. Clients get 200, or 503 with a flag that says why, never another request's answer;
with two retries hardly any of them sees more than a delay. KILLS_SECONDS (30), or the number named as argument.
"""
import collections
import os
import random
import socket
import subprocess
import sys
import time

import ground
import resources as r
from kit import free_port, poll

FAILED_PERCENT = 2
FLAGS = {'503 UF', '503 UC', '503 UH', '503 UF,URX', '503 UC,URX', '0 DC'}
WORKLOAD = ('import sys, threading; sys.path.insert(0, %r); import echo; '
            'workload = echo.Echo(sys.argv[1], int(sys.argv[1])); workload.keep_requests = False; '
            'threading.Event().wait()' % os.path.join(ground.HERE, '../e2e'))


class Workload:
    def __init__(self):
        self.port, self.process = free_port(), None
        self.start()

    def start(self):
        self.process = subprocess.Popen([sys.executable, '-c', WORKLOAD, str(self.port)], stdin=subprocess.DEVNULL)

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(('127.0.0.1', self.port)) == 0

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.kill()


class Kills:
    def __init__(self, world):
        self.workloads = [world.started.keep(Workload()) for _ in range(3)]
        front = free_port()
        retries = {'attempts': 2, 'retryOn': 'connect-failure,refused-stream,reset'}
        self.node = world.node([r.gateway(front), r.route(ground.WEB, retries=retries),
                                r.service(ground.WEB, [each.port for each in self.workloads])])
        self.load = ground.Steady(front, connections=32)
        self.count = collections.Counter()

    def storm(self, seconds):
        chance, until = random.Random(1), time.monotonic() + seconds
        while time.monotonic() < until:
            victim = chance.choice(self.workloads)
            victim.kill()
            self.count['kills'] += 1
            time.sleep(chance.uniform(0, 0.2))
            victim.start()
            poll(victim.listens, 'the workload listens again')
            time.sleep(chance.uniform(0, 0.1))

    def all_well(self):
        began = time.monotonic()
        time.sleep(0.5)
        rows = self.load.since(began)
        return len(rows) > 50 and set(self.load.outcomes(rows)) == {'200'}

    def run(self, seconds):
        with self.load:
            poll(self.all_well, 'all workloads answer')
            began, lines = time.monotonic(), len(self.node.records())
            self.storm(seconds)
            ended = time.monotonic()
            poll(self.all_well, 'only good answers again', 60)
            rows = self.load.since(began, ended)
        outcomes, flags = self.load.outcomes(rows), ground.flags(self.node, lines)
        assert not self.load.wrong, self.load.wrong[:5]
        assert set(outcomes) <= {'200', '503'} and set(flags) <= FLAGS, (outcomes, flags)
        failed = 100 * sum(row.outcome != 200 for row in rows) / len(rows)
        assert failed < FAILED_PERCENT, (failed, outcomes, flags)
        ground.figures('upstream kills', seconds=seconds, kills=self.count['kills'], requests=len(rows),
                       outcomes=outcomes, flags=flags, failed_percent=failed,
                       longest=self.load.longest(rows))


def main():
    seconds = float(sys.argv[1] if len(sys.argv) > 1 else os.environ.get('KILLS_SECONDS', '30'))
    ground.play(lambda world: Kills(world).run(seconds))


if __name__ == '__main__':
    main()
