"""The keys of a node: listed without showing any, replaced on command while requests flow."""
import json
import subprocess
import time

import pytest
import yaml

import node as nodes
import pki
import resources as r
from http1 import ask
from kit import PATIENCE, free_port, poll
from load import Load

WEB = 'web.default.svc.cluster.local'
EDGE = 'https://edge.example'
MEMBERS = {'purpose', 'state', 'id', 'of', 'algorithm', 'made', 'since', 'until', 'ends'}


@pytest.fixture(scope='module')
def issuer():
    return pki.Issuer()


@pytest.fixture(scope='module')
def edge(shared_world, issuer):
    """An edge and a sidecar of one authority."""
    echo, side, front = shared_world.echo(), free_port(), free_port()
    rules = [r.gateway(front, namespace='edge'), r.route(WEB, namespace='edge'),
             r.service(WEB, [side], mesh=True, account='web'), r.sidecar(side, echo.port), r.mutual_tls('STRICT'),
             r.tokens([{'issuer': issuer.name, 'audiences': ['web'], 'jwks': issuer.key_set()}], namespace='edge'),
             r.own('Assertion', 'edge', {'issuer': EDGE, 'audiences': ['web']}, 'edge')]
    node = shared_world.prepare(name='edge', role='edge', namespace='edge')
    node.write(rules)
    node.start()
    node.side = shared_world.node(name='side', role='sidecar', account='web', labels={'app': 'web'})
    node.front = front
    poll(lambda: ask(front, fields=pki.bearer(issuer.token())).status == 200, 'the way is open')
    return node


def keys(node, *arguments):
    return subprocess.run([nodes.SELVAGE, 'keys', *arguments, '-c', str(node.config)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=PATIENCE, check=False)


def rows(node, purpose, state='in force'):
    answer = keys(node, 'list', '-o', 'json')
    assert answer.returncode == 0, answer.stderr
    listed = json.loads(answer.stdout)['keys']
    return [row for row in listed if row['purpose'] == purpose and row['state'] == state]


def test_every_key_is_listed_in_each_form(edge, issuer):
    poll(lambda: rows(edge, 'assertion'), 'a key signs assertions')
    listed = json.loads(keys(edge, 'list', '-o', 'json').stdout)['keys']
    assert {row['purpose'] for row in listed} == {'root', 'intermediate', 'node', 'assertion', 'ticket', 'provider'}
    assert all(set(row) <= MEMBERS and row['id'] and row['algorithm'] for row in listed), listed
    assert yaml.safe_load(keys(edge, 'list', '-o', 'yaml').stdout)['keys'] == listed
    lines = keys(edge, 'list').stdout.splitlines()
    assert lines[0].split() == ['PURPOSE', 'STATE', 'ID', 'ALGORITHM', 'MADE', 'SINCE', 'UNTIL', 'ENDS', 'OF']
    assert len(lines) == 1 + len(listed)
    assert rows(edge, 'provider')[0]['of'] == issuer.name
    assert rows(edge, 'node')[0]['of'] == 'spiffe://cluster.local/ns/edge/sa/edge'


def test_no_key_itself_is_shown(edge):
    text = keys(edge, 'list', '-o', 'json').stdout
    assert 'BEGIN' not in text and '"d"' not in text and '"x"' not in text
    seal = (edge.folder / 'state' / 'seal.key').read_bytes()
    assert seal.hex() not in text


def test_what_is_no_purpose_is_refused(edge):
    for arguments, told in ((['rotate', 'nodes'], 'purpose is one of provider, assertion, node, intermediate, root, '
                             'ticket, session, or all'),
                            (['rotate'], 'rotate wants purposes, or --all'),
                            (['rotate', 'a&b=c'], 'purpose is one of'),
                            (['list', 'root'], 'list takes no purpose'),
                            (['show'], 'list or rotate is wanted')):
        answer = keys(edge, *arguments)
        assert answer.returncode == 64 and told in answer.stderr, answer
    assert edge.post('/keys/rotate?purpose=').status == 400


def test_a_node_that_does_not_run_is_a_sentence(edge):
    port = free_port()
    answer = keys(edge, 'list', '--admin', '127.0.0.1:%d' % port)
    assert answer.returncode == 1
    assert answer.stderr == 'selvage keys: 127.0.0.1:%d: nobody answers there; is the node running?: ' \
                            'Connection refused\n' % port


def test_all_are_replaced_under_load_without_a_wrong_answer(edge, issuer):
    token = issuer.token(exp=int(time.time()) + 900)
    before = {purpose: rows(edge, purpose)[0]['id'] for purpose in ('node', 'intermediate', 'ticket', 'root')}
    side_before = rows(edge.side, 'node')[0]['id']
    with Load(edge.front, 4, choose=lambda _: (pki.bearer(token), lambda answer: answer.status == 200),
              pause=0.01) as load:
        answer = keys(edge, 'rotate', '--all')
        assert answer.returncode == 0 and len(answer.stdout.splitlines()) == 7, answer
        poll(lambda: all(rows(edge, purpose)[0]['id'] != before[purpose]
                         for purpose in ('node', 'intermediate', 'ticket')), 'three are new')
        waiting = poll(lambda: rows(edge, 'root', 'next'), 'the next root is published')[0]
        assert rows(edge, 'root')[0]['id'] == before['root'], 'nothing is signed by a root that is news'
        assert poll(lambda: rows(edge, 'assertion', 'next'), 'the next key of assertions is published')
        assert rows(edge, 'ticket', 'retired')[0]['id'] == before['ticket']
        # the sidecar shares the authority: it takes over the new bundle, and gets a certificate itself
        poll(lambda: rows(edge.side, 'node')[0]['id'] != side_before, 'the sidecar has the new bundle')
        assert [row['id'] for row in rows(edge.side, 'root', 'next')] == [waiting['id']]
        load.wait(100)
    assert not load.failures and not load.refused and set(load.statuses) == {200}


def test_what_somebody_else_renews_is_not_ours(world):
    authority = pki.Authority('other')
    leaf = authority.leaf(uri='spiffe://cluster.local/ns/default/sa/edge')
    for name, text in (('crt', leaf.chain), ('key', leaf.key), ('roots', authority.pem)):
        (world.folder / name).write_text(text)
    files = {'certificate': str(world.folder / 'crt'), 'key': str(world.folder / 'key'),
             'roots': str(world.folder / 'roots')}
    node = world.node([], identity={'files': files})
    answer = keys(node, 'rotate', 'root')
    assert answer.returncode == 1
    assert answer.stderr == "selvage keys: root: the authority is not this node's: whoever keeps it renews it\n"
    assert keys(node, 'rotate', 'node').returncode == 1
    assert keys(node, 'rotate', '--all').returncode == 0
