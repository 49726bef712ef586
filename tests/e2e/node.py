"""A Selvage node as a process: its files, its start, what it tells, its end."""
import json
import os
import signal
import socket
import subprocess
import time

import yaml

import http1
from kit import PATIENCE, free_port, poll

FOLDER = os.path.dirname(os.path.abspath(__file__))
SELVAGE = os.environ.get('SELVAGE') or os.path.join(FOLDER, '../../build/selvage')


def rules_write(folder, resources, name='rules.yaml'):
    """Replaces one file of a folder at once, as an editor or a config map does."""
    folder.mkdir(parents=True, exist_ok=True)
    text = resources if isinstance(resources, str) else yaml.safe_dump_all(resources, sort_keys=False)
    fresh = folder / ('.%s.new' % name)
    fresh.write_text(text)
    os.rename(fresh, folder / name)


def children(pid):
    try:
        with open('/proc/%d/task/%d/children' % (pid, pid), encoding='ascii') as file:
            return [int(each) for each in file.read().split()]
    except OSError:
        return []


class Node:
    def __init__(self, folder, name='edge', role='gateway', rules=None, ca=None, namespace='default',
                 account=None, labels=None, workers=2, binary=None, notify=None, **settings):
        self.folder, self.name = folder / name, name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.rules = rules or folder / 'rules'
        self.rules.mkdir(parents=True, exist_ok=True)
        self.binary, self.notify, self.workers = binary or SELVAGE, notify, workers
        self.admin, self.status, self.metrics_port = free_port(), free_port(), free_port()
        self.log, self.records_file = self.folder / 'stderr', self.folder / 'access.log'
        identity = settings.pop('identity', {})
        if not identity.keys() & {'ca', 'cacerts', 'files', 'join'}:
            identity = {'ca': {'directory': str(ca or folder / 'ca')}, **identity}
        self.settings = {
            'node': name, 'role': role, 'namespace': namespace, 'serviceAccount': account or name,
            'labels': {'istio': 'ingressgateway'} if labels is None else labels,
            'rules': str(self.rules), 'state': str(self.folder / 'state'), 'workers': workers,
            'identity': identity, 'accessLog': str(self.records_file), 'drainTimeout': '5s', 'drainSpread': '0s',
            'admin': {'address': '127.0.0.1', 'ports': {'admin': self.admin, 'status': self.status,
                                                        'metrics': self.metrics_port, 'merged': 0}},
            **settings}
        self.config = self.folder / 'selvage.yaml'
        self.process = None
        self.output = None

    # ---- life

    def launch(self):
        self.config.write_text(yaml.safe_dump(self.settings, sort_keys=False))
        environment = {key: value for key, value in os.environ.items() if not key.startswith('NOTIFY')}
        if self.notify:
            environment['NOTIFY_SOCKET'] = str(self.notify)
        self.output = open(self.log, 'ab')
        self.process = subprocess.Popen([self.binary, 'run', '-c', str(self.config)], stdin=subprocess.DEVNULL,
                                        stdout=self.output, stderr=self.output, env=environment)
        return self

    def start(self):
        self.launch()
        self.wait_ready()
        return self

    def wait_ready(self):
        poll(self.is_ready, '%s is ready' % self.name, 2 * PATIENCE)

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError('%s ended with %d:\n%s' % (self.name, self.process.returncode, self.log_text()))
        return http1.ask(self.status, '/healthz/ready', host='127.0.0.1').status == 200

    def stop(self):
        """Ends it, and nothing else: by its own process id."""
        if not self.process or self.process.poll() is not None:
            self.closed()
            return None
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            family = self.family()
            self.process.kill()
            for pid in family:
                self.kill(pid)
            self.process.wait()
            self.closed()
            raise AssertionError('%s did not end on SIGTERM:\n%s' % (self.name, self.log_text())) from None
        self.closed()
        return self.process.returncode

    def closed(self):
        if self.output:
            self.output.close()
            self.output = None

    @staticmethod
    def kill(pid, number=signal.SIGKILL):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass

    def family(self):
        return children(self.process.pid)

    # ---- what it tells

    def log_text(self):
        return self.log.read_text(errors='replace') if self.log.exists() else ''

    def wait_log(self, text, count=1):
        poll(lambda: self.log_text().count(text) >= count, '%s logs %r' % (self.name, text))

    def page(self, path):
        answer = http1.ask(self.admin, path, host='127.0.0.1')
        assert answer.status == 200, answer
        return answer.json()

    def post(self, path):
        return http1.ask(self.admin, path, 'POST', '127.0.0.1', {'x-selvage-admin': '1'}, b'')

    def snapshot(self):
        return self.page('/snapshot')

    def worker_pids(self):
        return {worker['index']: worker['pid'] for worker in self.snapshot()['workers']}

    def control_pid(self):
        workers = set(self.worker_pids().values())
        rest = [pid for pid in self.family() if pid not in workers]
        assert len(rest) == 1, 'children %s, workers %s' % (self.family(), workers)
        return rest[0]

    def metrics(self):
        """{(name, frozenset of label pairs): value}"""
        text = http1.ask(self.metrics_port, '/stats/prometheus', host='127.0.0.1').text()
        return dict(metric_line(line) for line in text.splitlines() if line and not line.startswith('#'))

    def metric(self, name, **labels):
        """The sum over all series that have these labels."""
        return sum(value for (each, pairs), value in self.metrics().items()
                   if each == name and set(labels.items()) <= pairs)

    def records(self):
        if not self.records_file.exists():
            return []
        lines = self.records_file.read_text().split('\n')
        return [json.loads(line) for line in lines[:-1]]

    def record(self, **fields):
        """The one record with these values; waits for it."""
        def found():
            return [each for each in self.records() if all(each.get(key) == value for key, value in fields.items())]
        rows = poll(found, 'a record of %s with %r' % (self.name, fields))
        assert len(rows) == 1, '%d records with %r: %r' % (len(rows), fields, rows)
        return rows[0]

    # ---- rules

    def write(self, resources, name='rules.yaml'):
        rules_write(self.rules, resources, name)

    def applied(self, before):
        """Whether something newer than `before` is in force in every worker."""
        now = self.snapshot()
        return now['generation'] > before['generation'] and now.get('revision') != before.get('revision') and \
            not now['newerHasErrors'] and len(now['workers']) == self.workers and \
            all(worker['rules'] == now['generation'] for worker in now['workers'])

    def apply(self, resources, name='rules.yaml'):
        """Writes and waits until it is in force everywhere; how long that took, in seconds."""
        before = self.snapshot()
        began = time.monotonic()
        self.write(resources, name)
        poll(lambda: self.applied(before), '%s applies a change' % self.name, every=0.005)
        return time.monotonic() - began


def metric_line(line):
    name, _, value = line.rpartition(' ')
    name, brace, labels = name.partition('{')
    pairs = set()
    if brace:
        rest = labels.rstrip('}')
        while rest:
            key, _, rest = rest.partition('="')
            text, at = '', 0
            while rest[at] != '"':
                at += rest[at] == '\\'
                text += rest[at]
                at += 1
            pairs.add((key, text))
            rest = rest[at + 1:].lstrip(',')
    return (name, frozenset(pairs)), float(value)


class NotifySocket:
    """What systemd would listen on."""

    def __init__(self, folder):
        self.path = folder / 'notify'
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(str(self.path))
        self.sock.settimeout(PATIENCE)

    def until(self, line):
        seen = []
        while True:
            seen += self.sock.recv(65536).decode().split('\n')
            if line in seen:
                return seen

    def close(self):
        self.sock.close()
