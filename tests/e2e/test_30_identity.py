"""Tokens to claims, claims to groups, groups to decisions; at the edge and before the workload."""
import json
import socket
import time

import pytest

import http1
import pki
import resources as r
from http1 import ask
from kit import free_port, poll

WEB = 'web.default.svc.cluster.local'
EDGE = 'https://edge.example'
ASSERTION = 'x-selvage-assertion'


@pytest.fixture(scope='module')
def issuer():
    return pki.Issuer(keys=[pki.Key('RS256'), pki.Key('ES256'), pki.Key('EdDSA')])


@pytest.fixture(scope='module')
def ca():
    return pki.Authority()


def mapping():
    return r.own('ClaimMapping', 'groups', {'rules': [
        {'name': 'admins', 'claim': 'roles', 'exact': 'root', 'groups': ['platform:admin']},
        {'name': 'staff', 'claim': 'email', 'suffix': '@example.com', 'groups': ['staff']},
        {'name': 'teams', 'claim': '[https://issuer.example/teams]',
         'passThrough': {'prefix': 'team:', 'allow': ['red', 'blue-*']}},
    ]}, 'ingress')


def mesh_rules(issuer, front, side, workload):
    return [
        r.gateway(front, namespace='ingress'), r.route(WEB, namespace='ingress'),
        r.service(WEB, [side], mesh=True, account='web'),
        r.sidecar(side, workload), r.mutual_tls('STRICT'),
        r.tokens([{'issuer': issuer.name, 'audiences': ['web'], 'jwks': issuer.key_set()}], namespace='ingress'),
        mapping(),
        r.own('Assertion', 'assertion', {'issuer': EDGE, 'audiences': ['web'],
                                         'subjectPrefix': {issuer.name: 'corp'}}, 'ingress'),
        r.policy('no-bob', 'DENY', [{'from': [{'source': {'requestPrincipals': [issuer.name + '/bob']}}]}], 'ingress'),
        r.policy('edge-admin', 'DENY', [{'to': [{'operation': {'paths': ['/edge-admin*']}}],
                                         'when': [{'key': 'request.auth.claims[groups]',
                                                   'notValues': ['platform:admin']}]}], 'ingress'),
        r.tokens([{'issuer': EDGE, 'audiences': ['web'], 'fromHeaders': [{'name': ASSERTION}],
                   'jwksUri': 'http://127.0.0.1:%d/.well-known/selvage/jwks.json' % front,
                   'outputClaimToHeaders': [{'header': 'x-subject', 'claim': 'sub'}],
                   'outputPayloadToHeader': 'x-payload', 'forwardOriginalToken': True}], app='web'),
        r.policy('staff', 'ALLOW', [
            {'from': [{'source': {'requestPrincipals': [EDGE + '/*'],
                                  'principals': ['cluster.local/ns/ingress/sa/edge']}}],
             'when': [{'key': 'request.auth.claims[groups]', 'values': ['staff']}]}], app='web'),
        r.policy('deep-admin', 'DENY', [{'to': [{'operation': {'paths': ['/deep-admin*']}}],
                                         'when': [{'key': 'request.auth.claims[groups]',
                                                   'notValues': ['platform:admin']}]}], app='web'),
    ]


@pytest.fixture(scope='module')
def mesh(shared_world, issuer, ca):
    """An edge and a sidecar that share rules; both have identities from the tests' own authority."""
    echo, front, side = shared_world.echo('web'), free_port(), free_port()
    identity = {'cacerts': {'directory': str(ca.cacerts(shared_world.folder / 'cacerts'))}}
    edge = shared_world.prepare(role='edge', namespace='ingress', identity=identity)
    edge.write(mesh_rules(issuer, front, side, echo.port))
    edge.start()
    edge.side = shared_world.node(name='side', role='sidecar', account='web', labels={'app': 'web'},
                                  identity=identity)
    edge.port, edge.side_port, edge.echo = front, side, echo
    token = issuer.token(email='alice@example.com')
    poll(lambda: ask(front, fields=pki.bearer(token)).status == 200, 'the sidecar has the edge\'s keys')
    return edge


def call(mesh, token, path='/', fields=(), **options):
    return ask(mesh.port, path, fields=[*pki.bearer(token).items(), *fields], **options)


@pytest.mark.parametrize('key', [0, 1, 2], ids=['RS256', 'ES256', 'EdDSA'])
def test_a_good_token_passes_edge_and_sidecar(mesh, issuer, key):
    token = issuer.token(issuer.keys[key], email='alice@example.com', roles=['root', 'x'],
                         **{'https://issuer.example/teams': ['red', 'green', 'blue-1']})
    path = '/good/%d' % key
    answer = call(mesh, token, path)
    assert answer.status == 200
    edge, side = mesh.record(path=path), mesh.side.record(path=path)
    assert edge['groups'] == 'platform:admin<admins,staff<staff,team:red<teams,team:blue-1<teams'
    assert edge['request_principal'] == issuer.name + '/alice'
    assert side['request_principal'] == EDGE + '/corp:alice'
    assert side['source_principal'] == 'spiffe://cluster.local/ns/ingress/sa/edge'
    assert edge['token_id'] and edge['token_id'] == side['token_id']
    assert edge['request_id'] == side['request_id'] == answer.one('x-request-id')
    assert edge['trace_id'] == side['trace_id'] and side['parent_span_id'] == edge['span_id']
    assert side['decision'] == 'allow' and 'staff' in side['policy']


def test_a_label_of_the_providers_making_forges_no_other_in_the_record(mesh, issuer):
    token = issuer.token(email='alice@example.com', **{'https://issuer.example/teams': ['blue-,platform:admin<admins']})
    assert call(mesh, token, '/forged-label').status == 200
    assert mesh.record(path='/forged-label')['groups'] == 'staff<staff,team:blue-%2Cplatform:admin%3Cadmins<teams'
    assert pki.token_parts(mesh.echo.last().one(ASSERTION))[1]['groups'] == \
        ['staff', 'team:blue-,platform:admin<admins']


def test_the_assertion_says_who_asks_for_whom_and_for_how_long(mesh, issuer):
    token = issuer.token(email='alice@example.com', roles='root')
    assert call(mesh, token, '/assertion').status == 200
    seen = mesh.echo.last()
    header, claims = pki.token_parts(seen.one(ASSERTION))
    assert header['alg'] == 'ES256' and header['kid']
    assert (claims['iss'], claims['sub'], claims['aud']) == (EDGE, 'corp:alice', 'web')
    assert claims['groups'] == ['platform:admin', 'staff']
    assert claims['exp'] - claims['iat'] == 60 and abs(claims['iat'] - time.time()) < 45
    assert claims['cnf']['x5t#S256'] and claims['jti']
    assert seen.one('x-subject') == 'corp:alice'
    assert json.loads(pki.base64url_back(seen.one('x-payload'))) == claims


def test_the_users_own_token_travels_on_from_the_edge(mesh, issuer):
    """So that policies on the provider's issuer go on working behind it."""
    token = issuer.token(email='alice@example.com')
    assert call(mesh, token, '/own').status == 200
    assert mesh.echo.last().one('authorization') == 'Bearer ' + token


def test_no_token_is_no_identity_and_the_sidecar_refuses(mesh):
    answer = ask(mesh.port, '/anonymous')
    assert answer.status == 403 and answer.body == b'RBAC: access denied'


BAD = {
    'expired': (lambda i: i.token(exp=int(time.time()) - 200, iat=int(time.time()) - 800), 401, 'Jwt is expired'),
    'not_yet': (lambda i: i.token(nbf=int(time.time()) + 500), 401, 'Jwt not yet valid'),
    'other_issuer': (lambda i: i.token(iss='https://evil.example'), 401, 'Jwt issuer is not configured'),
    'other_audience': (lambda i: i.token(aud='else'), 403, 'Audiences in Jwt are not allowed'),
    'no_audience': (lambda i: i.token(aud=None), 403, 'Audiences in Jwt are not allowed'),
    'no_exp': (lambda i: i.token(exp=None), 401, 'Jwt payload [exp] field is required'),
    'unknown_key': (lambda i: i.token(pki.Key('ES256')), 401, None),
    'foreign_key_known_kid': (lambda i: i.token(pki.Key('RS256', i.keys[0].kid)), 401, 'Jwt verification fails'),
    'id_token': (lambda i: i.token(nonce='n'), 401, 'Jwt is an ID token, not an access token'),
    'logout_token': (lambda i: i.token(events={'http://schemas.openid.net/event/backchannel-logout': {}}), 401,
                     'Jwt is a logout token or a security event, not a bearer token'),
    'typ': (lambda i: i.token(header={'typ': 'logout+jwt'}), 401, None),
    'crit': (lambda i: i.token(header={'crit': ['x'], 'x': 1}), 401, None),
    'two_parts': (lambda i: '.'.join(i.token().split('.')[:2]), 401, None),
    'garbage': (lambda i: 'garbage', 401, None),
    'alg_none': (lambda i: '.'.join(pki.token_join({'alg': 'none'}, {'iss': i.name, 'sub': 'a', 'aud': 'web',
                                                                    'exp': 9999999999}, lambda d: b'').split('.')),
                 401, None),
    'tampered': (lambda i: tampered(i.token()), 401, 'Jwt verification fails'),
    'duplicate_member': (lambda i: pki.token_join(
        {'alg': 'RS256', 'kid': i.keys[0].kid},
        '{"iss":"%s","sub":"alice","sub":"root","aud":"web","iat":1,"exp":9999999999}' % i.name,
        i.keys[0].signature), 401, None),
}


def tampered(token):
    header, payload, signature = token.split('.')
    claims = json.loads(pki.base64url_back(payload))
    return '.'.join([header, pki.base64url(json.dumps({**claims, 'sub': 'root'}).encode()), signature])


@pytest.mark.parametrize('name', BAD)
def test_a_bad_token_is_refused_at_the_edge_as_istio_does(mesh, issuer, name):
    make, status, body = BAD[name]
    asked = len(mesh.echo.requests)
    answer = call(mesh, make(issuer), '/bad/' + name)
    assert answer.status == status, answer
    if body:
        assert answer.text() == body
    if status == 401:
        assert answer.one('www-authenticate').startswith('Bearer realm="http://web.example')
        assert 'error="invalid_token"' in answer.one('www-authenticate')
    record = mesh.record(path='/bad/' + name)
    assert record['decision'] == 'deny' and record['response_code_details'].startswith('jwt_authn_access_denied')
    assert len(mesh.echo.requests) == asked


def hs_rows(issuer):
    public, jwk = issuer.keys[0].public_pem(), json.dumps(issuer.keys[0].jwk()).encode()
    claims = {'iss': issuer.name, 'sub': 'root', 'aud': 'web', 'iat': int(time.time()), 'exp': int(time.time()) + 600}
    for secret in (public, public.strip(), jwk, b''):
        for kid in ({'kid': issuer.keys[0].kid}, {}):
            yield pki.token_join({'alg': 'HS256', **kid}, claims, lambda data, s=secret: pki.hs256(s, data))
    for alg in ('none', 'None', 'nOnE', 'NONE', ''):
        yield pki.token_join({'alg': alg, 'kid': issuer.keys[0].kid}, claims, lambda data: b'')
    yield pki.token_join({'alg': 'PS256', 'kid': issuer.keys[0].kid}, claims, issuer.keys[0].signature)
    yield pki.token_join({'alg': 'ES256', 'kid': issuer.keys[0].kid}, claims, issuer.keys[1].signature)
    yield pki.token_join({'alg': 'EdDSA', 'kid': issuer.keys[2].kid}, claims, lambda data: bytes(64))
    yield pki.token_join({'alg': 'ES256', 'kid': issuer.keys[1].kid}, claims, lambda data: bytes(64))
    own = pki.Key('RS256')
    for extra in ({'jwk': own.jwk()}, {'jku': 'http://127.0.0.1:1/keys'}, {'x5c': ['AAAA']}):
        yield pki.token_join({'alg': 'RS256', **extra}, claims, own.signature)


def test_no_trick_with_alg_gets_a_token_accepted(mesh, issuer):
    for token in hs_rows(issuer):
        assert call(mesh, token).status == 401, pki.token_parts(token)[0]


@pytest.mark.parametrize('fields', [
    [('X-Selvage-Assertion', 'a.b.c')], [('x_selvage_assertion', 'a.b.c')], [('X_SELVAGE-Assertion', 'a.b.c')],
    [('x-selvage-assertion', 'a'), ('X-SELVAGE-ASSERTION', 'b')],
    [('X-Subject', 'root')], [('x_subject', 'root')], [('X-SUBJECT', 'root'), ('x-subject', 'root')],
    [('X-Payload', 'e30')], [('X-Forwarded-User', 'root')], [('x_forwarded_user', 'root')],
    [('X-Envoy-Original-Path', '/admin')], [('x_request_id', 'mine')], [('Forwarded', 'for=10.0.0.1')], [('X-Real-IP', '10.0.0.1')],
], ids=lambda fields: '+'.join(name for name, _ in fields))
def test_neg_26_forged_identity_headers_never_reach_the_workload(mesh, issuer, fields):
    token = issuer.token(email='alice@example.com')
    assert call(mesh, token, '/forged', fields).status == 200
    seen = mesh.echo.last()
    assert all(value not in {given for _, given in fields} for _, value in seen.fields), seen.fields
    assert seen.one('x-subject') == 'corp:alice'
    assert not [name for name, _ in seen.fields if '_' in name]


def test_a_forged_assertion_without_a_token_is_no_identity(mesh, issuer):
    assert call(mesh, issuer.token(email='alice@example.com'), '/take').status == 200
    good = mesh.echo.last().one(ASSERTION)
    assert ask(mesh.port, '/replay-front', fields={ASSERTION: good}).status == 403


def test_neg_47_an_assertion_over_another_certificate_is_refused(mesh, issuer, ca, tmp_path):
    assert call(mesh, issuer.token(email='alice@example.com'), '/take2').status == 200
    good = mesh.echo.last().one(ASSERTION)
    thief = pki.client_context(ca, ca.leaf(uri='spiffe://cluster.local/ns/ingress/sa/edge'), tmp_path,
                               check_name=False)
    answer = ask(mesh.side_port, '/replayed', fields={ASSERTION: good}, tls=thief)
    assert answer.status == 401 and answer.text() == 'Jwt is bound to another client certificate'
    assert mesh.side.record(path='/replayed')['decision'] == 'deny'


def test_deny_by_subject_holds_at_the_edge(mesh, issuer):
    answer = call(mesh, issuer.token(sub='bob', email='bob@example.com'), '/bob')
    assert answer.status == 403 and answer.body == b'RBAC: access denied'
    record = mesh.record(path='/bob')
    assert record['policy'] == 'ns[ingress]-policy[no-bob]-rule[0]' and record['decision'] == 'deny'


@pytest.mark.parametrize('where', ['edge', 'deep'])
def test_groups_drive_policies_at_the_edge_and_before_the_workload(mesh, issuer, where):
    path = '/%s-admin' % where
    plain = issuer.token(email='alice@example.com')
    admin = issuer.token(email='alice@example.com', roles=['root'])
    assert call(mesh, plain, path).status == 403
    assert call(mesh, admin, path).status == 200
    assert call(mesh, issuer.token(email='eve@evil.example', roles=['root']), path).status == 403


def test_a_denial_names_the_policy_and_rule_that_decided_and_the_workload_hears_nothing(mesh, issuer):
    asked = len(mesh.echo.requests)
    assert call(mesh, issuer.token(email='alice@example.com'), '/deep-admin/named').status == 403
    record = mesh.side.record(path='/deep-admin/named')
    assert record['decision'] == 'deny' and record['policy'] == 'ns[default]-policy[deep-admin]-rule[0]'
    assert record['response_flags'] == 'UAEX'
    assert len(mesh.echo.requests) == asked


def test_neg_20_two_tokens_are_refused(mesh, issuer):
    token = issuer.token(email='alice@example.com')
    assert call(mesh, token, fields=pki.bearer(token).items()).status == 401


@pytest.mark.parametrize('first', [True, False], ids=['before', 'behind'])
def test_neg_20_another_credential_beside_the_token_is_refused(mesh, issuer, first):
    fields = [('Authorization', 'Basic YTpi'), *pki.bearer(issuer.token(email='alice@example.com')).items()]
    answer = ask(mesh.port, fields=fields if first else fields[::-1])
    assert answer.status == 401 and answer.text() == 'more than one token came'


def test_a_token_in_the_query_is_in_no_record(mesh, issuer):
    token = issuer.token(email='alice@example.com')
    assert ask(mesh.port, '/query?a=1&access_token=' + token + '&b=2').status == 200
    assert ask(mesh.port, '/query-bad?x=eyJhbGciOiJub25lIn0.e30.').status == 403
    masked = '/query?a=1&access_token=...&b=2'
    assert mesh.record(path=masked) and mesh.side.record(path=masked)
    assert mesh.record(path='/query-bad?x=...')
    for node in (mesh, mesh.side):
        assert token.split('.')[2] not in node.log_text() + node.records_file.read_text()


def test_a_secret_token_is_in_no_log(mesh, issuer):
    token = issuer.token(sub='carol', email='carol@example.com')
    assert call(mesh, token, '/secretly').status == 200
    mesh.record(path='/secretly')
    for node in (mesh, mesh.side):
        text = node.log_text() + node.records_file.read_text()
        assert token.split('.')[2] not in text
        assert mesh.echo.last().one(ASSERTION).split('.')[2] not in text


# ---- one node, Istio's RequestAuthentication alone

@pytest.fixture(scope='module')
def plain(shared_world, issuer):
    """A gateway with a RequestAuthentication: as Istio's, no assertion."""
    echo, port = shared_world.echo('plain'), free_port()
    node = shared_world.node([
        r.gateway(port), r.route('plain.default.svc.cluster.local'),
        r.service('plain.default.svc.cluster.local', [echo.port]),
        r.tokens([{'issuer': issuer.name, 'jwks': issuer.key_set(), 'outputPayloadToHeader': 'x-payload',
                   'outputClaimToHeaders': [{'header': 'x-mail', 'claim': 'email'},
                                            {'header': 'x-deep', 'claim': 'a.b'}],
                   'forwardOriginalToken': True}])],
        name='plain', rules=shared_world.folder / 'plain-rules',
        frontProxies={'addresses': ['127.0.0.2/32']})
    node.port, node.echo = port, echo
    return node


def test_claims_and_payload_become_headers_and_the_token_is_forwarded(plain, issuer):
    token = issuer.token(email='a@example.com', a={'b': 7})
    assert call(plain, token, fields=[('X-Mail', 'forged'), ('x_deep', 'forged')]).status == 200
    seen = plain.echo.last()
    assert (seen.one('x-mail'), seen.one('x-deep')) == ('a@example.com', '7')
    assert seen.one('x-payload') == token.split('.')[1]
    assert seen.one('authorization') == 'Bearer ' + token


def test_a_gateway_forwards_the_token_only_when_the_rule_says_so(world, issuer):
    echo, port = world.echo(), free_port()
    world.node([r.gateway(port), r.route(WEB), r.service(WEB, [echo.port]),
                r.tokens([{'issuer': issuer.name, 'jwks': issuer.key_set()}])])
    assert ask(port, fields=pki.bearer(issuer.token())).status == 200
    assert echo.last().all('authorization') == []


def test_only_what_was_verified_is_forwarded(plain, issuer):
    """Istio's outcome is 200; the credential that nobody looked at does not travel under the token's name."""
    token = issuer.token()
    fields = [('Authorization', 'Basic YTpi'), *pki.bearer(token).items()]
    assert ask(plain.port, fields=fields).status == 200
    assert plain.echo.last().all('authorization') == ['Bearer ' + token]


def test_claim_headers_are_stripped_when_no_token_came(plain):
    assert ask(plain.port, fields={'X-Mail': 'forged', 'X-Payload': 'forged', 'x_mail': 'forged'}).status == 200
    assert 'forged' not in json.dumps(plain.echo.last().fields)


def test_neg_30_a_claim_that_would_break_a_header_is_left_out(plain, issuer):
    token = issuer.token(email='a\r\nx-evil: 1')
    assert call(plain, token).status == 200
    seen = plain.echo.last()
    assert seen.all('x-mail') == [] and seen.all('x-evil') == []


def test_istios_outcomes_without_a_policy(plain, issuer):
    assert ask(plain.port).status == 200
    assert call(plain, issuer.token()).status == 200
    assert call(plain, tampered(issuer.token())).status == 401
    assert ask(plain.port, '/?access_token=' + issuer.token()).status == 200
    assert ask(plain.port, '/?access_token=' + tampered(issuer.token())).status == 401


def test_a_preflight_needs_no_token(plain):
    answer = ask(plain.port, '/pre', 'OPTIONS', fields={'Origin': 'https://a.example',
                                                        'Access-Control-Request-Method': 'PUT',
                                                        'Authorization': 'Bearer garbage'})
    assert answer.status == 200


def test_neg_28_forwarded_for_is_believed_only_from_the_proxies_that_are_named(plain):
    ask(plain.port, '/xff-stranger', fields={'X-Forwarded-For': '203.0.113.9', 'X-Forwarded-Proto': 'https'})
    seen = plain.echo.last()
    assert seen.one('x-forwarded-for') == '127.0.0.1' and seen.one('x-forwarded-proto') == 'http'
    from_proxy(plain, '/xff-proxy')
    seen = plain.echo.last()
    assert seen.one('x-forwarded-for') == '198.51.100.1, 203.0.113.9, 127.0.0.2'
    assert seen.one('x-forwarded-proto') == 'https'
    assert plain.record(path='/xff-proxy')['downstream_remote_address'].startswith('203.0.113.9')


def from_proxy(plain, path):
    connection = http1.Connection.__new__(http1.Connection)
    connection.buffer = b''
    connection.sock = socket.create_connection(('127.0.0.1', plain.port), 10, source_address=('127.0.0.2', 0))
    with connection:
        answer = connection.ask(path, fields={'X-Forwarded-For': '198.51.100.1, 203.0.113.9',
                                              'X-Forwarded-Proto': 'https'})
    assert answer.status == 200
    return answer
