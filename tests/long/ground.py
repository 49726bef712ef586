"""What the failure runs share: two hosts with a wire between them, a steady load, and figures at the end.

The hosts are network namespaces without a name: they go with the process that made them, whatever happens.
"""
import collections
import contextlib
import ctypes
import json
import os
import pathlib
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
import resources as r  # noqa: E402

NEW_NET = 0x40000000  # CLONE_NEWNET
PATH = os.environ.get('PATH', '') + ':/usr/sbin:/sbin'
EDGE, SIDE = '10.231.0.1', '10.231.0.2'
WEB = 'web.default.svc.cluster.local'


def run(*command, text=None):
    done = subprocess.run(command, input=text, text=True, capture_output=True, env={**os.environ, 'PATH': PATH},
                          check=False)
    assert done.returncode == 0, '%s: %s' % (' '.join(command), done.stderr)
    return done.stdout


class Hosts:
    """The process itself becomes the first host; `with hosts.side():` is the second one, for this thread only."""

    def __init__(self):
        if os.geteuid() != 0:
            raise SystemExit('this takes root: it makes two hosts of network namespaces')
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.first, self.second = self.fresh(), self.fresh()
        self.enter(self.first)
        run('ip', 'link', 'add', 'wire', 'type', 'veth', 'peer', 'name', 'wire', 'netns',
            '/proc/%d/fd/%d' % (os.getpid(), self.second))
        self.address(EDGE)
        with self.side():
            self.address(SIDE)

    def fresh(self):
        assert self.libc.unshare(NEW_NET) == 0, os.strerror(ctypes.get_errno())
        run('ip', 'link', 'set', 'lo', 'up')
        return os.open('/proc/thread-self/ns/net', os.O_RDONLY)

    def enter(self, host):
        assert self.libc.setns(host, NEW_NET) == 0, os.strerror(ctypes.get_errno())

    @staticmethod
    def address(address):
        run('ip', 'addr', 'add', address + '/30', 'dev', 'wire')
        run('ip', 'link', 'set', 'wire', 'up')

    @contextlib.contextmanager
    def side(self):
        self.enter(self.second)
        try:
            yield
        finally:
            self.enter(self.first)

    # ---- what happens to the wire

    @staticmethod
    def down():
        run('ip', 'link', 'set', 'wire', 'down')

    @staticmethod
    def up():
        run('ip', 'link', 'set', 'wire', 'up')

    @staticmethod
    def drops(out, back):
        """Packets that leave over the wire and match `out`, or come and match `back`, are gone."""
        run('nft', '-f', '-', text='table inet ground {\n'
            '  chain in { type filter hook input priority 0; iifname "wire" %s drop; }\n'
            '  chain out { type filter hook output priority 0; oifname "wire" %s drop; }\n}\n' % (back, out))

    @staticmethod
    def heals():
        run('nft', 'flush', 'ruleset')

    @staticmethod
    def ports_in_use(port):
        """Our ports of the connections to that port of the other host."""
        lines = run('ss', '-Htn', 'state', 'established', 'dport', '= :%d' % port).splitlines()
        return sorted({int(line.split()[2].rsplit(':', 1)[1]) for line in lines})


def mesh(front, side, workload, more=(), http=()):
    """An edge before a sidecar on the other host, mutual TLS between them. `http`: routes of a VirtualService."""
    endpoint = {'address': SIDE, 'ports': {'main': side}, 'serviceAccount': 'web',
                'labels': {'security.istio.io/tlsMode': 'istio'}}
    ingress = r.sidecar(side, workload)
    ingress['spec']['ingress'][0]['bind'] = SIDE
    service = r.service(WEB, [side])
    service['spec']['endpoints'] = [endpoint]
    return [r.gateway(front), service, ingress, r.mutual_tls('STRICT'), *more,
            *(http or [r.route(WEB)])]


class Answered:
    """One request: when it began, how long it took, and what came: a status, or the name of what went wrong."""

    __slots__ = ('began', 'seconds', 'host', 'outcome')

    def __init__(self, began, seconds, host, outcome):
        self.began, self.seconds, self.host, self.outcome = began, seconds, host, outcome


class Steady:
    """with Steady(port) as load: ... ; connections that ask all the time and look at every byte of the answers."""

    def __init__(self, port, connections=16, hosts=('web.example',), pause=0.002, timeout=90, post=4):
        self.port, self.hosts, self.pause, self.timeout, self.post = port, hosts, pause, timeout, post
        self.rows, self.wrong = [], []
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self.client, args=(i,), daemon=True) for i in range(connections)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join(self.timeout + 5)
        assert not any(thread.is_alive() for thread in self.threads), 'a request hangs for ever'

    def look(self, path, size, answer):
        """A good answer that is another request's, or not whole, is wrong."""
        told = json.loads(answer.body)
        if told['path'] != path or told['length'] != size:
            self.wrong.append('%s of %d bytes was answered with %r' % (path, size, told))

    def one(self, connection, number, turn):
        path, host = '/%d/%d' % (number, turn), self.hosts[number % len(self.hosts)]
        body = os.urandom(1000 + turn % 20000) if self.post and turn % self.post == 0 else None
        answer = connection.ask(path, 'POST' if body else 'GET', host=host, body=body)
        if answer.status == 200:
            self.look(path, len(body or b''), answer)
        return answer

    def client(self, number):
        connection, turn, host = None, 0, self.hosts[number % len(self.hosts)]
        while not self.ending.is_set():
            began, turn = time.monotonic(), turn + 1
            try:
                connection = connection or http1.Connection(self.port, timeout=self.timeout)
                answer = self.one(connection, number, turn)
                outcome, over = answer.status, (answer.one('connection') or '').lower() == 'close'
            except (OSError, ValueError, AssertionError) as why:
                outcome, over = type(why).__name__, True
                if not isinstance(why, OSError):
                    self.wrong.append('%s: %r' % (host, why))
            self.rows.append(Answered(began, time.monotonic() - began, host, outcome))
            if over and connection:
                connection.close()
                connection = None
            self.ending.wait(self.pause)
        if connection:
            connection.close()

    # ---- what came of it

    def since(self, began, until=float('inf'), host=None):
        return [row for row in list(self.rows) if began <= row.began < until and host in (None, row.host)]

    @staticmethod
    def outcomes(rows):
        return dict(sorted(collections.Counter(str(row.outcome) for row in rows).items()))

    @staticmethod
    def longest(rows):
        return max((row.seconds for row in rows), default=0.0)

    @staticmethod
    def percentile(rows, part):
        times = sorted(row.seconds for row in rows)
        return times[min(len(times) - 1, int(len(times) * part))] if times else 0.0


def flags(node, begin_lines=0):
    """How many records of the node have which response flags, beyond the first lines."""
    return dict(sorted(collections.Counter(
        '%s %s' % (row['response_code'], row['response_flags'])
        for row in node.records()[begin_lines:] if row['response_flags'] != '-').items()))


def private_bytes(pid):
    with open('/proc/%d/smaps_rollup' % pid, encoding='ascii') as file:
        return sum(int(line.split()[1]) << 10 for line in file if line.startswith('Private_'))


def cpu_seconds(pid):
    with open('/proc/%d/stat' % pid, encoding='ascii') as file:
        columns = file.read().rpartition(')')[2].split()
    return (int(columns[11]) + int(columns[12])) / os.sysconf('SC_CLK_TCK')


def figures(name, **values):
    """The one line of a run."""
    def text(value):
        if isinstance(value, float):
            return '%.2f' % value
        if isinstance(value, dict):
            return ', '.join('%s x %s' % (number, key) for key, number in value.items()) or 'none'
        return str(value)
    print('%s: %s' % (name, '; '.join('%s %s' % (key.replace('_', ' '), text(value))
                                      for key, value in values.items())), flush=True)


def play(run_in):
    """Calls run_in(world) with a folder and an end to everything it starts."""
    started = conftest.Started()
    with tempfile.TemporaryDirectory(prefix='selvage-long-') as folder:
        try:
            run_in(conftest.World(pathlib.Path(folder), started))
        finally:
            started.end()
