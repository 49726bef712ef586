"""What the tests of logins need: the provider with people, an edge before a workload, a browser without a window."""
import json
import os
import subprocess
import urllib.parse

import http1
import pki
import provider as providers
import resources as r
from kit import free_port, poll

HOST = 'app.example.test'
SHORT = 'short.example.test'  # where sessions end soon
WEB = 'web.default.svc.cluster.local'
NAVIGATES = {'Accept': 'text/html', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document'}


class LoginProvider:
    def __init__(self, client, stderr, **ttl):
        self.process = subprocess.Popen(
            ['node', os.path.join(providers.FOLDER, 'provider/login.mjs'), providers.MODULES,
             json.dumps({'client': client, 'ttl': ttl})],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr)
        line = self.process.stdout.readline()
        assert line, 'the provider did not start'
        told = json.loads(line)
        self.issuer, self.control = told['issuer'], told['control']

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def command(self, path, **value):
        answer = http1.ask(self.control, path, 'POST', '127.0.0.1',
                           {'Content-Type': 'application/json', 'Connection': 'close'}, json.dumps(value).encode())
        assert answer.status == 200, answer
        return answer.json()

    def mode(self, **value):
        self.command('/mode', **{'account': 'alice', 'consent': True, 'groups': ['staff'], 'down': False, **value})

    def hits(self, path):
        return self.command('/hits').get(path, 0)


class Edge:
    """A workload behind an edge with a Login, and the provider."""

    def __init__(self, world, workload=None, ttl=None, extra=(), session=None, settings=None, **login):
        self.tls, self.clear = free_port(), free_port()
        self.ca = pki.Authority()
        self.leaf = self.ca.leaf(dns=['*.example.test', 'localhost'])
        self.origin = 'https://%s:%d' % (HOST, self.tls)
        self.short = 'https://%s:%d' % (SHORT, self.tls)
        stderr = open(world.folder / 'provider.log', 'ab')
        self.provider = world.started.keep(LoginProvider({
            'client_id': 'app', 'redirect_uris': [self.origin + '/.selvage/login/callback',
                                                  self.short + '/.selvage/login/callback'],
            'post_logout_redirect_uris': [self.origin + '/', self.origin + '/bye'],
            'backchannel_logout_uri': 'http://localhost:%d/.selvage/logout/backchannel' % self.clear,
            'backchannel_logout_session_required': True}, stderr, **(ttl or {})))
        self.echo = None if workload else world.echo()
        secret = world.folder / 'client-secret'
        secret.write_text(providers.SECRET + '\n')
        spec = {'hosts': [HOST, 'localhost'], 'issuer': self.provider.issuer, 'clientId': 'app',
                'clientSecret': {'file': str(secret)}, 'scopes': ['openid', 'offline_access'],
                'parameters': {'prompt': 'consent'}, 'publicPaths': ['/open', '/favicon.ico'],
                'allowedRedirectHosts': ['www.example.test'], **({'session': session} if session else {}), **login}
        servers = [
            {'port': {'number': self.tls, 'name': 'tls', 'protocol': 'HTTPS'}, 'bind': '127.0.0.1', 'hosts': ['*'],
             'tls': {'mode': 'SIMPLE', 'credentialName': 'way'}},
            {'port': {'number': self.clear, 'name': 'clear', 'protocol': 'HTTP'}, 'bind': '127.0.0.1',
             'hosts': ['*']}]
        self.resources = [r.secret('way', self.leaf), r.gateway(0, servers=servers), r.route(WEB),
                          r.service(WEB, [workload or self.echo.port]), r.own('Login', 'staff', spec),
                          r.own('Login', 'short', {**spec, 'hosts': [SHORT], 'session': {'idle': '2s'}}), *extra]
        self.node = world.node(self.resources, role='edge', **(settings or {}))
        self.trust = pki.client_context(self.ca, folder=world.folder)
        poll(lambda: self.ask('/', fields=NAVIGATES).status == 302, 'the provider is known')

    def ask(self, path='/', method='GET', host=None, fields=(), body=None):
        return http1.ask(self.tls, path, method, host or '%s:%d' % (HOST, self.tls), fields, body, tls=self.trust,
                         sni=(host or HOST).split(':')[0])


class Agent:
    """Keeps cookies by host as browsers do, follows redirects when told to."""

    def __init__(self, edge):
        self.edge, self.jars = edge, {}

    def cookies(self, netloc):
        return self.jars.setdefault(netloc, {})

    def fields(self, netloc, more):
        jar = self.cookies(netloc)
        return {**NAVIGATES, **({'Cookie': '; '.join('%s=%s' % pair for pair in jar.items())} if jar else {}), **more}

    def keep(self, netloc, answer):
        jar = self.cookies(netloc)
        for line in answer.all('set-cookie'):
            name, _, rest = line.partition('=')
            value, *attributes = rest.split(';')
            ends = [each.strip().lower() for each in attributes]
            if value == '' or 'max-age=0' in ends:
                jar.pop(name, None)
            else:
                jar[name] = value

    def get(self, url, method='GET', body=None, **fields):
        parts = urllib.parse.urlsplit(url)
        path = (parts.path or '/') + ('?' + parts.query if parts.query else '')
        fields = self.fields(parts.netloc, fields)
        if parts.scheme == 'https':
            answer = self.edge.ask(path, method, parts.netloc, fields, body)
        else:
            answer = http1.ask(parts.port, path, method, parts.netloc, {**fields, 'Connection': 'close'}, body)
        self.keep(parts.netloc, answer)
        answer.url = url
        return answer

    def open(self, path='/', until=None, **fields):
        """As get, and on to wherever it is sent; until the address begins so."""
        url = path if '://' in path else self.edge.origin + path
        for _ in range(12):
            if until and url.startswith(until):
                return url
            answer = self.get(url, **fields)
            if answer.status not in (302, 303):
                return answer
            url = urllib.parse.urljoin(url, answer.one('location'))
        raise AssertionError('sent on without end, last to %s' % url)

    def callback(self, path='/'):
        """The address with which the provider sends the browser back, not yet asked for."""
        return self.open(path, until=self.edge.origin + '/.selvage/login/callback')


