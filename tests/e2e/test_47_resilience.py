"""Trying again, limits and ejection, in a running node with two workers."""
import os
import signal
import threading

import pytest

import resources as r
from kit import free_port, poll
from test_45_features import WEB, Front, rule, to, virtual

SHUT = 'shut.default.svc.cluster.local'
TIGHT = 'tight.default.svc.cluster.local'
ILL = 'ill.default.svc.cluster.local'
EJECTIONS = 'envoy_cluster_outlier_detection_ejections_enforced_total'


@pytest.fixture(scope='module')
def front(shared_world):
    one, two, held, ill = (shared_world.echo(name) for name in ('one', 'two', 'held', 'ill'))
    front = Front(shared_world, [
        r.service(WEB, [one.port]), r.service(SHUT, [free_port(), two.port]), r.service(TIGHT, [held.port]),
        r.service(ILL, [one.port, ill.port]),
        rule(TIGHT, connectionPool={'http': {'http2MaxRequests': 2}}),
        rule(ILL, loadBalancer={'simple': 'ROUND_ROBIN'},
             outlierDetection={'consecutive5xxErrors': 3, 'baseEjectionTime': '1s', 'maxEjectionPercent': 50}),
        virtual([
            {'match': [{'uri': {'prefix': '/status'}}], 'route': [to(WEB)],
             'retries': {'attempts': 2, 'retryOn': 'gateway-error,501', 'backoff': '1ms'}},
            {'match': [{'uri': {'prefix': '/slow'}}], 'route': [to(WEB)],
             'retries': {'attempts': 1, 'perTryTimeout': '0.2s', 'retryOn': '5xx'}},
            {'match': [{'uri': {'prefix': '/shut'}}], 'route': [to(SHUT)]},
            {'match': [{'uri': {'exact': '/hold'}}], 'route': [to(TIGHT)], 'retries': {'attempts': 0}},
            {'match': [{'uri': {'prefix': '/ill'}}], 'route': [to(ILL)], 'rewrite': {'uri': '/'}},
        ])])
    front.one, front.held, front.ill = one, held, ill
    return front


def test_answers_are_tried_again_as_the_route_says(front):
    for status, times in ((503, 3), (501, 3), (500, 1), (404, 1)):
        before = len(front.one.requests)
        assert front.ask('/status/%d' % status).status == status
        tries = front.one.requests[before:]
        assert [request.one('x-envoy-attempt-count') for request in tries] == [str(i + 1) for i in range(times)]
        record = front.node.record(path='/status/%d' % status)
        assert record['response_flags'] == ('URX' if times > 1 else '-')
        assert record['upstream_request_attempt_count'] == times
    poll(lambda: front.node.metric('envoy_cluster_upstream_rq_retry', cluster_name='outbound|80||' + WEB) == 4,
         'retries are counted')


def test_tries_have_their_time(front):
    assert front.ask('/slow/2000').status == 504
    record = front.node.record(path='/slow/2000')
    assert record['response_flags'] == 'UT,URX' and record['response_code_details'] == 'upstream_per_try_timeout'
    assert 400 <= record['duration'] < 1500


def test_a_dead_endpoint_is_not_noticed(front):
    assert front.names(20, '/shut') == {'two': 20}


def hold(front, count):
    """So many requests at once, each in a thread of its own; answers, or None for those that were cut."""
    answers = []

    def one():
        try:
            answers.append(front.ask('/hold'))
        except (OSError, AssertionError):
            answers.append(None)
    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads, answers


def test_limits_hold_for_all_workers_also_when_they_die(front):
    """The kernel spreads connections over two workers: two requests are under way, whoever has them."""
    for turn in (1, 2):
        held, cut = hold(front, 2)
        poll(lambda n=2 * turn: front.held.waiting == n, 'two are held')
        rest, answers = hold(front, 6)
        for thread in rest:
            thread.join()
        assert [(each.status, each.one('x-envoy-overloaded')) for each in answers] == [(503, 'true')] * 6
        pids = front.node.worker_pids()
        for pid in pids.values():  # whoever dies gives back what it had
            os.kill(pid, signal.SIGKILL)
        for thread in held:
            thread.join()
        assert cut == [None, None]
        poll(lambda old=pids: front.node.is_ready() and not set(front.node.worker_pids().values()) & set(old.values()),
             'the workers are back')
    front.held.release()

    def told():
        return [row for row in front.node.records() if row['path'] == '/hold' and row['response_code'] == 503]
    poll(lambda: len(told()) == 12, 'all records are written')
    rows = told()
    assert {row['response_flags'] for row in rows} == {'UO'}
    assert {row['response_code_details'] for row in rows} == {'upstream_reset_before_response_started{overflow}'}


def test_an_ill_endpoint_is_left_out_by_all_workers_for_a_time(front):
    front.ill.ill = 500
    before = len(front.ill.requests)
    statuses = [front.ask('/ill').status for _ in range(30)]
    assert statuses.count(500) == 3 and len(front.ill.requests) == before + 3
    poll(lambda: front.node.metric(EJECTIONS, cluster_name='outbound|80||' + ILL) == 1, 'it is counted')
    front.ill.ill = 200
    poll(lambda: front.ask('/ill').json()['name'] == 'ill', 'it is asked again')
    poll(lambda: front.node.metric('selvage_endpoints_ejected') == 0, 'nobody is left out')
