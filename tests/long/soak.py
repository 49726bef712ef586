#!/usr/bin/python3
"""Mixed traffic through an edge and a sidecar for SOAK_MINUTES (30), or the minutes named as argument.

Tokens good and bad, bodies with length and in chunks, HTTP/2, tunnels, clients that leave, rules and certificates
that are replaced every ten seconds. At the end: no wrong answer, one record each, memory where it was after a tenth of
the time, and, when the connections that rest have ended too, descriptors where they were at the beginning.
"""
import collections
import json
import os
import pathlib
import random
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
from kit import SANITIZED, free_port, poll  # noqa: E402

WEB = 'web.default.svc.cluster.local'
EDGE = 'https://edge.example'
TOLD = ('start_time', 'method', 'path', 'protocol', 'response_code', 'response_flags', 'response_code_details',
        'upstream_transport_failure_reason', 'connection_termination_details', 'bytes_sent', 'duration')  # of a record, when something went wrong
SERIOUS = {'UF', 'UC', 'UH', 'UT', 'UO', 'UR', 'URX', 'UPE', 'SI', 'DT', 'LR'}
EVERY = 10  # seconds between two changes of the rules, and of both certificates
REST = 10  # seconds for which a connection to the next hop may rest
HELD = 8  # descriptors that a process may hold beyond those at the beginning, once all have rested
GROWTH = 24 << 20  # bytes that a process may have grown by between a tenth of the time and the end
POOL = {'http': {'idleTimeout': '%ds' % REST}}


class Soak:
    def __init__(self, world):
        self.issuer = pki.Issuer()
        self.echo, self.front, self.side = world.echo(), free_port(), free_port()
        self.echo.keep_requests = False
        self.counts, self.wrong, self.stalls = collections.Counter(), [], []
        self.lock, self.ending = threading.Lock(), threading.Event()
        self.authority, self.folder = pki.Authority('soak'), world.folder
        self.renew()
        edge = world.prepare(role='edge', namespace='edge', identity=self.identity('edge'))
        edge.write(self.rules(0))
        self.nodes = [edge.start(), world.node(name='side', role='sidecar', account='web', labels={'app': 'web'},
                                               identity=self.identity('web'))]
        self.fresh()
        poll(lambda: http1.ask(self.front, fields=self.good).status == 200, 'the way is open')
        self.forged = pki.bearer(pki.Issuer(self.issuer.name, [pki.Key('ES256', self.issuer.keys[0].kid)]).token())

    def identity(self, account):
        names = {'certificate': '.crt', 'key': '.key', 'roots': '.roots'}
        return {'files': {name: str(self.folder / (account + end)) for name, end in names.items()}}

    def renew(self):
        """New certificates and keys for both nodes, each file replaced at once."""
        for account, name_space in (('edge', 'edge'), ('web', 'default')):
            leaf = self.authority.leaf(uri='spiffe://cluster.local/ns/%s/sa/%s' % (name_space, account))
            for end, text in (('.roots', self.authority.pem), ('.key', leaf.key), ('.crt', leaf.chain)):
                fresh = self.folder / (account + end + '.new')
                fresh.write_text(text)
                fresh.chmod(0o600)
                os.rename(fresh, self.folder / (account + end))

    def fresh(self):
        self.good = pki.bearer(self.issuer.token())

    def rules(self, number):
        return [
            r.gateway(self.front, namespace='edge'),
            r.route(WEB, namespace='edge', headers={'response': {'set': {'x-number': str(number)}}}),
            r.service(WEB, [self.side], mesh=True, account='web'),
            r.networking('DestinationRule', 'web', {'host': WEB, 'trafficPolicy': {'connectionPool': POOL}}, 'edge'),
            r.sidecar(self.side, self.echo.port, inboundConnectionPool=POOL),
            r.mutual_tls('STRICT'),
            r.tokens([{'issuer': self.issuer.name, 'audiences': ['web'], 'jwks': self.issuer.key_set()}],
                     namespace='edge'),
            r.own('Assertion', 'edge', {'issuer': EDGE, 'audiences': ['web']}, 'edge'),
            r.tokens([{'issuer': EDGE, 'audiences': ['web'], 'fromHeaders': [{'name': 'x-selvage-assertion'}],
                       'jwksUri': 'http://127.0.0.1:%d/.well-known/selvage/jwks.json' % self.front}], app='web'),
            r.policy('need', 'ALLOW', [{'from': [{'source': {'requestPrincipals': [EDGE + '/*']}}]}], app='web')]

    # ---- what clients do; each answers whether all was well

    def plain(self, connection):
        return connection.ask('/plain', fields=self.good).status == 200

    def bad(self, connection):
        return connection.ask('/bad', fields=self.forged).status == 401

    def anonymous(self, connection):
        return connection.ask('/anonymous').status == 403

    def sized(self, connection):
        body = os.urandom(random.randrange(1, 200000))
        return connection.ask('/sized', 'POST', fields=self.good, body=body).json()['length'] == len(body)

    def chunked(self, connection):
        connection.send(http1.head_text('POST', '/chunked/70000', 'web.example',
                                        {**self.good, 'Transfer-Encoding': 'chunked'}))
        for size in (1, 5000, 40000):
            connection.send(http1.chunk(b'x' * size))
        connection.send(b'0\r\n\r\n')
        answer = connection.answer()
        assert answer.status == 200 and len(answer.body) == 70000, (answer.status, len(answer.body), answer.fields)
        return True

    def head(self, connection):
        return connection.ask('/head', 'HEAD', fields=self.good).status == 200

    def tunnel(self, _):
        with http1.Connection(self.front) as connection:
            connection.send(http1.head_text('GET', '/ws', 'web.example', {**self.good, 'Connection': 'Upgrade',
                                                                          'Upgrade': 'websocket'}))
            if connection.answer().status != 101:
                return False
            connection.send(b'tunnel' * 1000)
            return connection.exactly(6000) == b'tunnel' * 1000

    def shared(self, _):
        """Forty requests over two HTTP/2 connections, ten at a time; the first word is HTTP/2's preface."""
        fields = [part for pair in self.good.items() for part in ('-H', '%s: %s' % pair)]
        done = subprocess.run(['h2load', '-n', '40', '-c', '2', '-m', '10', *fields,
                               'http://127.0.0.1:%d/shared' % self.front], capture_output=True, text=True,
                              timeout=60, check=False)
        assert 'status codes: 40 2xx' in done.stdout, [line for line in done.stdout.split('\n')
                                                       if line.startswith(('requests:', 'status codes:'))]
        return True

    def leaver(self, _):
        with http1.Connection(self.front) as connection:
            connection.send(http1.head_text('GET', '/bytes/9000000', 'web.example', self.good))
            connection.head()
        return True

    def broken(self, _):
        with http1.Connection(self.front) as connection:
            connection.send(b'GET / HTTP/1.1\r\nHost : x\r\n\r\n')
            return connection.answer().status == 400

    def client(self, number):
        deeds = [self.plain] * 8 + [self.bad, self.anonymous, self.sized, self.chunked, self.head, self.tunnel,
                                    self.leaver, self.broken, self.shared]
        chance = random.Random(number)
        connection = http1.Connection(self.front)
        while not self.ending.is_set():
            deed = chance.choice(deeds)
            try:
                fine = deed(connection)
            except (OSError, ValueError, AssertionError) as why:
                fine = False
                self.wrong.append('%s: %r' % (deed.__name__, why))
                connection.close()
                connection = http1.Connection(self.front)
            with self.lock:
                self.counts[deed.__name__] += 1
            if not fine:
                self.wrong.append(deed.__name__)
            if chance.random() < 0.01:
                connection.close()
                connection = http1.Connection(self.front)
        connection.close()

    # ---- what is watched

    def watch(self):
        """How long this process, which has next to nothing to do here, had to wait for its turn: (when, seconds)."""
        while not self.ending.is_set():
            began = time.monotonic()
            time.sleep(0.01)
            late = time.monotonic() - began - 0.01
            if late > 1:
                self.stalls.append((time.strftime('%H:%M:%S', time.gmtime()), round(late, 1)))

    def sizes(self):
        """Private memory and descriptors of each process by its part."""
        found = {}
        for node in self.nodes:
            workers = {pid: 'worker %d' % index for index, pid in node.worker_pids().items()}
            for pid in [node.process.pid, *node.family()]:
                part = '%s %s' % (node.name, workers.get(pid) or
                                  ('supervisor' if pid == node.process.pid else 'control'))
                with open('/proc/%d/smaps_rollup' % pid, encoding='ascii') as file:
                    private = sum(int(line.split()[1]) << 10 for line in file if line.startswith('Private_'))
                found[part] = (private, len(os.listdir('/proc/%d/fd' % pid)))
        return found

    def held(self):
        """By how much more descriptors each process holds than before there was anything to do."""
        return {part: files - self.before[part][1] for part, (_, files) in self.sizes().items()}

    def run(self, minutes):
        self.before = self.sizes()
        threads = [threading.Thread(target=self.client, args=(i,), daemon=True) for i in range(16)]
        for thread in threads:
            thread.start()
        threading.Thread(target=self.watch, daemon=True).start()
        began, number, first = time.monotonic(), 0, None
        while time.monotonic() - began < minutes * 60 and not self.wrong:
            self.ending.wait(min(EVERY, minutes * 6))
            number += 1
            self.fresh()
            self.renew()
            self.nodes[0].apply(self.rules(number))
            if first is None and time.monotonic() - began > minutes * 6:
                first = self.sizes()
        self.ending.set()
        for thread in threads:
            thread.join(30)
        for node in self.nodes:
            renewed = node.log_text().count(' is good until ')
            # files are looked at every few seconds, so not each of several quick changes is a renewal
            assert renewed > 1, '%s never renewed its certificate' % node.name
        return first, self.sizes(), number

    def judge(self, first, last):
        # also when all went well: a run on a machine that stood still cannot be compared with one that did not
        print('soak: turns of the clients more than a second late: %d, the longest %.1f s' % (
            len(self.stalls), max([late for _, late in self.stalls] + [0.0])))
        if self.wrong:
            time.sleep(2)  # for the last records
            for node in self.nodes:
                print('\n'.join(node.log_text().splitlines()[-6:]), file=sys.stderr)
                rows = [row for row in node.records() if set(row['response_flags'].split(',')) & SERIOUS or
                        row['response_code_details'] == 'http2.connection_error']
                for row in rows[-12:]:
                    print(node.name, json.dumps({key: row.get(key) for key in TOLD}), file=sys.stderr)
        assert not self.wrong, self.wrong[:10]
        for node in self.nodes:
            assert ' was ended by signal ' not in node.log_text(), 'a process of %s died' % node.name
        asked = sum(self.counts.values()) + 39 * self.counts['shared']
        edge = self.nodes[0]
        poll(lambda: edge.metric('istio_requests_total') >= asked, 'each request has left its record')
        assert edge.metric('selvage_records_dropped_total') == 0
        for part, (memory, files) in last.items():
            grown = memory - first[part][0]
            print('%-18s %7.1f MB (%+.1f) %4d descriptors (%+d)' % (
                part, memory / 1e6, grown / 1e6, files, files - first[part][1]))
            assert SANITIZED or grown < GROWTH, '%s grew by %d bytes' % (part, grown)
        # under load there are as many as were busy at once: nothing follows from their number
        poll(lambda: max(self.held().values()) <= HELD, 'only what rested was held', REST + 20, 1)
        print('descriptors beyond those at the beginning, when all has rested: %s' % ', '.join(
            '%s %+d' % (part, more) for part, more in self.held().items() if more))


def main():
    minutes = float(sys.argv[1] if len(sys.argv) > 1 else os.environ.get('SOAK_MINUTES', '30'))
    started = conftest.Started()
    with tempfile.TemporaryDirectory(prefix='selvage-soak-') as folder:
        try:
            soak = Soak(conftest.World(pathlib.Path(folder), started))
            first, last, changes = soak.run(minutes)
            soak.judge(first, last)
            print('soak: minutes %g; requests %d; wrong answers 0; changes of rules and certificates %d; %s' % (
                minutes, sum(soak.counts.values()), changes,
                ', '.join('%d x %s' % (number, deed) for deed, number in sorted(soak.counts.items()))))
        finally:
            started.end()


if __name__ == '__main__':
    main()
