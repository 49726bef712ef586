"""People log in at the edge, with the certified provider; and all that must not be a login."""
import urllib.parse

import pytest

import pki
import provider as providers
import resources as r
from kit import poll
from login import HOST, NAVIGATES, Agent, Edge

SESSION = '__Host-selvage-session'

pytestmark = pytest.mark.skipif(not providers.installed(), reason='npm oidc-provider is not installed')


def rules():
    return [
        r.own('Assertion', 'edge', {'issuer': 'https://edge', 'audiences': ['mesh'], 'claims': ['email']}),
        r.own('ClaimMapping', 'groups', {'rules': [
            {'name': 'staff', 'claim': 'groups', 'exact': 'staff', 'groups': ['platform:staff']}]}),
        r.policy('admin', 'DENY', [{'to': [{'operation': {'paths': ['/admin*']}}],
                                    'when': [{'key': 'request.auth.claims[groups]',
                                              'notValues': ['platform:admin']}]}])]


@pytest.fixture(scope='module')
def edge(shared_world):
    return Edge(shared_world, extra=rules())


@pytest.fixture(autouse=True)
def usual(request):
    if 'edge' in request.fixturenames:
        request.getfixturevalue('edge').provider.mode()


@pytest.fixture
def agent(edge):
    return Agent(edge)


def query(url):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))


def session_of(agent):
    return agent.cookies(urllib.parse.urlsplit(agent.edge.origin).netloc)


def test_a_login_leads_back_to_the_page_and_to_the_workload(edge, agent):
    answer = agent.open('/page?x=1')
    assert answer.status == 200, answer
    told = answer.json()
    assert told['path'] == '/page?x=1', told
    names = {name.lower() for name, _ in told['headers']}
    assert 'x-selvage-assertion' in names and 'cookie' not in names
    record = edge.node.record(path='/page?x=1', response_code=200)
    assert record['request_principal'] == edge.provider.issuer + '/alice'
    assert record['groups'] == 'platform:staff<staff'
    # one id from the first redirect over the callback to the workload
    begun = edge.node.record(path='/page?x=1', response_code=302)
    assert record['login_id'] == begun['request_id'] == begun['login_id']
    assert dict((name.lower(), value) for name, value in told['headers'])['x-selvage-login-id'] == begun['request_id']
    callback = [each for each in edge.node.records() if each['path'].startswith('/.selvage/login/callback')
                and each.get('login_id') == begun['request_id']]
    assert len(callback) == 1 and 'code=...' in callback[0]['path'] and 'state=...' in callback[0]['path'], callback


def test_cookies_are_for_this_host_alone(edge, agent):
    begun = agent.get(edge.origin + '/')
    url = agent.callback()
    done = agent.get(url)
    for line in begun.all('set-cookie') + done.all('set-cookie'):
        assert line.startswith('__Host-') and 'Domain' not in line, line
        for attribute in ('Path=/', 'Secure', 'HttpOnly', 'SameSite=Lax'):
            assert '; ' + attribute in line, line
    asked = query(begun.one('location'))
    assert asked['code_challenge_method'] == 'S256' and asked['response_type'] == 'code'
    assert len(asked['nonce']) >= 32 and begun.one('cache-control') == 'no-store'


def test_machines_have_401_and_never_the_redirect(edge):
    for fields in ({}, {'Accept': 'application/json'}, {'Accept': 'text/html', 'Sec-Fetch-Mode': 'cors'},
                   {'Accept': 'text/html', 'X-Requested-With': 'XMLHttpRequest'}):
        answer = edge.ask('/', fields=fields)
        assert answer.status == 401 and answer.one('www-authenticate').startswith('Bearer realm="https://'), fields
        assert not answer.all('set-cookie') and not answer.all('location')
    assert edge.ask('/', 'POST', fields=NAVIGATES, body=b'').status == 401
    assert edge.ask('/open').status == 200


def test_policies_stand_on_the_session_as_on_a_token(edge, agent):
    assert agent.open('/admin').status == 403
    assert agent.get(edge.origin + '/').status == 200


def test_a_denied_consent_is_told_and_logs_nobody_in(edge, agent):
    edge.provider.mode(consent=False)
    answer = agent.open('/')
    assert answer.status == 403 and 'refused at the identity provider' in answer.text(), answer
    assert SESSION not in session_of(agent)
    edge.provider.mode()
    assert agent.open('/').status == 200


def test_two_tabs_log_in_at_once_each_with_its_own_state(edge, agent):
    one, two = agent.callback('/one'), agent.callback('/two')
    assert query(one)['state'] != query(two)['state']
    assert agent.open(two).json()['path'] == '/two'
    assert agent.open(one).json()['path'] == '/one'
    assert [name for name in session_of(agent) if 'login' in name] == []


def test_neg_34_state_of_another_browser_is_refused(edge, agent):
    """An attacker's own answer, given to the victim, logs nobody in."""
    url, victim = agent.callback(), Agent(edge)
    answer = victim.get(url)
    assert answer.status == 400 and 'not begun in this browser' in answer.text()
    assert SESSION not in session_of(victim)
    victim.get(edge.origin + '/')  # the victim has a login under way itself
    assert victim.get(url).status == 400 and SESSION not in session_of(victim)


def test_neg_34_state_is_needed_whole_and_once(edge, agent):
    url = agent.callback()
    state, code = query(url)['state'], query(url)['code']
    base, issuer = url.split('?')[0], urllib.parse.quote(edge.provider.issuer, safe='')
    for bad in ('code=%s' % code, 'code=%s&state=' % code, 'code=%s&state=%s' % (code, state[:-4] + 'AAAA'),
                'code=%s&state=%s&state=%s&iss=%s' % (code, state, state, issuer),
                'code=%s&code=%s&state=%s&iss=%s' % (code, code, state, issuer)):
        assert agent.get(base + '?' + bad).status == 400, bad
        assert SESSION not in session_of(agent)
    jar = dict(session_of(agent))
    assert agent.get(url).status == 302 and SESSION in session_of(agent)
    again = Agent(edge)
    again.cookies(urllib.parse.urlsplit(edge.origin).netloc).update(jar)
    assert again.get(url).status == 403 and SESSION not in session_of(again)  # the code is used up


def test_neg_34_an_answer_of_another_issuer_is_refused(edge, agent):
    url = agent.callback()
    other = url.replace(urllib.parse.quote(edge.provider.issuer, safe=''), 'https%3A%2F%2Fevil.example')
    assert other != url
    answer = agent.get(other)
    assert answer.status == 400 and 'another identity provider' in answer.text()
    without = '&'.join(each for each in agent.callback().split('&') if not each.startswith('iss='))
    assert agent.get(without).status == 400
    assert SESSION not in session_of(agent)


def test_neg_35_each_login_has_a_session_of_its_own(edge, agent):
    agent.open('/')
    first = session_of(agent)[SESSION]
    session_of(agent).clear()
    agent.open('/')
    assert session_of(agent)[SESSION] != first
    planted = Agent(edge)
    session_of(planted)[SESSION] = '1.AAAAAAAA.planted'
    assert planted.open('/').status == 200 and session_of(planted)[SESSION] != '1.AAAAAAAA.planted'


def test_neg_36_two_cookies_of_one_name(edge, agent):
    agent.open('/')
    mine = session_of(agent)[SESSION]
    other = Agent(edge)
    other.open('/')
    theirs = session_of(other)[SESSION]

    def ask(*values):
        fields = {**NAVIGATES, 'Cookie': '; '.join('%s=%s' % (SESSION, value) for value in values)}
        return edge.ask('/', fields=fields)

    assert ask('junk', mine).status == 200 and ask(mine, '1.AAAAAAAA.junk').status == 200
    both = ask(theirs, mine)
    assert both.status == 302 and any('Max-Age=0' in line and line.startswith(SESSION + '=')
                                      for line in both.all('set-cookie'))
    assert ask(mine).status == 200


def test_neg_38_a_session_that_was_changed_is_none(edge, agent):
    agent.open('/')
    value = session_of(agent)[SESSION]
    for place in (12, len(value) // 2, len(value) - 2):
        changed = value[:place] + ('A' if value[place] != 'A' else 'B') + value[place + 1:]
        assert edge.ask('/', fields={'Cookie': '%s=%s' % (SESSION, changed)}).status == 401
    # another host's, and a login's half way taken for a session
    assert edge.ask('/', host='localhost:%d' % edge.tls, fields={'Cookie': '%s=%s' % (SESSION, value)}).status == 401
    begun = edge.ask('/', fields=NAVIGATES)
    attempt = begun.all('set-cookie')[0].split('=', 1)[1].split(';')[0]
    state = query(begun.one('location'))['state']
    for other in (attempt, state):
        assert edge.ask('/', fields={'Cookie': '%s=1.AAAAAAAA.%s' % (SESSION, other)}).status == 401


def sessions_key(edge):
    rows = [row for row in edge.node.page('/keys')['keys'] if row['purpose'] == 'session']
    assert {row['state'] for row in rows} == {'in force', 'retired', 'next'}, rows
    return next(row['id'] for row in rows if row['state'] == 'in force')


def test_neg_38_the_key_before_the_last_opens_nothing(edge, agent):
    agent.open('/')
    old = dict(session_of(agent))
    for _ in range(2):
        before = sessions_key(edge)
        assert edge.node.post('/keys/rotate?purpose=session').status == 200
        poll(lambda now=before: sessions_key(edge) != now, 'another key is in force')
        poll(lambda: agent.get(edge.origin + '/').all('set-cookie'), 'its cookie is written anew')
        assert agent.get(edge.origin + '/').status == 200
    fields = {'Cookie': '; '.join('%s=%s' % pair for pair in old.items())}
    poll(lambda: edge.ask('/', fields=fields).status == 401, 'what the first key sealed is gone')


def test_neg_33_the_way_back_stays_here(edge, agent):
    """A path that a browser would read as another host."""
    for path in ('//evil.example/x', '/%5Cevil.example', '///evil.example'):
        answer = agent.get(edge.origin + path)
        assert answer.status in (302, 400), path
        if answer.status == 302:
            url = agent.callback(path)
            back = agent.get(url).one('location')
            assert back.startswith('/') and not back.startswith(('//', '/\\')), back
        session_of(agent).clear()


def test_a_bearer_token_that_came_wins_and_a_bad_one_is_401(world):
    issuer = pki.Issuer()
    edge = Edge(world, extra=[r.tokens([{'issuer': issuer.name, 'jwks': issuer.key_set()}])])
    agent = Agent(edge)
    assert agent.open('/').status == 200
    assert agent.get(edge.origin + '/token', **pki.bearer(issuer.token(sub='robot'))).status == 200
    assert edge.node.record(path='/token')['request_principal'] == issuer.name + '/robot'
    assert agent.get(edge.origin + '/bad', Authorization='Bearer a.b.c').status == 401
    assert edge.ask('/machine', fields=pki.bearer(issuer.token(sub='robot'))).status == 200


def test_neg_39_another_site_cannot_log_out(edge, agent):
    agent.open('/')
    for site in ('cross-site', 'same-site'):
        assert agent.get(edge.origin + '/.selvage/logout', **{'Sec-Fetch-Site': site}).status == 403
    assert agent.get(edge.origin + '/.selvage/logout').status == 403
    assert agent.get(edge.origin + '/.selvage/logout', 'POST', b'', Origin='https://evil.example.test').status == 403
    assert agent.get(edge.origin + '/').status == 200
    assert agent.get(edge.origin + '/', 'POST', b'', **{'Sec-Fetch-Site': 'same-site'}).status == 401  # a forged post


def test_a_logout_ends_the_session_for_whoever_has_its_cookie(edge, agent):
    agent.open('/')
    copy = dict(session_of(agent))
    answer = agent.get(edge.origin + '/.selvage/logout?return_to=/bye', **{'Sec-Fetch-Site': 'same-origin'})
    assert answer.status == 302 and SESSION not in session_of(agent)
    asked = query(answer.one('location'))
    assert answer.one('location').startswith(edge.provider.issuer + '/session/end')
    assert asked['post_logout_redirect_uri'] == edge.origin + '/bye' and asked['id_token_hint'].count('.') == 2
    for _ in range(8):  # every worker knows
        fields = {'Cookie': '; '.join('%s=%s' % pair for pair in copy.items())}
        poll(lambda: edge.ask('/', fields=fields).status == 401, 'the copy is worth nothing')
    revoked = edge.provider.hits('/token/revocation')
    assert revoked >= 1


def test_neg_39_logout_tokens_are_judged(edge):
    def post(body, method='POST'):
        return edge.ask('/.selvage/logout/backchannel', method,
                        fields={'Content-Type': 'application/x-www-form-urlencoded'}, body=body)
    assert post(b'').status == 400
    assert post(b'logout_token=a.b.c').status == 400
    assert post(b'logout_token=' + pki.Issuer(edge.provider.issuer).token().encode()).status == 400
    assert post(b'x' * 20000).status == 400
    assert post(None, 'GET').status == 405


def test_without_tls_nobody_is_sent_to_log_in(edge):
    from http1 import ask
    assert ask(edge.clear, '/', host=HOST, fields=NAVIGATES).status == 403
    assert ask(edge.clear, '/', host=HOST).status == 401


def test_refresh_is_asked_once_and_groups_follow(world):
    edge = Edge(world, extra=rules(), session={'idle': '10m', 'lifetime': '1h', 'refresh': '1s'})
    agent = Agent(edge)
    assert agent.open('/').status == 200
    before = edge.provider.hits('/token')
    old = dict(session_of(agent))
    edge.provider.mode(groups=[])
    fields = {'Cookie': '; '.join('%s=%s' % pair for pair in old.items())}
    poll(lambda: edge.provider.hits('/token') > before or not edge.ask('/', fields=fields), 'it is asked anew', 10)
    for _ in range(6):  # tabs that still have the old cookie: the same answer, no second use of the token
        assert edge.ask('/many', fields=fields).status == 200
    assert edge.provider.hits('/token') == before + 1
    assert all('groups' not in each for each in edge.node.records() if each['path'] == '/many')
    agent.get(edge.origin + '/')
    assert session_of(agent)[SESSION] != old[SESSION]
    # gone at the provider: a new login
    edge.provider.mode(down=True)
    assert agent.get(edge.origin + '/').status == 200  # for a while


def test_what_ended_is_still_ended_after_a_restart(world):
    edge = Edge(world)
    agent = Agent(edge)
    assert agent.open('/').status == 200
    copy, other = dict(session_of(agent)), Agent(edge)
    assert other.open('/').status == 200
    agent.get(edge.origin + '/.selvage/logout', **{'Sec-Fetch-Site': 'same-origin'})
    edge.node.stop()
    edge.node.start()
    fields = {'Cookie': '; '.join('%s=%s' % pair for pair in copy.items())}
    assert edge.ask('/', fields=fields).status == 401
    assert other.get(edge.origin + '/').status == 200  # the keys follow from the sealing key
