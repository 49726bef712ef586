"""A mesh in which every key is replaced every ten seconds, under load: what came back, and how many keys there were."""
import collections
import http.server
import json
import ssl
import subprocess
import threading
import time

import http1
import node as nodes
import pki
import resources as r
from kit import free_port, poll
from load import Load

WEB = 'web.default.svc.cluster.local'
EDGE = 'https://edge.example'
EVERY = 10  # seconds
SEEN = 70  # seconds after which every verifier has read a key set again: they do it once a minute
OWN = ('root', 'intermediate', 'node', 'assertion', 'ticket')


class Provider:
    """An issuer whose key changes every ten seconds; published as long ahead and behind as verifiers may sleep."""

    def __init__(self):
        self.began, self.made, self.fetches, self.lock = time.time(), [], 0, threading.Lock()
        provider = self

        class Pages(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                with provider.lock:
                    provider.fetches += 1
                body = provider.key_set().encode()
                self.send_response(200)
                self.send_header('Cache-Control', 'max-age=60')
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Pages)
        self.port = self.server.server_address[1]
        self.name = 'http://127.0.0.1:%d' % self.port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def number(self):
        return int((time.time() - self.began) / EVERY)

    def key(self, number):
        with self.lock:
            while len(self.made) <= number:
                self.made.append(pki.Key('ES256'))
            return self.made[number]

    def key_set(self):
        now, around = self.number(), SEEN // EVERY + 1
        return json.dumps({'keys': [self.key(n).jwk() for n in range(max(0, now - around), now + around + 1)]})

    def token(self, key=None, **claims):
        key = key or self.key(self.number())
        now = int(time.time())
        payload = {'iss': self.name, 'sub': 'alice', 'aud': 'web', 'iat': now, 'exp': now + 60, **claims}
        return pki.token_join({'alg': key.alg, 'kid': key.kid, 'typ': 'JWT'}, payload, key.signature)


class Rotating:
    def __init__(self, world):
        self.provider = world.started.keep(Provider())
        self.echo, self.side, self.front, self.tls = world.echo(), free_port(), free_port(), free_port()
        self.echo.keep_requests = False
        self.wrong, self.resumed, self.handshakes = [], 0, 0
        self.ids, self.ending = collections.defaultdict(set), threading.Event()
        public = pki.Authority('public')
        settings = {'ticketKeyLifetime': '%ds' % EVERY, 'identity': {
            'certificateLifetime': '%ds' % (2 * EVERY),  # renewed at half of it
            'ca': {'directory': str(world.folder / 'ca'), 'rotateEvery': '%ds' % EVERY,
                   'rotateRootEvery': '%ds' % EVERY, 'publishAhead': '5s'}}}
        servers = [{'port': {'number': self.front, 'name': 'plain', 'protocol': 'HTTP'}, 'bind': '127.0.0.1',
                    'hosts': ['*']},
                   {'port': {'number': self.tls, 'name': 'tls', 'protocol': 'HTTPS'}, 'bind': '127.0.0.1',
                    'hosts': ['*'], 'tls': {'mode': 'SIMPLE', 'credentialName': 'front'}}]
        edge = world.prepare(name='edge', role='edge', namespace='edge', **settings)
        edge.write([
            r.gateway(0, servers=servers, namespace='edge'), r.route(WEB, namespace='edge'),
            r.secret('front', public.leaf(dns=['web.example']), namespace='edge'),
            r.service(WEB, [self.side], mesh=True, account='web'), r.sidecar(self.side, self.echo.port),
            r.mutual_tls('STRICT'),
            r.tokens([{'issuer': self.provider.name, 'audiences': ['web'],
                       'jwksUri': self.provider.name + '/jwks'}], namespace='edge'),
            r.own('Assertion', 'edge', {'issuer': EDGE, 'audiences': ['web'], 'rotateEvery': '%ds' % EVERY,
                                        'publishAhead': '%ds' % SEEN, 'keepPublished': '%ds' % SEEN,
                                        'lifetime': '2s'}, 'edge'),
            r.tokens([{'issuer': EDGE, 'audiences': ['web'], 'fromHeaders': [{'name': 'x-selvage-assertion'}],
                       'jwksUri': 'http://127.0.0.1:%d/.well-known/selvage/jwks.json' % self.front}], app='web'),
            r.policy('need', 'ALLOW', [{'from': [{'source': {'requestPrincipals': [EDGE + '/*']}}]}], app='web')])
        self.nodes = {'edge': edge.start(),
                      'side': world.node(name='side', role='sidecar', account='web', labels={'app': 'web'}, **settings)}
        self.trust = pki.client_context(public)
        self.good = self.provider.token()
        poll(lambda: http1.ask(self.front, fields=pki.bearer(self.good)).status == 200, 'the way is open')

    # ---- what clients do

    def choose(self, number):
        """Of sixteen connections two bring a forged token, and one a token of a key that nobody published."""
        if number % 16 in (5, 9):
            forger = pki.Key('ES256', self.provider.key(self.provider.number()).kid)
            return pki.bearer(self.provider.token(forger)), self.expect(401)
        if number % 16 == 13:
            return pki.bearer(self.provider.token(pki.Key('ES256'))), self.expect(401)
        return pki.bearer(self.good), self.expect(200)

    def expect(self, status):
        return lambda answer: answer.status == status or self.wrong.append('%d where %d is right: %r' % (
            answer.status, status, answer.body[:200]))

    def resume(self):
        """A connection after the other, each with the session of the one before."""
        session = None
        while not self.ending.is_set():
            try:
                with http1.Connection(self.tls) as connection:
                    connection.sock = self.trust.wrap_socket(connection.sock, server_hostname='web.example',
                                                             session=session)
                    answer = connection.ask('/tls', fields=pki.bearer(self.good))
                    self.expect(200)(answer)
                    self.handshakes += 1
                    self.resumed += connection.sock.session_reused
                    session = connection.sock.session
            except (OSError, ssl.SSLError) as why:
                self.wrong.append('TLS at %.3f: %r' % (time.time(), why))
            time.sleep(0.05)

    def renew(self):
        while not self.ending.is_set():
            self.good = self.provider.token()
            self.ending.wait(1)

    # ---- what is watched

    def keys(self, *words):
        done = subprocess.run([nodes.SELVAGE, 'keys', *words, '-c', str(self.nodes['edge'].config)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def look(self):
        """Which keys are in force, and that each was published before."""
        for row in json.loads(self.keys('list', '-o', 'json'))['keys']:
            if row['state'] == 'in force':
                self.ids[row['purpose']].add(row['id'])

    def run(self, seconds, command_every=25):
        threads = [threading.Thread(target=each, daemon=True) for each in (self.resume, self.resume, self.renew)]
        for thread in threads:
            thread.start()
        self.seconds, began, commanded = seconds, time.monotonic(), 0
        with Load(self.front, 16, choose=self.choose, pause=0.005) as load:
            while time.monotonic() - began < seconds and not self.wrong:
                self.ending.wait(1)
                self.look()
                if time.monotonic() - began > command_every * (commanded + 1):
                    self.keys('rotate', '--all')
                    commanded += 1
        self.ending.set()
        for thread in threads:
            thread.join(30)
        self.commanded, self.load = commanded, load

    def fetches(self):
        """{who: (how often it read a key set, how often it may have)}: once a minute, and once a minute when a token
        names a key that is not in it; beside the first time, and the command to read again, which is such a time too."""
        minutes = self.seconds / 60
        return {'edge': (self.nodes['edge'].metric('selvage_key_set_fetches_total'), 2 * (minutes + 1) + 1),
                'side': (self.nodes['side'].metric('selvage_key_set_fetches_total'), 2 * (minutes + 1) + 1)}

    def last(self):
        """What the nodes said last, and records of what did not end well."""
        time.sleep(1)
        for name, node in self.nodes.items():
            yield from node.log_text().splitlines()[-8:]
            yield from ('%s %s' % (name, row) for row in node.records()[-20000:] if row['response_code'] not in (200, 401))

    def judge(self):
        load = self.load
        assert not self.wrong, '%s\n%s' % (self.wrong[:5], '\n'.join(self.last()))
        assert not load.failures and not load.refused, (load.failures, load.refused)
        if self.seconds < 60:  # later they have had as many requests as one connection may
            assert load.opened == len(load.threads), 'connections were dropped'
        for who, (count, limit) in self.fetches().items():
            assert 0 < count <= limit, '%s has read key sets %d times, %d were right' % (who, count, limit)
        turns = int(self.seconds / EVERY)
        for purpose in ('root', 'intermediate', 'node', 'ticket'):
            assert len(self.ids[purpose]) >= max(2, turns - 2), '%s: %d keys in %d s' % (
                purpose, len(self.ids[purpose]), self.seconds)
        if self.seconds > SEEN + 3 * EVERY:
            assert len(self.ids['assertion']) >= (self.seconds - SEEN) / EVERY - 2
        assert self.handshakes > 10 and self.resumed > self.handshakes / 2
        text = ''.join(node.log_text() for node in self.nodes.values())
        assert ' error ' not in text, [line for line in text.splitlines() if ' error ' in line][:5]

    def figures(self):
        return 'rotation: seconds %d; requests %d (%s); wrong answers 0; keys in force: %s; commands %d; ' \
               'TLS handshakes %d, resumed %d; key sets read: %s; the provider was asked %d times' % (
                   self.seconds, self.load.total(),
                   ', '.join('%d x %d' % (n, status) for status, n in sorted(self.load.statuses.items())),
                   ', '.join('%s %d' % (purpose, len(self.ids[purpose])) for purpose in (*OWN, 'provider')),
                   self.commanded, self.handshakes, self.resumed,
                   ', '.join('%s %d of %d' % (who, n, limit) for who, (n, limit) in self.fetches().items()),
                   self.provider.fetches)
