"""curl, nghttp and h2load through a gateway, a mesh hop and a sidecar."""
import re
import subprocess

import pytest

from kit import poll, scaled
from way import HOST, NAMESPACE, Way

PATIENCE = 30
LARGE = bytes(range(256)) * 12000


def run(*words, body=None):
    done = subprocess.run(words, input=body, capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, '%s: exit %d\n%s\n%s' % (words, done.returncode, done.stdout[-2000:].decode('latin-1'),
                                                        done.stderr[-2000:].decode('latin-1'))
    return done.stdout


@pytest.fixture(scope='module')
def way(shared_world):
    echo = shared_world.echo()
    way = Way(shared_world, {'web': (echo.port, 'HTTP')},
              first=[{'route': [{'destination': {'host': 'web' + NAMESPACE}}]}])
    way.echo = echo
    way.root = shared_world.folder / 'root.pem'
    way.root.write_text(way.ca.pem)
    way.large = shared_world.folder / 'large'
    way.large.write_bytes(LARGE)
    return way


@pytest.fixture(scope='module')
def huge(shared_world):
    """The name of a file of holes."""
    path = shared_world.folder / 'huge'
    with open(path, 'wb') as file:
        file.truncate(200 << 20)
    return str(path)


class Curl:
    """One way of asking: curl's options and the version that is to come of them."""

    def __init__(self, way, option, tls, version):
        self.way, self.option, self.version = way, option, version
        self.port = way.tls if tls else way.clear
        self.url = '%s://%s:%d' % ('https' if tls else 'http', HOST, self.port)

    def words(self, path, *more):
        return ['curl', '-sS', '--noproxy', '*', '-m', str(PATIENCE), '--cacert', str(self.way.root), '--resolve',
                '%s:%d:127.0.0.1' % (HOST, self.port), self.option, *more, self.url + path]

    def ask(self, path, *more, body=None):
        return run(*self.words(path, *more), body=body)


@pytest.fixture(params=[('--http1.1', True, '1.1'), ('--http2', True, '2'), ('--http1.1', False, '1.1'),
                        ('--http2', False, '1.1'), ('--http2-prior-knowledge', False, '2')],
                ids=lambda row: '%s-%s' % (row[0].strip('-'), 'tls' if row[1] else 'clear'))
def curl(way, request):
    """In clear text an offer of h2c (--http2) is passed over, as RFC 9113 3.1 has it."""
    return Curl(way, *request.param)


def test_the_version_is_the_one_that_was_asked_for(way, curl):
    assert curl.ask('/status/418', '-o', '/dev/null', '-w', '%{http_version} %{http_code}').decode() == \
        curl.version + ' 418'
    assert way.echo.last().one('upgrade') is None


def test_bodies_arrive_unchanged(way, curl):
    assert curl.ask('/bytes/%d' % len(LARGE)) == (bytes(range(256)) * 12000)
    assert len(curl.ask('/chunked/%d' % len(LARGE))) == len(LARGE)
    for body in ('@%s' % way.large, '@-'):
        curl.ask('/upload', '--data-binary', body, body=LARGE)
        assert (way.echo.last().size, way.echo.last().body) == (len(LARGE), LARGE[:len(way.echo.last().body)])
    curl.ask('/unsized', '-T', '-', body=LARGE)  # no length is known before it ends
    assert (way.echo.last().method, way.echo.last().size) == ('PUT', len(LARGE))


def test_a_head_request_has_a_length_and_no_body(way, curl):
    answer = curl.ask('/head', '-I', '-w', '%{size_download}').decode().lower()
    assert way.echo.last().method == 'HEAD'
    assert re.search('\r\ncontent-length: [1-9]', answer) and answer.endswith('\r\n\r\n0'), answer


def test_several_requests_share_a_connection(curl):
    if curl.option == '--http2-prior-knowledge':
        pytest.skip('curl 7.88 breaks such a connection itself when it asks again, before any server')
    words = curl.words('/one', '-o', '/dev/null', '-o', '/dev/null', '-o', '/dev/null', '-w', '%{num_connects} ')
    assert run(*words, curl.url + '/two', curl.url + '/bytes/0').decode() == '1 0 0 '


def test_trailers_of_an_answer_arrive(curl):
    answer = curl.ask('/chunked/10', '-D', '-', '-o', '/dev/null').decode().lower()
    assert answer.rstrip().endswith('x-trailer: end'), answer


def test_a_body_waits_for_100_continue(way, curl):
    head = curl.ask('/expect', '-H', 'Expect: 100-continue', '--expect100-timeout', '20', '-T', str(way.large),
                    '-D', '-', '-o', '/dev/null', '-w', '%{time_total}').decode()
    assert way.echo.last().size == len(LARGE)
    assert float(head.split()[-1]) < 15, head  # it did not send because it had waited for long enough
    if curl.version == '1.1':
        assert head.startswith('HTTP/1.1 100 '), head


def test_an_early_answer_comes_before_the_body_has_gone(way, huge):
    """Over HTTP/1.1; what curl 7.88 makes of one over HTTP/2 is a failure, before any server."""
    curl = Curl(way, '--http1.1', True, '1.1')
    status, sent = curl.ask('/early', '-T', huge, '-o', '/dev/null', '-w', '%{http_code} %{size_upload}').split()
    assert status == b'413' and int(sent) < 100 << 20


def test_events_come_when_they_are_said(way, curl):
    with subprocess.Popen(curl.words('/events/5', '-N'), stdout=subprocess.PIPE) as process:
        for i in range(5):
            way.echo.go.release()  # only now may the next be said
            assert process.stdout.readline() == b'data: event %d\n' % i
            assert process.stdout.readline() == b'\n'
        assert process.stdout.read() == b''
    assert process.returncode == 0


# ---- nghttp2's own clients: TLS, and in clear text with prior knowledge

@pytest.fixture(params=['tls', 'clear'])
def url(way, request):
    return 'https://localhost:%d' % way.tls if request.param == 'tls' else 'http://localhost:%d' % way.clear


def test_streams_of_one_connection_are_answered_side_by_side(way, url):
    waiting = way.echo.waiting  # of tests before
    way.echo.released.clear()
    process = subprocess.Popen(['nghttp', '-n', '-s', '-m', '20', url + '/hold'], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    poll(lambda: process.poll() is not None or way.echo.waiting == waiting + 20, 'all of them are at the workload')
    way.echo.release()
    text = process.communicate(timeout=PATIENCE)[0].decode()
    assert process.returncode == 0 and len(re.findall(r' 200 +\d+ /hold', text)) == 20, text


def test_trailers_and_100_continue_of_a_request(way, url):
    text = run('nghttp', '-v', '--expect-continue', '-H', ':method: POST', '-d', str(way.large),
               '--no-content-length', '--trailer', 'x-sent: yes', url + '/sent').decode('latin-1')
    assert text.index(':status: 100') < text.index('send DATA frame') < text.index(':status: 200'), text[-3000:]
    assert way.echo.last().size == len(LARGE)
    assert [each.lower() for each in way.echo.last().trailers] == ['x-sent: yes']


def test_early_answers_are_whole_and_the_stream_is_let_go_without_an_error(huge, url):
    """RFC 9113 8.1: the answer, and only then NO_ERROR; what was under way beside it is not harmed."""
    text = run('nghttp', '-v', '-n', '-m', '10', '-H', ':method: POST', '-d', huge, url + '/early').decode('latin-1')
    assert text.count(':status: 413') == 10 and 'GOAWAY' not in text.split('send GOAWAY')[0], text[-3000:]
    for stream in re.findall(r'recv \(stream_id=(\d+)\) :status', text):
        body = re.search(r'recv DATA frame <length=\d+, flags=0x01, stream_id=%s>' % stream, text)
        reset = re.search(r'recv RST_STREAM frame <[^>]*, stream_id=%s>\s+\(error_code=NO_ERROR' % stream, text)
        assert body and reset and body.start() < reset.start(), text[-3000:]


@pytest.mark.parametrize('more', [(), ('--h1',)], ids=['http2', 'http1'])
def test_a_small_load_without_a_failure(way, url, more, tmp_path):
    way.echo.keep_requests = False
    body = tmp_path / 'body'
    body.write_bytes(b'x' * 20000)
    many = scaled(800)
    for options in ((), ('-d', str(body))):
        text = run('h2load', '-n', str(many), '-c', '4', '-m', '10', *more, *options, url + '/load',
                   url + '/bytes/30000').decode()
        assert '%d succeeded, 0 failed, 0 errored, 0 timeout' % many in text, text
        assert 'status codes: %d 2xx, 0 3xx, 0 4xx, 0 5xx' % many in text, text
    way.echo.keep_requests = True
