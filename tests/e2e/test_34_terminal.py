"""People at a terminal: login by a device code, whoami, token, logout."""
import html
import http.cookiejar
import http.server
import json
import os
import re
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

import node as nodes
import pki
from kit import PATIENCE
from provider import FOLDER, MODULES, installed

NEEDED = pytest.mark.skipif(not installed(), reason='there is no npm oidc-provider')


# ---- the certified provider ------------------------------------------------------

@pytest.fixture(scope='module')
def issuer():
    with subprocess.Popen(['node', os.path.join(FOLDER, 'provider/device.mjs'), MODULES],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        yield json.loads(process.stdout.readline())['issuer']
        process.terminate()


class Browser:
    """Follows a provider's forms, filling in what is asked."""

    def __init__(self):
        self.opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def open(self, url, form=None):
        data = urllib.parse.urlencode(form).encode() if form else None
        try:
            with self.opener.open(url, data, timeout=PATIENCE) as answer:
                return answer.geturl(), answer.read().decode()
        except urllib.error.HTTPError as why:
            return why.geturl(), why.read().decode()

    def submit(self, page, **more):
        url, text = page
        action = html.unescape(re.search(r'<form[^>]* action="([^"]*)"', text).group(1))
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', text)
        return self.open(urllib.parse.urljoin(url, action), {**dict(hidden), **more})


def confirm(url):
    browser = Browser()
    page = browser.submit(browser.submit(browser.open(url)), confirm='yes')
    page = browser.submit(page, prompt='login', login='joe', password='x')
    _, text = browser.submit(page, prompt='consent')
    assert 'Success' in text, text


def deny(url):
    browser = Browser()
    browser.submit(browser.submit(browser.open(url)), abort='yes')


# ---- a provider that answers as the test says --------------------------------------

class Scripted:
    """One whose token endpoint gives these answers in turn, and notes when it was asked."""

    def __init__(self, answers, tls=None, **metadata):
        self.answers, self.asked, self.revoked = list(answers), [], []
        scripted = self

        class Answer(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                self.tell(200, scripted.metadata)

            def do_POST(self):
                form = urllib.parse.parse_qs(self.rfile.read(int(self.headers['content-length'])).decode())
                self.tell(*scripted.answer(self.path, form))

            def tell(self, status, value):
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Answer)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.issuer = '%s://localhost:%d' % ('https' if tls else 'http', self.server.server_address[1])
        self.metadata = {'issuer': self.issuer, **{
            name + '_endpoint': '%s/%s' % (self.issuer, name)
            for name in ('device_authorization', 'token', 'revocation')}, **metadata}
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path, form):
        if path == '/device_authorization':
            return 200, {'device_code': 'd', 'user_code': 'AB-CD', 'verification_uri': self.issuer + '/device',
                         'interval': 1, 'expires_in': 60}
        if path == '/revocation':
            self.revoked.append(form['token'][0])
            return 200, {}
        self.asked.append((time.monotonic(), form))
        answer = self.answers.pop(0)
        return (400, {'error': answer}) if isinstance(answer, str) else (200, answer)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def scripted():
    started = []

    def start(answers, **options):
        started.append(Scripted(answers, **options))
        return started[-1]
    yield start
    for one in started:
        one.close()


# ---- the command -------------------------------------------------------------------

class Terminal:
    def __init__(self, home):
        self.home = home
        self.file = home / 'state/selvage/login.json'
        self.environment = {**os.environ, 'XDG_STATE_HOME': str(home / 'state')}

    def start(self, *arguments):
        return subprocess.Popen([nodes.SELVAGE, *arguments], env=self.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *arguments):
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=60)
            return process.returncode, out, err


@pytest.fixture
def terminal(tmp_path):
    return Terminal(tmp_path)


def link_of(process):
    for line in process.stderr:
        if line.startswith('or open '):
            return line.split()[-1]
    raise AssertionError('it never said where to go')


TOKENS = {'access_token': 'a-1', 'token_type': 'Bearer', 'refresh_token': 'r-1', 'expires_in': 3600}


@pytest.fixture(scope='module', autouse=True)
def slowed(tmp_path_factory):
    """a sign-in at a provider that wants to be asked less often: it goes on beside the other tests"""
    terminal = Terminal(tmp_path_factory.mktemp('slowed'))
    provider = Scripted(['authorization_pending', 'slow_down', TOKENS])
    began = time.monotonic()
    with terminal.start('login', '-i', provider.issuer) as login:
        yield began, terminal, provider, login
        login.kill()
    provider.close()


@NEEDED
def test_a_person_signs_in_is_renewed_and_signs_out(terminal, tmp_path, issuer):
    """with a second person, who says no, at the same time"""
    other = Terminal(tmp_path / 'other')
    with terminal.start('login', '--issuer', issuer) as login, other.start('login', '-i', issuer) as refused:
        confirm(link_of(login))
        deny(link_of(refused))
        assert login.wait(30) == 0, login.stderr.read()
        assert refused.wait(30) == 77 and 'selvage login: the sign-in was refused\n' in refused.stderr.read()
    assert terminal.file.stat().st_mode & 0o777 == 0o600
    assert not other.file.exists()

    first = json.loads(terminal.file.read_text())
    code, who, err = terminal.run('whoami')
    assert (code, err) == (0, '')
    for line in ('subject  joe', 'issuer   ' + issuer, 'groups   staff, admins', 'renews   by itself'):
        assert line in who.splitlines(), who
    assert re.search(r'^expires  20\d\d-', who, re.M)

    # it lives for 40 seconds, less than the minute before its end at which it is renewed
    code, token, err = terminal.run('token')
    assert code == 0 and err == '' and token == token.strip() + '\n'
    kept = json.loads(terminal.file.read_text())
    assert token.strip() == kept['access_token'] != first['access_token']
    assert kept['refresh_token'] != first['refresh_token']
    assert terminal.run('token', '--id')[1].count('.') == 2

    kept = json.loads(terminal.file.read_text())
    assert terminal.run('logout') == (0, '', '')
    assert not terminal.file.exists()
    code, out, err = terminal.run('token')
    assert (code, out, err) == (77, '', 'selvage token: nobody is signed in; `selvage login` does it\n')
    # what it gave back is good for nothing more
    terminal.file.write_text(json.dumps({**kept, 'until': 1}))
    terminal.file.chmod(0o600)
    assert terminal.run('token')[::2] == (
        77, 'selvage token: the sign-in has ended; `selvage login` begins another\n')


@pytest.mark.parametrize('answer, code, sentence', [
    ('expired_token', 77, 'the code was not entered in time'),
    ({'access_token': 'a', 'token_type': 'mac'}, 69, 'the provider gave a token that is no Bearer token'),
])
def test_each_failure_has_a_sentence(terminal, scripted, answer, code, sentence):
    provider = scripted([answer])
    assert terminal.run('login', '-i', provider.issuer)[::2] == (
        code, 'Open   %s/device\nEnter  AB-CD\nWaiting until it is confirmed there ...\nselvage login: %s\n'
        % (provider.issuer, sentence))
    assert not terminal.file.exists()


def test_whoever_is_no_safe_provider_is_told_nothing(terminal, scripted):
    assert terminal.run('login')[::2] == (
        65, 'selvage login: whom to sign in with is not known; --issuer URL says it\n')
    assert terminal.run('login', '-i', 'http://login.example.com')[2] == (
        'selvage login: the issuer must be an https URL such as https://login.example.com '
        '(http only on this machine)\n')
    other = scripted([], issuer='https://other.example')
    assert terminal.run('login', '-i', other.issuer)[2] == (
        "selvage login: the provider's metadata is not that of this issuer\n")
    astray = scripted([], token_endpoint='http://evil.example/token')
    assert terminal.run('login', '-i', astray.issuer)[2] == (
        "selvage login: the provider's token_endpoint is no address with TLS\n")
    without = scripted([], device_authorization_endpoint=None)
    del without.metadata['device_authorization_endpoint']
    assert terminal.run('login', '-i', without.issuer)[2] == (
        'selvage login: the provider has no sign-in for terminals (RFC 8628)\n')


def test_the_providers_certificate_is_verified(terminal, scripted, tmp_path):
    authority = pki.Authority()
    certificate, key = authority.leaf(dns=['localhost']).write(tmp_path, 'server')
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    provider = scripted([TOKENS], tls=tls)
    code, _, err = terminal.run('login', '-i', provider.issuer)
    assert code == 69 and 'certificate' in err and provider.asked == []
    roots = authority.cacerts(tmp_path) / 'root-cert.pem'
    assert terminal.run('login', '-i', provider.issuer, '--roots', str(roots))[0] == 0
    assert terminal.run('token') == (0, 'a-1\n', '')


def test_a_provider_that_is_gone_serves_what_is_left(terminal, scripted):
    provider = scripted([{**TOKENS, 'expires_in': 50}])
    assert terminal.run('login', '-i', provider.issuer)[0] == 0
    provider.answers = ['temporarily_unavailable']
    assert terminal.run('token') == (0, 'a-1\n', '')
    kept = json.loads(terminal.file.read_text())
    terminal.file.write_text(json.dumps({**kept, 'until': 1}))
    provider.answers = ['temporarily_unavailable']
    assert terminal.run('token') == (
        69, '', 'selvage token: the provider refuses: temporarily_unavailable\n')


def test_the_interval_is_kept_and_slow_down_makes_it_longer(slowed):
    began, terminal, provider, login = slowed
    assert login.wait(PATIENCE) == 0
    times = [when for when, _ in provider.asked]
    assert times[0] - began >= 1 and times[1] - times[0] >= 1 and times[2] - times[1] >= 6
    assert provider.asked[2][1] == {'client_id': ['selvage'], 'device_code': ['d'],
                                    'grant_type': ['urn:ietf:params:oauth:grant-type:device_code']}
    assert terminal.run('token') == (0, 'a-1\n', '')
    assert terminal.run('logout')[0] == 0
    assert provider.revoked == ['r-1', 'a-1']
