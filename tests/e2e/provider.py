"""npm oidc-provider as a process, and what the tests ask of it."""
import base64
import json
import os
import subprocess
import urllib.parse

import http1

FOLDER = os.path.dirname(os.path.abspath(__file__))
MODULES = os.path.join(FOLDER, '..')
AUDIENCE = 'https://web.example'
SECRET = 'a-secret-that-is-long-enough-for-the-provider'


def installed():
    return os.path.isdir(os.path.join(MODULES, 'node_modules', 'oidc-provider'))


class Provider:
    def __init__(self):
        self.process = subprocess.Popen(['node', os.path.join(FOLDER, 'provider/provider.mjs'), MODULES],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        line = self.process.stdout.readline()
        assert line, 'the provider did not start'
        told = json.loads(line)
        self.issuer, self.control = told['issuer'], told['control']
        self.port = urllib.parse.urlsplit(self.issuer).port

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def token(self, client='alice', alg='RS256', audience=AUDIENCE):
        form = urllib.parse.urlencode({'grant_type': 'client_credentials', 'scope': 'read',
                                       'resource': '%s/%s' % (audience, alg)}).encode()
        basic = base64.b64encode(('%s:%s' % (client, SECRET)).encode()).decode()
        answer = http1.ask(self.port, '/token', 'POST', '127.0.0.1:%d' % self.port,
                           {'Authorization': 'Basic ' + basic,
                            'Content-Type': 'application/x-www-form-urlencoded', 'Connection': 'close'}, form)
        assert answer.status == 200, answer
        return answer.json()['access_token']

    def command(self, path, method='POST', value=None):
        answer = http1.ask(self.control, path, method, '127.0.0.1',
                           {'Content-Type': 'application/json', 'Connection': 'close'},
                           json.dumps(value or {}).encode())
        assert answer.status == 200, answer
        return answer.json()

    def rotate(self, step):
        self.command('/rotate/%d' % step)

    def sign(self, alg='RS256', header=None, **payload):
        payload = {name: value for name, value in payload.items() if value is not None}
        return self.command('/sign', value={'alg': alg, 'header': header or {}, 'payload': payload})

    def hits(self, path):
        return self.command('/hits', 'GET').get(path, 0)

    def key_set(self):
        return http1.ask(self.port, '/jwks', host='127.0.0.1:%d' % self.port,
                         fields={'Connection': 'close'}).json()['keys']
