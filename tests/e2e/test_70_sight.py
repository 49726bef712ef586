"""What can be seen of a request: ids, records, metrics, `selvage trace`."""
import json
import re
import subprocess

import pytest

import node as nodes
import resources as r
from http1 import Connection, ask, head_text
from kit import PATIENCE, free_port, poll

WEB = 'web.default.svc.cluster.local'
TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
PARENT = '00-%s-00f067aa0ba902b7-01' % TRACE
UUID = re.compile(r'^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$')


@pytest.fixture(scope='module')
def mesh(shared_world):
    """An edge, a gateway behind it, a sidecar: three hops that share one set of rules."""
    echo = shared_world.echo()
    front, inner, side = free_port(), free_port(), free_port()
    middle = r.gateway(inner, name='middle', namespace='middle')
    middle['spec']['selector'] = {'app': 'middle'}
    middle['spec']['servers'][0]['port']['protocol'] = 'HTTPS'
    middle['spec']['servers'][0]['tls'] = {'mode': 'ISTIO_MUTUAL'}
    edge = shared_world.prepare(role='edge', namespace='edge', labels={'istio': 'ingressgateway', 'app': 'edge',
                                                                      'version': 'v7'})
    edge.write([
        r.gateway(front, namespace='edge'), r.route('middle.middle.svc.cluster.local', namespace='edge'),
        r.service('middle.middle.svc.cluster.local', [inner], namespace='middle', mesh=True, account='middle'),
        middle, r.route(WEB, name='inner', gateways=['middle'], namespace='middle'),
        r.service(WEB, [(side, {'app': 'web', 'version': 'v1'})], mesh=True, account='web'),
        r.sidecar(side, echo.port), r.mutual_tls('STRICT'),
        r.policy('no', 'DENY', [{'to': [{'operation': {'paths': ['/denied*']}}]}], app='web')])
    edge.start()
    edge.middle = shared_world.node(name='middle', namespace='middle', labels={'app': 'middle'})
    edge.side = shared_world.node(name='side', role='sidecar', account='web', labels={'app': 'web', 'version': 'v1'})
    edge.port, edge.echo, edge.side_port = front, echo, side
    poll(lambda: ask(front).status == 200, 'the way is open')
    return edge


def test_a_trace_is_continued_through_all_hops(mesh):
    answer = ask(mesh.port, '/continued', fields={'traceparent': PARENT, 'tracestate': 'vendor=1'})
    hops = [node.record(path='/continued') for node in (mesh, mesh.middle, mesh.side)]
    assert {hop['trace_id'] for hop in hops} == {TRACE}
    assert hops[0]['parent_span_id'] == '00f067aa0ba902b7'
    assert hops[1]['parent_span_id'] == hops[0]['span_id'] and hops[2]['parent_span_id'] == hops[1]['span_id']
    seen = mesh.echo.last()
    assert seen.one('traceparent') == '00-%s-%s-01' % (TRACE, hops[2]['span_id'])
    assert seen.one('tracestate') == 'vendor=1'
    assert answer.one('traceparent').split('-')[1] == TRACE


def test_a_trace_is_begun_where_there_is_none(mesh):
    answer = ask(mesh.port, '/begun')
    record = mesh.side.record(path='/begun')
    assert re.fullmatch('[0-9a-f]{32}', record['trace_id']) and record['trace_id'] != '0' * 32
    assert answer.one('traceparent').split('-')[1] == record['trace_id']


@pytest.mark.parametrize('broken', ['00-%s-00f067aa0ba902b7' % TRACE, '00-%s-0000000000000000-01' % TRACE,
                                    '00-%s-00f067aa0ba902b7-01' % ('0' * 32), 'ff-%s-00f067aa0ba902b7-01' % TRACE,
                                    'nonsense', '00-%s-00F067AA0BA902B7-01' % TRACE])
def test_a_broken_traceparent_begins_a_new_trace(mesh, broken):
    answer = ask(mesh.port, '/broken', fields={'traceparent': broken})
    assert answer.one('traceparent').split('-')[1] not in (TRACE, '0' * 32)


def test_a_request_id_of_a_stranger_is_replaced_and_of_the_mesh_kept(mesh):
    answer = ask(mesh.port, '/ids', fields={'X-Request-Id': 'mine'})
    given = answer.one('x-request-id')
    assert UUID.match(given)
    assert {node.record(path='/ids')['request_id'] for node in (mesh, mesh.middle, mesh.side)} == {given}
    assert mesh.echo.last().one('x-request-id') == given


def test_a_request_id_of_a_trusted_proxy_is_kept(shared_world, mesh):
    port = free_port()
    node = shared_world.node([r.gateway(port), r.route('p.default.svc.cluster.local'),
                              r.service('p.default.svc.cluster.local', [mesh.echo.port])],
                             name='trusting', rules=shared_world.folder / 'trusting-rules',
                             frontProxies={'addresses': ['127.0.0.0/8']})
    assert ask(port, '/kept', fields={'X-Request-Id': 'from-the-proxy'}).one('x-request-id') == 'from-the-proxy'
    for bad in ('a b', 'x' * 200, 'quote"d'):
        assert UUID.match(ask(port, fields={'X-Request-Id': bad}).one('x-request-id'))
    assert node.record(path='/kept')['request_id'] == 'from-the-proxy'


@pytest.mark.parametrize('path, status', [('/denied', 403), ('/nowhere', 404)])
def test_errors_carry_both_ids_as_text_and_as_json(shared_world, mesh, path, status):
    port = mesh.port
    if status == 404:
        port = free_port()
        shared_world.node([r.gateway(port)], name='empty', rules=shared_world.folder / 'empty-rules')
    for accept in ('*/*', 'application/json', 'text/html, application/json'):
        answer = ask(port, path, fields={'Accept': accept})
        assert answer.status == status
        assert UUID.match(answer.one('x-request-id')) and answer.one('traceparent')
        if 'json' in accept:
            assert answer.one('content-type') == 'application/json'
            told = answer.json()
            assert told['status'] == status and told['message']
            assert told['request_id'] == answer.one('x-request-id')
            # the workload's node may have answered: its span, the same trace
            assert told['traceparent'].split('-')[1] == answer.one('traceparent').split('-')[1]
        elif status == 404:
            assert answer.one('x-request-id') in answer.text()


def test_a_record_has_istios_fields(mesh):
    with Connection(mesh.port) as connection:
        mine = connection.sock.getsockname()[1]
        connection.ask('/record?q=1', 'POST', fields={'User-Agent': 'tester/1'}, body=b'12345')
    edge, side = mesh.record(path='/record?q=1'), mesh.side.record(path='/record?q=1')
    want = {'method': 'POST', 'protocol': 'HTTP/1.1', 'response_code': 200, 'response_flags': '-', 'role': 'edge',
            'direction': 'gateway', 'request_protocol': 'http', 'bytes_received': 5, 'authority': 'web.example',
            'user_agent': 'tester/1', 'node': 'edge', 'response_code_details': 'via_upstream',
            'downstream_remote_address': '127.0.0.1:%d' % mine,
            'downstream_local_address': '127.0.0.1:%d' % mesh.port, 'route_name': 'web',
            'upstream_cluster': 'outbound|80||middle.middle.svc.cluster.local', 'upstream_mutual_tls': 1,
            'destination_principal': 'spiffe://cluster.local/ns/middle/sa/middle',
            'destination_service': 'middle.middle.svc.cluster.local', 'mutual_tls': 0}
    assert {key: edge.get(key) for key in want} == want
    want = {'direction': 'inbound', 'role': 'sidecar', 'mutual_tls': 1, 'decision': 'allow',
            'source_principal': 'spiffe://cluster.local/ns/middle/sa/middle', 'upstream_cluster': 'inbound|%d||' %
            mesh.side_port, 'upstream_host': '127.0.0.1:%d' % mesh.echo.port,
            'requested_server_name': 'outbound_.80_._.' + WEB}
    assert {key: side.get(key) for key in want} == want
    assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z', edge['start_time'])
    assert edge['duration'] >= edge['upstream_service_time'] > 0 and edge['bytes_sent'] > 100
    assert edge['revision'] == mesh.snapshot()['revision'][:12] == side['revision']


def test_a_record_is_one_line_whatever_is_in_it(mesh):
    path = '/quote%0a%22'
    ask(mesh.port, path, fields={'User-Agent': 'a"b\\c\t{"x":1}'})
    found = poll(lambda: [each for each in mesh.records() if each.get('user_agent', '').startswith('a"b')], 'it')
    assert found[0]['user_agent'] == 'a"b\\c\t{"x":1}'


def test_requests_are_counted_by_istios_labels_at_both_ends(mesh):
    code = {'response_code': '418'}
    before = mesh.side.metric('istio_requests_total', **code)
    assert ask(mesh.port, '/status/418').status == 418
    poll(lambda: mesh.side.metric('istio_requests_total', **code) == before + 1, 'the sidecar has counted')
    labels = {'reporter': 'destination', 'response_code': '418', 'request_protocol': 'http',
              'connection_security_policy': 'mutual_tls', 'destination_workload': 'web', 'destination_app': 'web',
              'destination_workload_namespace': 'default', 'destination_version': 'v1',
              'source_principal': 'spiffe://cluster.local/ns/middle/sa/middle',
              'source_workload_namespace': 'middle', 'response_flags': '-'}
    assert mesh.side.metric('istio_requests_total', **labels) == before + 1
    poll(lambda: mesh.metric('istio_requests_total', reporter='source', response_code='418', source_app='edge',
                             source_version='v7', destination_service_name='middle',
                             destination_service='middle.middle.svc.cluster.local',
                             destination_service_namespace='middle') == 1, 'the edge has counted')
    for name in ('istio_request_duration_milliseconds', 'istio_request_bytes', 'istio_response_bytes'):
        assert mesh.side.metric(name + '_count', **labels) == before + 1
        assert mesh.side.metric(name + '_bucket', le='+Inf', **labels) == before + 1


def test_no_record_is_lost_and_metrics_agree_with_the_log(mesh):
    for number in range(50):
        ask(mesh.port, '/count/%d' % number)
    poll(lambda: len([each for each in mesh.records() if each.get('path', '').startswith('/count/')]) == 50, 'all records')
    assert mesh.metric('selvage_records_dropped_total') == 0
    assert mesh.metric('selvage_records_malformed_total') == 0
    assert mesh.metric('istio_requests_total') == len(mesh.records())


def trace(identifier, *arguments):
    return subprocess.run([nodes.SELVAGE, 'trace', *arguments, identifier], stdin=subprocess.DEVNULL, timeout=PATIENCE,
                          capture_output=True, text=True, check=False)


def test_selvage_trace_shows_every_hop_in_order(mesh):
    given = ask(mesh.port, '/traced').one('x-request-id')
    all_nodes = (mesh, mesh.middle, mesh.side)
    rows = [node.record(path='/traced') for node in all_nodes]
    logs = [word for node in all_nodes for word in ('--log', str(node.records_file))]
    for identifier in (given, rows[0]['trace_id']):
        done = trace(identifier, *logs, '-o', 'json')
        assert done.returncode == 0, done.stderr
        assert [hop['node'] for hop in json.loads(done.stdout)] == ['edge', 'middle', 'side']
    text = trace(given, *logs)
    assert text.returncode == 0
    places = [text.stdout.index(name) for name in ('edge', 'middle', 'side')]
    assert places == sorted(places)


def test_selvage_trace_says_so_when_there_is_nothing(mesh):
    done = trace('no-such-id', '--log', str(mesh.records_file))
    assert done.returncode == 1 and 'no-such-id' in done.stderr and done.stdout == ''


def test_a_log_that_was_moved_away_is_made_anew(mesh):
    mesh.records_file.rename(mesh.records_file.with_suffix('.1'))
    mesh.process.send_signal(1)

    def anew():
        ask(mesh.port, '/rotated')
        return [each for each in mesh.records() if each.get('path') == '/rotated']
    poll(anew, 'the new file is written', every=0.2)


def test_a_client_that_sends_half_a_head_is_recorded_once(mesh):
    with Connection(mesh.port) as connection:
        mine = connection.sock.getsockname()[1]
        connection.send(head_text('GET', '/half', 'web.example')[:-4])
    record = mesh.record(downstream_remote_address='127.0.0.1:%d' % mine)
    assert record['response_flags'] != '-'


