"""With the certified provider, npm oidc-provider: its tokens, its keys, its rotation."""
import json
import time

import pytest

import pki
import resources as r
from http1 import ask
from kit import free_port, poll, scaled
from load import Load
from provider import AUDIENCE

WEB = 'web.default.svc.cluster.local'


def start(world, provider, name='edge'):
    echo, port = world.echo(), free_port()
    node = world.node([
        r.gateway(port), r.route(WEB), r.service(WEB, [echo.port]),
        r.tokens([{'issuer': provider.issuer, 'audiences': [AUDIENCE], 'forwardOriginalToken': True}]),
        r.own('ClaimMapping', 'groups', {'rules': [
            {'name': 'admins', 'issuer': provider.issuer, 'claim': 'groups', 'exact': 'admins',
             'groups': ['platform:admin']}]}),
        r.policy('need', 'ALLOW', [{'from': [{'source': {'requestPrincipals': [provider.issuer + '/*']}}]}]),
        r.policy('admin', 'DENY', [{'to': [{'operation': {'paths': ['/admin*']}}],
                                    'when': [{'key': 'request.auth.claims[groups]',
                                              'notValues': ['platform:admin']}]}])],
        name=name, role='edge', rules=world.folder / (name + '-rules'))
    node.port, node.echo = port, echo
    return node


@pytest.fixture(scope='module')
def edge(shared_world, provider):
    provider.rotate(0)
    return start(shared_world, provider)


def call(edge, token, path='/'):
    return ask(edge.port, path, fields=pki.bearer(token))


@pytest.mark.parametrize('alg', ['RS256', 'ES256', 'EdDSA'])
def test_its_access_tokens_are_good_and_carry_groups(edge, provider, alg):
    assert call(edge, provider.token('alice', alg), '/admin/' + alg).status == 200
    assert call(edge, provider.token('bob', alg), '/admin/' + alg + '/bob').status == 403
    record = edge.record(path='/admin/' + alg)
    assert record['groups'] == 'platform:admin<admins'
    assert record['request_principal'] == provider.issuer + '/alice'


def test_no_token_is_403(edge):
    assert ask(edge.port).status == 403


def test_its_token_for_another_audience_is_403(edge, provider):
    answer = call(edge, provider.token(audience='https://other.example'))
    assert answer.status == 403 and answer.text() == 'Audiences in Jwt are not allowed'


def base(provider, **claims):
    now = int(time.time())
    return {'iss': provider.issuer, 'sub': 'alice', 'aud': AUDIENCE, 'iat': now, 'exp': now + 300, **claims}


@pytest.mark.parametrize('alg', ['RS256', 'ES256', 'EdDSA'])
def test_what_it_signs_wrongly_is_refused(edge, provider, alg):
    now = int(time.time())
    assert call(edge, provider.sign(alg, **base(provider))).status == 200
    for claims in ({'exp': now - 300, 'iat': now - 900}, {'exp': None}, {'iss': provider.issuer + '/'}, {'iss': None},
                   {'nbf': now + 900}, {'iat': now + 900}, {'exp': str(now + 300)}, {'nonce': 'n'},
                   {'events': {'http://schemas.openid.net/event/backchannel-logout': {}}}):
        assert call(edge, provider.sign(alg, **base(provider, **claims))).status == 401, claims
    assert call(edge, provider.sign(alg, {'typ': 'logout+jwt'}, **base(provider))).status == 401


def test_neg_02_hmac_with_its_public_keys_is_refused(edge, provider):
    for key in provider.key_set():
        for secret in (json.dumps(key).encode(), key.get('n', '').encode(), b''):
            token = pki.token_join({'alg': 'HS256', 'kid': key['kid']}, base(provider),
                                   lambda data, s=secret: pki.hs256(s, data))
            assert call(edge, token).status == 401


def test_unknown_keys_do_not_make_it_be_asked_again_and_again(edge, provider):
    before = provider.hits('/jwks')
    stranger = pki.Key('ES256')
    for _ in range(50):
        token = pki.token_join({'alg': 'ES256', 'kid': 'no-%d' % time.monotonic_ns()}, base(provider),
                               stranger.signature)
        assert call(edge, token).status == 401
    assert provider.hits('/jwks') - before <= 1


def test_neg_24_its_keys_rotate_under_load_without_one_wrong_answer(world, provider):
    """Three steps: [old], [old new], [new old], [new]; no 401 for a good token, no 200 for a bad one."""
    provider.rotate(0)
    edge = start(world, provider, 'rotation')
    forger = {alg: {name: pki.Key(alg, '%s-%s' % (alg, name)) for name in ('old', 'new')}
              for alg in ('RS256', 'ES256', 'EdDSA')}
    algs, wrong = list(forger), []
    good = {alg: provider.token('alice', alg) for alg in algs}
    assert all(call(edge, token).status == 200 for token in good.values())
    phase = ['old']

    def choose(number):
        alg = algs[number % 3]
        if number % 2:
            key = forger[alg][phase[0]]
            token = pki.token_join({'alg': alg, 'kid': key.kid, 'typ': 'at+jwt'}, base(provider), key.signature)
            return pki.bearer(token), lambda answer: answer.status == 401 or wrong.append(('bad', answer))
        return pki.bearer(good[alg]), lambda answer: answer.status == 200 or wrong.append(('good', answer))

    with Load(edge.port, 12, choose=choose) as load:
        load.wait(scaled(300))
        provider.rotate(1)
        load.wait(scaled(300))
        provider.rotate(2)
        good = {alg: provider.token('alice', alg) for alg in algs}
        assert pki.token_parts(good['RS256'])[0]['kid'] == 'RS256-new'
        load.wait(scaled(300))
        phase[0] = 'new'
        load.wait(scaled(300))
        provider.rotate(3)
        load.wait(scaled(300))
    assert not wrong, wrong[:5]
    assert not load.failures and not load.refused
    assert set(load.statuses) == {200, 401}


def test_neg_22_a_provider_that_is_down_never_makes_tokens_good_and_spares_the_rest(world, provider):
    echo, port, nobody = world.echo(), free_port(), free_port()
    issuer = pki.Issuer('http://127.0.0.1:%d' % nobody)
    node = world.node([r.gateway(port), r.route(WEB), r.service(WEB, [echo.port]),
                       r.tokens([{'issuer': issuer.name}])], role='edge')
    assert ask(port).status == 200
    answer = call_port(port, issuer.token())
    assert answer.status == 401 and answer.text() == 'Jwks remote fetch is failed'
    sets = node.snapshot()['keySets']
    assert len(sets) == 1 and sets[0]['read'] is False and sets[0]['problem']
    poll(lambda: node.metric('selvage_key_set_failures_total') >= 1, 'the failure is counted')


def call_port(port, token):
    return ask(port, fields=pki.bearer(token))
