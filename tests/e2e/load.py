"""Many connections that ask and ask: what came back, what failed and how."""
import collections
import threading
import time

import http1


class Load:
    """with Load(port, 64) as load: ... ; then load.statuses, load.failures, load.refused"""

    def __init__(self, port, connections=64, path='/', host='web.example', fields=(), tls=None, sni=None,
                 choose=None, pause=0.0, keep=True):
        self.port, self.path, self.host, self.fields, self.tls, self.sni = port, path, host, fields, tls, sni
        self.choose, self.pause, self.keep = choose, pause, keep
        self.statuses, self.failures = collections.Counter(), collections.Counter()
        self.refused = self.opened = 0
        self.failed_ports = []
        self.lock, self.ending = threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(i,), daemon=True) for i in range(connections)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self.threads), 'a connection of the load hangs'

    def total(self):
        return sum(self.statuses.values())

    def wait(self, count, seconds=60):
        """Until `count` more answers have come."""
        until, goal = time.monotonic() + seconds, self.total() + count
        while self.total() < goal:
            assert time.monotonic() < until, 'only %d of %d answers came: %r' % (self.total(), goal, self.failures)
            time.sleep(0.005)

    def count(self, answer, ask):
        with self.lock:
            self.statuses[answer.status] += 1
        if ask and ask[1] is not None:
            ask[1](answer)

    def run(self, number):
        connection = mine = None
        while not self.ending.is_set():
            try:
                if connection is None:
                    mine = None
                    connection = http1.Connection(self.port, tls=self.tls, sni=self.sni)
                    mine = connection.sock.getsockname()[1]
                    with self.lock:
                        self.opened += 1
                ask = self.choose(number) if self.choose else None
                answer = connection.ask(self.path, host=self.host, fields=ask[0] if ask else self.fields)
                self.count(answer, ask)
                if not self.keep or (answer.one('connection') or '').lower() == 'close':
                    connection.close()
                    connection = None
            except ConnectionRefusedError:
                with self.lock:
                    self.refused += 1
                time.sleep(0.01)
            except OSError as why:
                with self.lock:
                    self.failures[type(why).__name__] += 1
                    self.failed_ports.append(mine)
                if connection:
                    connection.close()
                connection = None
            if self.pause:
                time.sleep(self.pause)
        if connection:
            connection.close()
