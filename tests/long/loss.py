#!/usr/bin/python3
"""One packet in twenty is lost between an edge and a sidecar, in both directions: slower, and never wrong.

LOSS_SECONDS (30), or the number named as argument; LOSS_PERCENT (5). Takes root.
"""
import os
import sys
import time

import ground
import resources as r
from kit import free_port


class Loss:
    def __init__(self, world):
        self.hosts, front, side = ground.Hosts(), free_port(), free_port()
        with self.hosts.side():
            echo = world.echo()
            echo.keep_requests = False
        self.edge = world.prepare(account='edge')
        self.edge.write(ground.mesh(front, side, echo.port, http=[r.route(ground.WEB, timeout='20s')]))
        with self.hosts.side():
            world.node(name='side', role='sidecar', account='web', labels={'app': 'web'})
        self.edge.start()
        self.load = ground.Steady(front)

    def spell(self, seconds):
        began = time.monotonic()
        time.sleep(seconds)
        return self.load.since(began)

    def run(self, seconds, percent):
        with self.load:
            calm = self.spell(3)
            rule = 'numgen random mod 100 < %d' % percent
            self.hosts.drops(rule, rule)
            lossy = self.spell(seconds)
            self.hosts.heals()
        outcomes = self.load.outcomes(lossy)
        assert not self.load.wrong, self.load.wrong[:5]
        assert set(outcomes) <= {'200', '503', '504'}, outcomes
        assert outcomes['200'] > 0.99 * len(lossy), outcomes
        ground.figures('loss of %d %%' % percent, seconds=seconds, requests=len(lossy), wrong_answers=0,
                       outcomes=outcomes, flags=ground.flags(self.edge),
                       median_ms=1000 * self.load.percentile(lossy, 0.5),
                       p99_ms=1000 * self.load.percentile(lossy, 0.99),
                       longest=self.load.longest(lossy), median_without_loss_ms=1000 * self.load.percentile(calm, 0.5))


def main():
    seconds = float(sys.argv[1] if len(sys.argv) > 1 else os.environ.get('LOSS_SECONDS', '30'))
    percent = int(os.environ.get('LOSS_PERCENT', '5'))
    ground.play(lambda world: Loss(world).run(seconds, percent))


if __name__ == '__main__':
    main()
