#!/usr/bin/python3
"""The wire between an edge and a sidecar breaks under load, three times, and heals.

  down        the link is taken down: new connections are refused at once, old ones are silent
  silent      every packet is lost, and nobody is told
  half-open   the connections of before lose every packet for good; new ones work

Half of the clients ask for a route with a time-out of two seconds, the others for one without any. Each request ends
in 200, or in 503 or 504 with a flag that says why; none hangs beyond what may be. PARTITION_SECONDS (6), or the
number named as argument, is how long each break lasts. Takes root.
"""
import os
import sys
import time

import ground
import resources as r
from kit import free_port, poll

TIMED, PLAIN = 'timed.example', 'plain.example'
TIMEOUT = 2
HANG = {TIMED: TIMEOUT + 5, PLAIN: 50}  # the longest that one request may take, with a machine that is busy
FLAGS = {'503 UF', '503 UC', '503 UH', '504 UT', '503 UF,URX', '503 UC,URX', '504 UT,URX', '0 DC'}


class Partition:
    def __init__(self, world, seconds):
        self.hosts, self.seconds = ground.Hosts(), seconds
        front, self.port = free_port(), free_port()
        with self.hosts.side():
            echo = world.echo()
            echo.keep_requests = False
        self.edge = world.prepare(account='edge')
        self.edge.write(ground.mesh(front, self.port, echo.port, http=[
            r.route(ground.WEB, name='timed', hosts=[TIMED], timeout='%ds' % TIMEOUT),
            r.route(ground.WEB, name='plain', hosts=[PLAIN])]))
        with self.hosts.side():
            world.node(name='side', role='sidecar', account='web', labels={'app': 'web'})
        self.edge.start()
        self.load = ground.Steady(front, hosts=(TIMED, PLAIN))

    def half_open(self):
        ports = ', '.join(str(port) for port in self.hosts.ports_in_use(self.port))
        assert ports, 'no connection is open'
        self.hosts.drops('tcp dport %d tcp sport { %s }' % (self.port, ports),
                         'tcp sport %d tcp dport { %s }' % (self.port, ports))

    def breaks(self, name, begin, end, waits=None):
        """One break: what came during and after it, and how long until all was well again."""
        lines, began = len(self.edge.records()), time.monotonic()
        begin()
        time.sleep(waits or self.seconds)
        healed = time.monotonic()
        end()
        calm = poll(lambda: self.calm(healed), 'only good answers again', 60)
        time.sleep(1)
        rows = self.load.since(began)
        for host, most in HANG.items():
            took = self.load.longest([row for row in rows if row.host == host])
            assert took < most, '%s: a request to %s took %.1f s' % (name, host, took)
        flags = ground.flags(self.edge, lines)
        assert set(flags) <= FLAGS, flags
        bad = {row.outcome for row in rows} - {200, 503, 504}
        assert not bad and not self.load.wrong, (bad, self.load.wrong[:5])
        ground.figures('partition ' + name, seconds=healed - began, requests=len(rows),
                       outcomes=self.load.outcomes(rows), flags=flags,
                       longest_with_timeout=self.load.longest([row for row in rows if row.host == TIMED]),
                       longest_without=self.load.longest([row for row in rows if row.host == PLAIN]),
                       well_again_after=calm)

    def calm(self, healed):
        """When no bad answer came for a second from every client: how long after the healing the last one was."""
        now = time.monotonic()
        rows = self.load.since(healed - 90)
        ends = [row.began + row.seconds for row in rows if row.outcome != 200]
        good = [row for row in rows if row.outcome == 200 and row.began > now - 1]
        if len({row.host for row in good}) < 2 or len(good) < 50 or (ends and max(ends) > now - 1):
            return None
        return max([end - healed for end in ends] + [0.001])

    def run(self):
        with self.load:
            time.sleep(2)
            self.breaks('down', self.hosts.down, self.hosts.up)
            self.breaks('silent', lambda: self.hosts.drops('meta l4proto tcp', 'meta l4proto tcp'), self.hosts.heals)
            self.breaks('half-open', self.half_open, self.hosts.heals, 30)


def main():
    seconds = float(sys.argv[1] if len(sys.argv) > 1 else os.environ.get('PARTITION_SECONDS', '6'))
    ground.play(lambda world: Partition(world, seconds).run())


if __name__ == '__main__':
    main()
