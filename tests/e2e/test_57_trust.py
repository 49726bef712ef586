"""Whose certificates count: other trust domains by their own roots alone, and none that was revoked."""
import base64
import http.server
import json
import ssl
import subprocess
import threading

import pytest

import node as nodes
import pki
import resources as r
from http1 import Connection, ask
from kit import PATIENCE, free_port, poll

OWN, PARTNER = 'spiffe://cluster.local/ns/default/sa/client', 'spiffe://partner.example/ns/default/sa/client'


def jwks(*authorities):
    """A SPIFFE bundle (SPIFFE_Trust_Domain_and_Bundle.md 4)."""
    keys = []
    for authority in authorities:
        der = ssl.PEM_cert_to_DER_cert(authority.pem)
        keys.append({'use': 'x509-svid', 'kty': 'EC', 'x5c': [base64.b64encode(der).decode()]})
    return json.dumps({'keys': keys, 'spiffe_refresh_hint': 60})


class BundleEndpoint:
    """An https server that answers with a bundle."""

    def __init__(self, leaf, folder):
        self.text, self.fetches = '', 0
        endpoint = self

        class Pages(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                endpoint.fetches += 1
                body = endpoint.text.encode()
                self.send_response(200)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*leaf.write(folder, 'endpoint-%d' % id(self)))
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Pages)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope='module')
def domains():
    return {'own': pki.Authority('own'), 'partner': pki.Authority('partner'), 'web': pki.Authority('web')}


@pytest.fixture(scope='module')
def side(shared_world, domains):
    """A sidecar that wants certificates."""
    folder = domains['own'].cacerts(shared_world.folder / 'cacerts')
    (shared_world.folder / 'web.pem').write_text(domains['web'].pem)
    echo, port = shared_world.echo(), free_port()
    node = shared_world.prepare(name='side', role='sidecar', account='web', labels={'app': 'web'},
                                identity={'cacerts': {'directory': str(folder)}},
                                extraRootCAs=str(shared_world.folder / 'web.pem'))
    node.base = [r.sidecar(port, echo.port), r.mutual_tls('STRICT')]
    node.write(node.base)
    node.start()
    node.port, node.echo, node.first = port, echo, node.snapshot()['revision']
    return node


def back(side):
    """To the rules of the beginning, whatever the test before left."""
    side.write(side.base)
    poll(lambda: side.snapshot()['revision'] == side.first and not side.snapshot()['newerHasErrors'], 'the first rules')


def shows(domains, root, uri, folder, **options):
    """The client trusts the node's root, and shows a leaf of `root`."""
    leaf = domains[root].leaf(uri=uri, **options)
    context = pki.client_context(domains['own'], leaf, folder, check_name=False)
    context.leaf = leaf
    return context


def works(side, context):
    try:
        return ask(side.port, '/', tls=context).status == 200
    except OSError:
        return False


def bundle(**spec):
    return r.own('TrustBundle', 'partner', {'trustDomain': 'partner.example', **spec})


def matrix(side, domains, folder):
    return [works(side, shows(domains, root, uri, folder))
            for root, uri in (('own', OWN), ('partner', PARTNER), ('partner', OWN), ('own', PARTNER))]


def test_a_partner_is_let_in_by_its_own_roots_alone(side, domains, tmp_path):
    assert matrix(side, domains, tmp_path) == [True, False, False, False]
    for text in (domains['partner'].pem, jwks(domains['partner'])):
        side.apply(side.base + [bundle(bundle=text)])
        assert matrix(side, domains, tmp_path) == [True, True, False, False]
        poll(lambda: any(row.get('source_principal') == PARTNER and row.get('mutual_tls') for row in side.records()),
             'a record names the partner')
        back(side)
        poll(lambda: matrix(side, domains, tmp_path) == [True, False, False, False], 'the partner is out again')


def test_a_connection_of_a_partner_ends_with_the_bundle(side, domains, tmp_path):
    side.apply(side.base + [bundle(bundle=domains['partner'].pem)])
    with Connection(side.port, tls=shows(domains, 'partner', PARTNER, tmp_path)) as connection:
        assert connection.ask('/').status == 200
        side.write(side.base)
        assert connection.ended()
    with Connection(side.port, tls=shows(domains, 'own', OWN, tmp_path)) as connection:
        assert connection.ask('/').status == 200


@pytest.mark.parametrize('profile', ['https_web', 'https_spiffe'])
def test_a_bundle_is_read_from_its_endpoint(side, domains, tmp_path, world, profile):
    spire = 'spiffe://partner.example/spire/server'
    leaf = domains['web'].leaf(dns=['localhost']) if profile == 'https_web' else domains['partner'].leaf(uri=spire)
    endpoint = world.started.keep(BundleEndpoint(leaf, tmp_path))
    endpoint.text = jwks(domains['partner'])
    spec = {'url': 'https://localhost:%d/bundle' % endpoint.port, 'profile': profile}
    more = {'bundle': domains['partner'].pem} if profile == 'https_spiffe' else {}
    if profile == 'https_spiffe':
        spec['spiffeId'] = spire
    side.apply(side.base + [bundle(endpoint=spec, **more)])
    poll(lambda: endpoint.fetches, 'the endpoint is asked')
    poll(lambda: matrix(side, domains, tmp_path) == [True, True, False, False], 'the partner is let in')
    back(side)


@pytest.mark.parametrize('who', ['web', 'other_id'])
def test_https_spiffe_takes_no_other_server(side, domains, tmp_path, world, who):
    """A certificate of the web, and one of the domain with another id."""
    leaf = domains['web'].leaf(dns=['localhost']) if who == 'web' else \
        domains['partner'].leaf(uri='spiffe://partner.example/other')
    endpoint = world.started.keep(BundleEndpoint(leaf, tmp_path))
    endpoint.text = jwks(domains['web'])
    side.apply(side.base + [bundle(bundle=domains['partner'].pem, endpoint={
        'url': 'https://localhost:%d/%s' % (endpoint.port, who), 'profile': 'https_spiffe',
        'spiffeId': 'spiffe://partner.example/spire/server'})])
    poll(lambda: any(each['issuer'] == 'partner.example' and each.get('problem')
                     for each in side.snapshot()['keySets']), 'the attempt has failed')
    assert endpoint.fetches == 0
    back(side)


# ---- revocation

def serial(leaf):
    return '%x' % leaf.certificate.serial_number


def revoked(*serials):
    return r.own('Revocation', 'lost', {'serials': list(serials), 'reason': 'stolen'})


def test_a_revoked_certificate_is_refused_and_its_connections_end(side, domains, tmp_path):
    back(side)
    lost, kept = (shows(domains, 'own', OWN, tmp_path) for _ in range(2))
    with Connection(side.port, tls=lost) as one, Connection(side.port, tls=kept) as other:
        assert one.ask('/').status == 200 and other.ask('/').status == 200
        side.write(side.base + [revoked(serial(lost.leaf).upper())])
        assert one.ended()
        assert other.ask('/').status == 200, 'nobody else is touched'
    poll(lambda: not any(works(side, lost) for _ in range(4)), 'no worker lets it in')
    assert works(side, kept)
    listed = subprocess.run([nodes.SELVAGE, 'keys', 'list', '-c', str(side.config)], capture_output=True, text=True,
                            timeout=PATIENCE, check=True).stdout
    assert any(line.split()[:2] == ['revoked', 'refused'] and serial(lost.leaf) in line and 'stolen' in line
               for line in listed.splitlines()), listed
    back(side)
    poll(lambda: works(side, lost), 'it is let in again')


def test_a_request_under_way_ends_with_its_certificate(side, domains, tmp_path):
    back(side)
    lost = shows(domains, 'own', OWN, tmp_path)
    with Connection(side.port, tls=lost) as connection:
        connection.send(b'GET /hold HTTP/1.1\r\nHost: web.example\r\n\r\n')
        poll(lambda: side.echo.waiting == 1, 'the workload works on it')
        side.write(side.base + [revoked(serial(lost.leaf))])
        assert connection.ended()
    side.echo.release()
    back(side)


def test_what_is_no_serial_leaves_the_last_good_rules_in_force(side, domains, tmp_path):
    side.write(side.base + [revoked('not a serial')])
    poll(lambda: side.snapshot()['newerHasErrors'], 'it is refused')
    assert any(each['message'].startswith("'not a serial' is no serial number such as 4a2f03")
               for each in side.snapshot()['findings'])
    assert works(side, shows(domains, 'own', OWN, tmp_path))
    back(side)


def test_an_upstream_whose_certificate_is_revoked_is_asked_no_more(world):
    echo, port, front = world.echo(), free_port(), free_port()
    host = 'web.default.svc.cluster.local'
    side = world.prepare(name='side', role='sidecar', account='web', labels={'app': 'web'})
    base = [r.sidecar(port, echo.port), r.mutual_tls('STRICT'), r.gateway(front), r.route(host),
            r.service(host, [port], mesh=True, account='web')]
    side.write(base)
    side.start()
    gate = world.node(name='gate', account='gate')
    poll(lambda: ask(front).status == 200, 'the way is open')
    theirs = [row for row in side.page('/keys')['keys'] if row['purpose'] == 'node'][0]['id']
    gate.apply(base + [revoked(theirs)])
    assert ask(front).status == 503
    assert 'UF' in gate.record(response_code=503)['response_flags'].split(',')
    side.post('/keys/rotate?purpose=node')  # the way out for its owner: another certificate
    poll(lambda: ask(front).status == 200, 'its next certificate is good')
