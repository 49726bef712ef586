"""Fixtures: workloads, a provider, nodes that end with the test."""
import os
import pathlib
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import echo as workloads  # noqa: E402
import node as nodes  # noqa: E402
import provider as providers  # noqa: E402

SAMPLES = pathlib.Path(os.environ.get('SELVAGE_CONFORMANCE') or
                       os.path.join(nodes.FOLDER, '../../../shared/conformance'))


class Started:
    """What a test or module has started; ended in the opposite order."""

    def __init__(self):
        self.things = []

    def keep(self, thing):
        self.things.append(thing)
        return thing

    def end(self):
        failed = []
        for thing in reversed(self.things):
            try:
                getattr(thing, 'stop', None) and thing.stop() or getattr(thing, 'close', lambda: None)()
            except AssertionError as why:
                failed.append(str(why))
        for thing in self.things:
            if isinstance(thing, nodes.Node):
                text = thing.log_text()
                if 'ERROR: AddressSanitizer' in text or 'runtime error:' in text or 'LeakSanitizer' in text:
                    failed.append('%s: a sanitizer spoke:\n%s' % (thing.name, text[-6000:]))
        assert not failed, '\n'.join(failed)


class World:
    """What tests ask for: world.echo(), world.node(...), world.folder"""

    def __init__(self, folder, started):
        self.folder, self.started = folder, started

    def echo(self, name='echo', **options):
        return self.started.keep(workloads.Echo(name, **options))

    def tcp_echo(self):
        return self.started.keep(workloads.TcpEcho())

    def prepare(self, **options):
        """A node with its files, not started."""
        return self.started.keep(nodes.Node(self.folder, **options))

    def node(self, resources=None, **options):
        """A node with these rules, serving."""
        node = self.prepare(**options)
        if resources is not None:
            node.write(resources)
        return node.start()


@pytest.fixture(scope='session', autouse=True)
def binary():
    if not os.access(nodes.SELVAGE, os.X_OK):
        pytest.exit('there is no %s: build first, or set SELVAGE' % nodes.SELVAGE, 2)
    return nodes.SELVAGE


def world_of(folder):
    started = Started()
    yield World(folder, started)
    started.end()


@pytest.fixture
def world(tmp_path):
    yield from world_of(tmp_path)


@pytest.fixture(scope='module')
def shared_world(tmp_path_factory):
    yield from world_of(tmp_path_factory.mktemp('shared'))


@pytest.fixture(scope='module')
def provider():
    if not providers.installed():
        pytest.skip('oidc-provider is not installed: ./dev setup test')
    process = providers.Provider()
    yield process
    process.close()


@pytest.fixture(scope='session')
def samples():
    folder = SAMPLES / 'istio-samples'
    if not folder.is_dir():
        pytest.skip('there are no Istio samples: SELVAGE_CONFORMANCE names the folder that holds istio-samples')
    return folder


def pytest_runtest_makereport(item, call):
    """A failure shows the end of what its nodes said."""
    world = getattr(item, 'funcargs', {}).get('world') or getattr(item, 'funcargs', {}).get('shared_world')
    if call.when == 'call' and call.excinfo and world and call.excinfo.typename != 'Skipped':
        for thing in world.started.things:
            if isinstance(thing, nodes.Node):
                item.add_report_section('call', 'log of ' + thing.name, thing.log_text()[-3000:])
