"""proxy-status and proxy-config: what a running node does, in istioctl's columns."""
import json
import os
import re
import subprocess

import pytest
import yaml

import pki
import resources as r
from kit import free_port, poll
from node import SELVAGE

WEB = 'web.default.svc.cluster.local'


@pytest.fixture(scope='module')
def node(shared_world):
    front, secure, ca = free_port(), free_port(), pki.Authority()
    node = shared_world.prepare()
    node.port, node.secure, node.leaf = front, secure, ca.leaf(dns=['a.example'])
    servers = [{'port': {'number': front, 'name': 'h', 'protocol': 'HTTP'}, 'bind': '127.0.0.1', 'hosts': ['*']},
               {'port': {'number': secure, 'name': 's', 'protocol': 'HTTPS'}, 'bind': '127.0.0.1',
                'hosts': ['a.example'], 'tls': {'mode': 'SIMPLE', 'credentialName': 'web'}}]
    node.write([
        r.gateway(front, servers=servers), r.secret('web', node.leaf), r.service(WEB, [7001, 7002]),
        r.networking('VirtualService', 'web', {'hosts': ['a.example'], 'gateways': ['front'], 'http': [
            {'match': [{'uri': {'prefix': '/api'}}, {'uri': {'exact': '/x'}}], 'route': [{'destination': {'host': WEB}}]},
            {'route': [{'destination': {'host': WEB, 'subset': 'v1'}}]}]}),
        r.networking('DestinationRule', 'web', {'host': WEB, 'subsets': [{'name': 'v1', 'labels': {'version': 'v1'}}]}),
        r.policy('no', 'DENY', [{'to': [{'operation': {'paths': ['/admin*']}}]}])])
    return node.start()


def selvage(*words, cwd=None):
    done = subprocess.run([SELVAGE, *words], capture_output=True, text=True, timeout=20, check=False, cwd=cwd,
                          env={key: value for key, value in os.environ.items() if key != 'SELVAGE_CONFIG'})
    return done.returncode, done.stdout, done.stderr


def shown(node, *words):
    """The table: its titles, and the rows as dicts."""
    code, out, err = selvage('proxy-config', *words, str(node.config))
    assert code == 0, err
    lines = out.splitlines()
    starts = [match.start() for match in re.finditer(r'(?:(?<=   )|^)\S', lines[0])]
    cut = [[line[at:end].strip() for at, end in zip(starts, [*starts[1:], None])] for line in lines]
    return cut[0], [dict(zip(cut[0], row)) for row in cut[1:]]


def test_listeners_have_istioctls_columns(node):
    titles, rows = shown(node, 'listeners')
    assert titles == ['ADDRESSES', 'PORT', 'MATCH', 'DESTINATION']
    assert {'ADDRESSES': '127.0.0.1', 'PORT': str(node.port), 'MATCH': 'ALL',
            'DESTINATION': 'Route: http.%d' % node.port} in rows
    assert [row['MATCH'] for row in rows if row['PORT'] == str(node.secure)] == ['SNI: a.example']
    assert [row['PORT'] for row in shown(node, 'l', '--port', str(node.secure))[1]] == [str(node.secure)]


def test_routes_show_hosts_matches_and_virtual_services(node):
    titles, rows = shown(node, 'routes', '--port', str(node.port))
    assert titles == ['NAME', 'VHOST NAME', 'DOMAINS', 'MATCH', 'VIRTUAL SERVICE']
    assert [(row['NAME'], row['DOMAINS'], row['MATCH'], row['VIRTUAL SERVICE']) for row in rows] == [
        ('http.%d' % node.port, 'a.example', match, 'web') for match in ('/api*', '/x', '/*')]


def test_clusters_and_endpoints_are_filtered_by_service(node):
    titles, rows = shown(node, 'clusters', '--fqdn', WEB)
    assert titles == ['SERVICE FQDN', 'PORT', 'SUBSET', 'DIRECTION', 'TYPE', 'DESTINATION RULE']
    assert sorted(row['SUBSET'] for row in rows) == ['-', 'v1']
    assert {row['DESTINATION RULE'] for row in rows} == {'web.default'}
    assert shown(node, 'c', '--fqdn', 'other.example')[1] == []
    titles, rows = shown(node, 'endpoints', '--cluster', 'outbound|80||' + WEB)
    assert titles == ['NAME', 'STATUS', 'LOCALITY', 'CLUSTER']
    assert [(row['NAME'], row['STATUS']) for row in rows] == [('127.0.0.1:7001', 'HEALTHY'),
                                                              ('127.0.0.1:7002', 'HEALTHY')]
    assert [row['NAME'] for row in shown(node, 'ep', '--port', '7002')[1]] == ['127.0.0.1:7002']


def test_policies_and_secrets_and_never_a_key(node):
    titles, rows = shown(node, 'policies', '-n', 'default', '--port', str(node.port))
    assert titles == ['NAMESPACE', 'POLICY NAME', 'ACTION', 'LISTENER', 'RULES']
    assert [(row['POLICY NAME'], row['ACTION'], row['RULES']) for row in rows] == [('no', 'Deny', '1')]
    titles, rows = shown(node, 'secrets')
    assert titles == ['RESOURCE NAME', 'TYPE', 'STATUS', 'VALID CERT', 'SERIAL NUMBER', 'NOT AFTER', 'NOT BEFORE']
    assert {row['RESOURCE NAME']: row['TYPE'] for row in rows} == {'default': 'Cert Chain', 'ROOTCA': 'CA',
                                                                   'web': 'Cert Chain'}
    assert {row['VALID CERT'] for row in rows} == {'true'}
    for form in 'short', 'json', 'yaml':
        _, out, _ = selvage('proxy-config', 'secrets', '-o', form, '-c', str(node.config))
        assert 'PRIVATE KEY' not in out and node.leaf.key.split('\n')[1] not in out


def test_json_and_yaml_say_the_same(node):
    place = '127.0.0.1:%d' % node.admin
    for section in 'listeners', 'routes', 'clusters', 'endpoints', 'secrets', 'policies':
        said = [selvage('proxy-config', section, place, '-o', form) for form in ('json', 'yaml')]
        assert [code for code, _, _ in said] == [0, 0]
        assert json.loads(said[0][1]) == yaml.safe_load(said[1][1]) != []


def test_proxy_status_names_each_worker_and_its_revision(node):
    code, out, _ = selvage('proxy-status', '-o', 'json', str(node.config))
    rows = json.loads(out)
    assert code == 0 and [row['worker'] for row in rows] == [0, 1]
    page = node.snapshot()
    for row in rows:
        assert (row['name'], row['role'], row['rules'], row['endpoints'], row['keys']) == (
            'edge', 'gateway', 'SYNCED', 'SYNCED', 'SYNCED')
        assert page['revision'].startswith(row['revision']) and row['since'].endswith('Z')
        assert row['pid'] == node.worker_pids()[row['worker']]
    _, table, _ = selvage('proxy-status', str(node.config))
    assert table.split()[:8] == ['NAME', 'ROLE', 'WORKER', 'PID', 'REVISION', 'SINCE', 'RULES', 'ENDPOINTS']
    node.write('a: [', 'wrong.yaml')
    poll(lambda: node.snapshot()['newerHasErrors'], 'the errors are seen')
    code, table, _ = selvage('proxy-status', str(node.config))
    assert code == 79 and 'newer rules have errors' in table
    os.unlink(node.rules / 'wrong.yaml')
    poll(lambda: not node.snapshot()['newerHasErrors'], 'the errors are gone')


WRONG = {
    'a section with a slip': (('listners',), 64, "there is no section 'listners'; is listeners meant?"),
    'another node': (('listeners', 'other'), 64, "are those of node 'edge', not of 'other'"),
    'nobody there': (('listeners', '127.0.0.1:1'), 65, 'nobody answers there; is the node running?'),
    'no section': ((), 64, ''),
}


@pytest.mark.parametrize('name', WRONG)
def test_what_is_wrong_is_said(node, name):
    words, code, sentence = WRONG[name]
    got, out, err = selvage('proxy-config', *words, cwd=node.folder)
    assert got == code and sentence in err and not out
