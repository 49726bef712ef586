"""A person's browser logs in at the edge: Chromium, and the certified provider."""
import http.server
import shutil
import threading
import time

import pytest

import provider as providers
from chromium import Chromium
from kit import poll
from login import Edge
from test_37_browser import key_pin

SESSION = '__Host-selvage-session'

pytestmark = [
    pytest.mark.skipif(not providers.installed(), reason='npm oidc-provider is not installed'),
    pytest.mark.skipif(not shutil.which('chromium'), reason='there is no chromium: ./dev setup test installs it')]


class Pages:
    """Shows who the edge says that is; at evil.example.test it is the sibling that plants cookies."""

    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_GET(self):
                body = ('<!doctype html><title>page</title><body>page %s; login %s; cookies [%s]</body>' % (
                    self.path, self.headers['x-selvage-login-id'], self.headers['cookie'])).encode()
                self.send_response(200)
                self.send_header('Content-Type', 'text/html')
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope='module')
def edge(shared_world):
    pages = shared_world.started.keep(Pages())
    return Edge(shared_world, workload=pages.port)


@pytest.fixture(scope='module')
def browser(shared_world, edge):
    return shared_world.started.keep(Chromium(shared_world.folder, key_pin(edge.leaf.pem)))


@pytest.fixture
def tab(edge, browser):
    """A tab of a browser that was never here."""
    edge.provider.mode()
    tab = browser.tab()
    tab.command('Network.clearBrowserCookies')
    return tab


def cookies(tab):
    return {each['name']: each for each in tab.command('Network.getAllCookies')['cookies']}


def test_login_and_logout(edge, tab):
    tab.go(edge.origin + '/first?x=1')
    assert 'cookies [None]' in tab.shows('page /first?x=1; login ')
    mine = cookies(tab)[SESSION]
    assert mine['httpOnly'] and mine['secure'] and mine['sameSite'] == 'Lax' and mine['domain'] == 'app.example.test'
    assert tab.value('document.cookie') == ''
    assert tab.value("fetch('/api').then(answer => answer.status)") == 200
    tab.value("location.href = '/.selvage/logout?return_to=/bye'")
    tab.shows('page /bye; login ')  # the provider has logged out and sent back; logged in anew by itself
    assert edge.provider.hits('/session/end/confirm') == 1
    assert cookies(tab)[SESSION]['value'] != mine['value']


def test_a_denied_consent(edge, tab):
    edge.provider.mode(consent=False)
    tab.go(edge.origin + '/denied')
    tab.shows('the login was refused at the identity provider')
    assert SESSION not in cookies(tab)
    edge.provider.mode()
    tab.go(edge.origin + '/denied')
    tab.shows('page /denied; login ')


def test_two_tabs(edge, browser, tab):
    other = browser.tab()
    for one, path in ((tab, '/one'), (other, '/two')):
        one.go(edge.origin + path)
    tab.shows('page /one; login ')
    other.shows('page /two; login ')


def test_scripts_have_401_and_stay_where_they_are(edge, tab):
    tab.go(edge.origin + '/open')
    tab.shows('page /open; login None')
    assert tab.value("fetch('/api').then(answer => answer.status + ' ' + answer.redirected)") == '401 false'


def test_neg_36_a_sibling_domain_plants_cookies(edge, tab):
    """With every name it knows: the victim has its own session before and after, and logs in."""
    victim_of = "for (const name of %s) for (const more of ['', '; Path=/', '; Path=/page'])" \
                " document.cookie = name + '=1.AAAAAAAA.planted; Domain=example.test; Secure' + more;" \
                "document.cookie" % ["__Host-selvage-session", "selvage-session", "__Secure-selvage-session",
                                     "__Host-selvage-session.1", "__Host-selvage-session-login-000000000000"]
    evil = 'https://evil.example.test:%d/open' % edge.tls
    tab.go(evil)
    tab.shows('page /open; login None')
    planted = tab.value(victim_of)
    assert 'selvage-session=1.AAAAAAAA.planted' in planted and '__Host-' not in planted
    tab.go(edge.origin + '/page')
    shown = tab.shows('page /page; login ')
    assert 'login None' not in shown
    mine = cookies(tab)[SESSION]
    tab.go(evil)
    tab.shows('page /open; login None')
    tab.value(victim_of)
    tab.go(edge.origin + '/page')
    assert 'login None' not in tab.shows('page /page; login ')
    assert cookies(tab)[SESSION]['value'] == mine['value']


def ended(edge):
    return [each for each in edge.node.records() if each.get('response_code_details') == 'backchannel_logout']


def test_a_logout_at_the_provider_ends_the_session_by_the_back_channel(edge, browser, tab):
    tab.go(edge.origin + '/mine')
    tab.shows('page /mine; login ')
    before = cookies(tab)[SESSION]['value']
    told = len(ended(edge))
    browser.tab().go(edge.provider.issuer + '/session/end')
    poll(lambda: len(ended(edge)) > told, 'the provider has told')
    assert tab.value("fetch('/api').then(answer => answer.status)") == 401
    tab.go(edge.origin + '/again')
    tab.shows('page /again; login ')
    assert cookies(tab)[SESSION]['value'] != before


def test_an_expired_session(edge, tab):
    tab.go(edge.short + '/mine')
    tab.shows('page /mine; login ')
    before = cookies(tab)[SESSION]['value']
    status = "fetch('/api').then(answer => answer.status)"
    time.sleep(2.5)
    assert tab.value(status) == 401
    tab.go(edge.short + '/later')
    tab.shows('page /later; login ')
    assert tab.value(status) == 200 and cookies(tab)[SESSION]['value'] != before
