"""A second machine, in a network namespace of its own, joins the authority of the first by a token."""
import json
import os
import subprocess

import pytest

import node as nodes
import resources as r
from http1 import ask
from kit import PATIENCE, free_port, poll
from load import Load

WEB = 'web.default.svc.cluster.local'
HERE, THERE = '10.211.%d.1' % (os.getpid() % 250), '10.211.%d.2' % (os.getpid() % 250)
SPACE = 'selvage-join-%d' % os.getpid()

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason='network namespaces take root')


def run(*words, **options):
    return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE,
                          check=options.pop('check', True), **options)


def inside(*words, **options):
    return run('ip', 'netns', 'exec', SPACE, *words, **options)


@pytest.fixture(scope='module')
def wire():
    if subprocess.run(['ip', 'netns', 'add', SPACE], stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip('there are no network namespaces here')
    try:
        near = 'sj%d' % os.getpid()
        run('ip', 'link', 'add', near, 'type', 'veth', 'peer', 'name', 'wire', 'netns', SPACE)
        run('ip', 'addr', 'add', HERE + '/24', 'dev', near)
        run('ip', 'link', 'set', near, 'up')
        inside('ip', 'addr', 'add', THERE + '/24', 'dev', 'wire')
        inside('ip', 'link', 'set', 'wire', 'up')
        inside('ip', 'link', 'set', 'lo', 'up')
        yield near
    finally:
        run('ip', 'netns', 'del', SPACE)  # and the pair of links with it


@pytest.fixture(scope='module')
def edge(shared_world, wire):
    """A gateway beside the authority; what it leads to is on the other machine."""
    front, side, place = free_port(), free_port(), '%s:%d' % (HERE, free_port())
    rules = [r.gateway(front), r.route(WEB), r.networking('ServiceEntry', 'web', {
        'hosts': [WEB], 'location': 'MESH_INTERNAL', 'resolution': 'STATIC',
        'ports': [{'number': 80, 'name': 'main', 'protocol': 'HTTP'}],
        'endpoints': [{'address': THERE, 'ports': {'main': side}, 'serviceAccount': 'web',
                       'labels': {'security.istio.io/tlsMode': 'istio'}}]})]
    node = shared_world.prepare(name='edge', role='gateway', identity={'ca': {
        'directory': str(shared_world.folder / 'ca'), 'listen': place, 'publishAhead': '4s'}})
    node.write(rules)
    node.start()
    node.place, node.side, node.front = place, side, front
    return node


def token(edge, *words):
    answer = run(nodes.SELVAGE, 'join-token', 'create', '-c', str(edge.config), *words)
    assert answer.stdout.startswith('selvage-join-1.') and not answer.stderr
    return answer.stdout


def machine(world, edge, text, name='far', account='web'):
    """A sidecar on the other machine; not started."""
    workload = free_port()
    binary = world.folder / ('%s.sh' % name)
    binary.write_text('#!/bin/sh\nexec ip netns exec %s %s "$@"\n' % (SPACE, nodes.SELVAGE))
    binary.chmod(0o755)
    (world.folder / ('%s-token' % name)).write_text(text)
    node = world.prepare(name=name, role='sidecar', account=account, labels={'app': 'web'}, binary=str(binary),
                         rules=world.folder / ('%s-rules' % name),
                         identity={'join': {'address': edge.place,
                                            'tokenFile': str(world.folder / ('%s-token' % name))}})
    node.write([r.networking('Sidecar', 'web', {
        'workloadSelector': {'labels': {'app': 'web'}},
        'ingress': [{'port': {'number': edge.side, 'name': 'in', 'protocol': 'HTTP'}, 'bind': THERE,
                     'defaultEndpoint': '127.0.0.1:%d' % workload}]}), r.mutual_tls('STRICT')])
    node.workload = workload
    return node


def keys_of(node):
    answer = inside(nodes.SELVAGE, 'keys', 'list', '-o', 'json', '--admin', '127.0.0.1:%d' % node.admin, check=False)
    return {row['purpose']: row for row in json.loads(answer.stdout)['keys']}


@pytest.fixture(scope='module')
def far(shared_world, edge):
    node = machine(shared_world, edge, token(edge, '--identity', 'default/web'))
    echo = subprocess.Popen(['ip', 'netns', 'exec', SPACE, nodes.SELVAGE, 'echo', '--listen',
                             '127.0.0.1:%d' % node.workload], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)
    node.launch()
    yield node
    node.stop()
    echo.terminate()
    echo.wait(PATIENCE)


def test_it_gets_the_identity_of_its_token_and_serves_the_mesh(edge, far):
    poll(lambda: ask(edge.front).status == 200, 'the way to the other machine is open')
    poll(lambda: keys_of(far)['node']['of'] == 'spiffe://cluster.local/ns/default/sa/web', 'it tells who it is')
    assert edge.record(path='/', response_code=200)['response_flags'] == '-'
    edge.wait_log('for spiffe://cluster.local/ns/default/sa/web at %s, which joins' % THERE)


def test_the_token_lies_nowhere_at_the_authority(shared_world, edge, far):
    secret = (shared_world.folder / 'far-token').read_text().strip()[len('selvage-join-1.'):]
    for path in (shared_world.folder / 'ca').rglob('*'):
        if path.is_file():
            assert secret[-40:].encode() not in path.read_bytes(), path
    assert secret not in edge.log_text() and secret not in far.log_text()


def test_roots_and_certificates_follow_while_requests_flow(edge, far):
    before = keys_of(far)
    with Load(edge.front, 4, pause=0.01) as load:
        run(nodes.SELVAGE, 'keys', 'rotate', 'root', '-c', str(edge.config))
        poll(lambda: keys_of(far)['root']['id'] != before['root']['id'], 'the next root signs, and is known far away')
        inside(nodes.SELVAGE, 'keys', 'rotate', 'node', '--admin', '127.0.0.1:%d' % far.admin)
        poll(lambda: keys_of(far)['node']['id'] != before['node']['id'], 'it has a certificate of the new root')
        load.wait(100)
    assert not load.failures and not load.refused and set(load.statuses) == {200}


def test_a_restart_needs_neither_token_nor_authority(edge, far, shared_world):
    (shared_world.folder / 'far-token').unlink()
    before = keys_of(far)['node']['id']
    assert far.stop() == 0
    far.launch()
    poll(lambda: ask(edge.front).status == 200, 'the way is open again')
    poll(lambda: keys_of(far)['node']['id'] == before, 'it has the certificate of before')


@pytest.mark.parametrize('name, told', [
    ('used', 'the join token was used already; each is good for one machine'),
    ('ended', 'the join token ended at '),
    ('forged', 'the server shows another certificate than the one that was pinned'),
    ('no_token', 'it is no join token'),
    ('other_identity', 'the authority takes us for spiffe://cluster.local/ns/default/sa/other, and our settings say '
     'spiffe://cluster.local/ns/default/sa/web'),
])
def test_a_token_that_is_not_good_gives_no_certificate(world, edge, far, name, told):
    text = token(edge, '--identity', 'default/other' if name == 'other_identity' else 'default/web',
                 '--ttl', '1s' if name == 'ended' else '1h')
    if name == 'used':
        first = machine(world, edge, text, 'first')
        first.launch()
        first.wait_log(' is good until ')
        first.stop()
    if name == 'ended':
        poll(lambda: subprocess.run(['sleep', '2'], check=True), 'it has ended')
    if name == 'forged':
        text = text[:20] + ('A' if text[20] != 'A' else 'B') + text[21:]
    if name == 'no_token':
        text = 'anything\n'
    node = machine(world, edge, text, name)
    node.launch()
    node.wait_log(told)
    assert ' is good until ' not in node.log_text()
    node.stop()


def test_what_cannot_be_asked_for_is_a_sentence(edge, far):
    for words, told in ((['--identity', 'web'], "'web' is no NAMESPACE/ACCOUNT"),
                        (['--identity', 'a/../b'], "'a/../b' is no NAMESPACE/ACCOUNT"),
                        (['--ttl', '8d'], "'8d' is no duration from 1s to 168h"),
                        (['--ttl', '169h'], "'169h' is no duration from 1s to 168h")):
        answer = run(nodes.SELVAGE, 'join-token', 'create', '-c', str(edge.config), *words, check=False)
        assert answer.returncode == 65 and told in answer.stderr, answer
    answer = run(nodes.SELVAGE, 'join-token', 'create', '-c', str(far.config), check=False)
    assert answer.returncode == 65 and 'identity.ca.listen says where the authority listens' in answer.stderr
