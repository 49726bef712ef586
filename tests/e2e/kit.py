"""Small things that all tests share: polling, free ports, the size of loads."""
import itertools
import os
import socket
import time

SANITIZED = os.environ.get('SELVAGE_SANITIZED') == '1'
PATIENCE = 30 if SANITIZED else 15  # seconds until a condition must hold
_taken = set()


def scaled(number):
    """A load's size, smaller where every instruction costs more."""
    return max(1, number // 4) if SANITIZED else number


def poll(condition, what, seconds=PATIENCE, every=0.02):
    """Waits until condition() is true and returns what it returned; says `what` when it never is."""
    until = time.monotonic() + seconds
    last = None
    while time.monotonic() < until:
        try:
            value = condition()
            if value:
                return value
        except (OSError, ValueError, KeyError, IndexError) as why:
            last = why
        time.sleep(every)
    raise AssertionError('%s: not within %s s%s' % (what, seconds, ' (%s)' % last if last else ''))


def free_port():
    """A port that nobody has on any address, never handed out twice; below the range of outgoing ones."""
    low = int(os.environ.get('SELVAGE_TEST_PORTS', '0')) or 20000 + os.getpid() % 40 * 300
    for port in itertools.chain(range(low, 32000), range(20000, low)):
        if port in _taken:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(('0.0.0.0', port))
            except OSError:
                continue
        _taken.add(port)
        return port
    raise AssertionError('no free port')
