"""Rules change under load; what is wrong never replaces what is right."""
import os
import signal

import pytest

import resources as r
from http1 import ask
from kit import SANITIZED, free_port, poll, scaled
from load import Load

WEB = 'web.default.svc.cluster.local'


@pytest.fixture
def front(world):
    echo, port = world.echo(), free_port()
    node = world.prepare()
    node.port, node.echo = port, echo
    node.base = [r.gateway(port), r.service(WEB, [echo.port])]
    node.write([*node.base, routed(0)])
    node.start()
    return node


def routed(number):
    return r.route(WEB, headers={'response': {'set': {'x-revision': str(number)}}})


def test_a_change_is_live_in_every_worker_at_once_and_loses_no_request(front):
    seen, slow = [], []
    with Load(front.port, 32, choose=lambda _: ((), lambda answer: seen.append(answer.one('x-revision')))) as load:
        load.wait(scaled(200))
        for number in range(1, 11):
            slow.append(front.apply([*front.base, routed(number)]))
            for _ in range(8):  # new connections land on every worker
                assert ask(front.port).one('x-revision') == str(number)
            load.wait(scaled(100))
    assert not load.failures and not load.refused and set(load.statuses) == {200}
    assert set(seen) <= {str(number) for number in range(11)} and '10' in seen
    assert min(slow) < (4 if SANITIZED else 1), slow


def test_the_revision_depends_on_what_is_said_not_on_where(front):
    first = front.snapshot()['revision']
    front.apply([*front.base, routed(5)])
    second = front.snapshot()['revision']
    assert first != second
    before = front.snapshot()
    front.write([*front.base, routed(0)], 'rules.yaml')
    poll(lambda: front.applied(before), 'the old rules are back')
    assert front.snapshot()['revision'] == first
    text = (front.rules / 'rules.yaml').read_text()
    (front.rules / 'moved.yaml').write_text('# a comment\n' + text)
    os.unlink(front.rules / 'rules.yaml')
    poll(lambda: front.snapshot()['resources'][0]['file'].endswith('moved.yaml'), 'the move is seen')
    assert front.snapshot()['revision'] == first


WRONG = {
    'no_yaml': ('a: [', None),
    'unknown_value': (r.security('AuthorizationPolicy', 'p', {'action': 'PERHAPS'}), 'PERHAPS'),
    'unknown_security_field': (r.security('AuthorizationPolicy', 'p', {'action': 'DENY', 'rule': []}), 'rule'),
    'bad_regex': (r.networking('VirtualService', 'v', {'hosts': ['*'], 'gateways': ['front'], 'http': [
        {'match': [{'uri': {'regex': '('}}], 'route': [{'destination': {'host': 'web'}}]}]}), None),
    'twice': (r.gateway(1, name='front'), 'front'),
}


@pytest.mark.parametrize('name', WRONG)
def test_invalid_rules_never_replace_valid_ones_and_are_told_everywhere(front, name):
    what, word = WRONG[name]
    before = front.snapshot()
    rejected = front.metric('selvage_rules_rejections_total')
    front.write(what if isinstance(what, str) else [what], 'wrong.yaml')
    poll(lambda: front.snapshot()['newerHasErrors'], 'the errors are seen')
    now = front.snapshot()
    assert now['revision'] == before['revision'] and now['problem']
    errors = [each for each in now['findings'] if each['level'] == 'Error']
    assert errors and all(each['file'].endswith(('wrong.yaml', 'rules.yaml')) for each in errors)
    if word:
        assert word in errors[0]['message'] + errors[0].get('path', '')
    front.wait_log(errors[0]['message'])
    assert ' error ' in [line for line in front.log_text().split('\n') if errors[0]['message'] in line][0]
    poll(lambda: front.metric('selvage_rules_rejected') == 1, 'the metric tells')
    assert front.metric('selvage_rules_rejections_total') > rejected
    assert front.metric('selvage_findings', level='error') >= 1
    assert ask(front.port).one('x-revision') == '0'
    os.unlink(front.rules / 'wrong.yaml')
    poll(lambda: not front.snapshot()['newerHasErrors'], 'the errors are gone')
    assert ask(front.port).status == 200


def test_an_error_says_file_line_and_column(front):
    front.write('apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec:\n  servers:\n'
                '  - port: {number: 99999, name: a, protocol: HTTP}\n    hosts: ["*"]\n', 'place.yaml')
    poll(lambda: front.snapshot()['newerHasErrors'], 'the error is seen')
    found = [each for each in front.snapshot()['findings'] if each['level'] == 'Error']
    assert [(each['line'], each['column']) for each in found] == [(6, 20)], found
    front.wait_log('place.yaml:6:20: spec.servers[0].port.number: ')


def test_unknown_kinds_and_fields_are_warnings(front):
    extra = [{'apiVersion': 'apps/v1', 'kind': 'Deployment', 'metadata': {'name': 'd'}, 'spec': {}},
             {'apiVersion': 'networking.istio.io/v1', 'kind': 'Gatewayy', 'metadata': {'name': 'g'}, 'spec': {}},
             r.networking('DestinationRule', 'd', {'host': WEB, 'trafficPolicee': {}})]
    front.apply(extra, 'extra.yaml')
    warnings = {each['message'] for each in front.snapshot()['findings'] if each['level'] != 'Error'}
    assert any('Gatewayy' in each or 'Gateway' in each for each in warnings), warnings
    assert any('trafficPolicee' in str(each) for each in front.snapshot()['findings'])
    poll(lambda: front.metric('selvage_findings', level='warning') >= 1, 'they are counted')
    assert ask(front.port).status == 200


def test_a_restart_with_invalid_rules_serves_the_last_good_ones(front):
    front.write('a: [', 'wrong.yaml')
    poll(lambda: front.snapshot()['newerHasErrors'], 'the errors are seen')
    assert front.stop() == 0
    front.start()
    now = front.snapshot()
    assert now['fromLastGood'] and now['newerHasErrors']
    assert ask(front.port).one('x-revision') == '0'


def test_with_no_valid_rules_at_all_the_workload_denies(world):
    """A first start with an invalid policy: nothing may pass, and whoever asks is told 403."""
    echo, port = world.echo(), free_port()
    node = world.prepare()
    node.write([r.gateway(port), r.route(WEB), r.service(WEB, [echo.port]),
                r.policy('broken', 'PERHAPS', [])])
    node.launch()
    poll(lambda: node.snapshot()['refusesEverything'], 'it refuses everything')
    assert ask(node.status, '/healthz/ready', host='127.0.0.1').status == 503
    assert node.metric('selvage_rules_deny_all') == 1
    answer = poll(lambda: ask(port), 'the gateway answers')
    assert answer.status == 403
    assert echo.requests == []
    node.write([r.gateway(port), r.route(WEB), r.service(WEB, [echo.port])])
    poll(lambda: ask(port).status == 200, 'the repaired rules serve')


def test_a_long_tunnel_survives_a_change_and_ends_when_policy_denies_it(front):
    import http1
    with http1.Connection(front.port) as tunnel:
        tunnel.send(http1.head_text('GET', '/ws', 'web.example', {'Connection': 'Upgrade', 'Upgrade': 'websocket'}))
        assert tunnel.answer().status == 101
        for number in range(1, 4):
            front.apply([*front.base, routed(number)])
            tunnel.send(b'x%d' % number)
            assert tunnel.exactly(2) == b'x%d' % number
        for number in range(4, 12):
            front.apply([*front.base, routed(number),
                         r.policy('no-ws', 'DENY', [{'to': [{'operation': {'paths': ['/ws']}}]}])])
        assert tunnel.ended()


def test_a_revoked_right_ends_a_tunnel_and_the_next_request_at_once(front):
    """One change is enough; what is under way and has an end of its own goes on."""
    import http1
    with http1.Connection(front.port) as tunnel, http1.Connection(front.port) as kept, \
            http1.Connection(front.port) as other:
        tunnel.send(http1.head_text('GET', '/ws', 'web.example', {'Connection': 'Upgrade', 'Upgrade': 'websocket'}))
        assert tunnel.answer().status == 101
        assert kept.ask('/kept', host='web.example').status == 200
        assert other.ask('/other', host='web.example').status == 200
        front.apply([*front.base, routed(1),
                     r.policy('no', 'DENY', [{'to': [{'operation': {'paths': ['/ws', '/kept']}}]}])])
        assert tunnel.ended()
        assert kept.ask('/kept', host='web.example').status == 403
        assert other.ask('/other', host='web.example').status == 200


def test_sighup_reads_again(front):
    before = front.log_text()
    front.process.send_signal(signal.SIGHUP)
    poll(lambda: len(front.log_text()) > len(before), 'the signal is logged')
    front.apply([*front.base, routed(7)])
    assert ask(front.port).one('x-revision') == '7'
