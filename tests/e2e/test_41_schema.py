"""The editor's schema against an implementation of JSON Schema: what is good passes, what is wrong does not."""
import json
import pathlib
import subprocess

import jsonschema
import pytest
import yaml

from node import SELVAGE

ROOT = pathlib.Path(__file__).resolve().parents[2]


def schema_of(*names):
    out = subprocess.run([SELVAGE, 'explain-kind', '--json-schema', *names], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, check=True).stdout
    schema = json.loads(out)
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


@pytest.fixture(scope='module')
def all_kinds():
    return schema_of()


def resources_of(folder):
    for path in sorted(folder.rglob('*.yaml')):
        for document in yaml.safe_load_all(path.read_text(encoding='utf-8')):
            if document and 'kind' in document:
                yield path.name, document


def wrong(validator, document):
    return ['%s: %s' % (list(e.absolute_path), e.message[:200]) for e in validator.iter_errors(document)]


def test_the_examples_are_good(all_kinds):
    found = {name: wrong(all_kinds, document) for name, document in resources_of(ROOT / 'examples')}
    assert found and not any(found.values()), found


def test_settings_are_good():
    settings = schema_of('settings')
    for path in ROOT.glob('examples/**/*.yaml'):
        document = next(yaml.safe_load_all(path.read_text(encoding='utf-8')))
        if 'rules' in document and 'kind' not in document:
            assert not wrong(settings, document), path


def test_istios_samples_are_good(all_kinds, samples):
    found = [(name, errors) for name, document in resources_of(samples) if (errors := wrong(all_kinds, document))]
    assert not found


def resource(api, kind, spec, **more):
    return {'apiVersion': api, 'kind': kind, 'metadata': {'name': 'x'}, 'spec': spec, **more}


GATEWAY = {'gatewayClassName': 'c', 'listeners': [{'name': 'a', 'port': 80, 'protocol': 'HTTP'}]}
ROUTES = 'gateway.networking.k8s.io/v1'

GOOD = [
    resource('apps/v1', 'Deployment', {'anything': 'goes'}),
    resource(ROUTES, 'Gateway', GATEWAY),
    resource('networking.istio.io/v1', 'Gateway',
             {'servers': [{'hosts': ['*'], 'port': {'number': 80, 'name': 'a', 'protocol': 'http'}}]}),
]

BAD = {
    'no metadata': {'apiVersion': ROUTES, 'kind': 'Gateway', 'spec': GATEWAY},
    'unknown version': resource('networking.istio.io/v9', 'Gateway', {'servers': []}),
    'unknown field': resource(ROUTES, 'Gateway', GATEWAY, spek={}),
    'the other Gateway': resource('networking.istio.io/v1', 'Gateway', GATEWAY),
    'text for a number': resource('v1', 'Service', {'ports': [{'port': 'http'}]}),
    'number for text': resource(ROUTES, 'HTTPRoute', {'hostnames': [1]}),
    'beyond the bounds': resource('v1', 'Service', {'ports': [{'port': 65536}]}),
    'no such choice': resource('security.istio.io/v1', 'PeerAuthentication', {'mtls': {'mode': 'STRICTLY'}}),
    'form': resource(ROUTES, 'HTTPRoute', {'hostnames': ['a_b']}),
    'no duration': resource('networking.istio.io/v1', 'VirtualService', {'hosts': ['a'], 'http': [{'timeout': '5'}]}),
    'missing': resource(ROUTES, 'Gateway', {'gatewayClassName': 'c'}),
    'too many': resource(ROUTES, 'HTTPRoute', {'hostnames': ['a.b'] * 17}),
    'two that exclude each other': resource('networking.istio.io/v1', 'VirtualService', {
        'hosts': ['a'], 'http': [{'match': [{'uri': {'exact': '/', 'prefix': '/'}}]}]}),
}


@pytest.mark.parametrize('document', GOOD, ids=lambda d: d['kind'])
def test_good_passes(all_kinds, document):
    assert wrong(all_kinds, document) == []


@pytest.mark.parametrize('name', BAD)
def test_wrong_is_refused(all_kinds, name):
    assert wrong(all_kinds, BAD[name])


def test_one_kind_alone():
    validator = schema_of('--api-version', ROUTES, 'gateways')
    assert wrong(validator, resource(ROUTES, 'Gateway', GATEWAY)) == []
    assert wrong(validator, resource('networking.istio.io/v1', 'Gateway', {}))
