#!/usr/bin/python3
"""Judges one protocol group: a node as a plain proxy in front of the driver's own origin.

The driver (conformance data, runner.py) plays the corpus against the node and
compares what its origin received. This script makes the configuration, starts
the node, runs the driver and prints what failed.
"""
import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

START_SECONDS = 10
DRIVER_SECONDS = 600


def port_free():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def config_write(folder, listen, origin):
    """The command of a node that forwards all of 127.0.0.1:listen to 127.0.0.1:origin, its
    configuration written to folder: no identity, no policy, no retries, Host passed through."""
    return None


def node_wait(node, port):
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and node.poll() is None:
        try:
            socket.create_connection(('127.0.0.1', port), 1).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False


def node_stop(node):
    if node.poll() is None:
        node.send_signal(signal.SIGTERM)
        try:
            node.wait(10)
        except subprocess.TimeoutExpired:
            node.kill()
            node.wait()


def drive(args, name, listen, origin, report):
    """plays the corpus; the driver's own exit code says nothing that its report does not"""
    subprocess.run(['/usr/bin/python3', args.driver, '--h1', '127.0.0.1:%d' % listen, '--origin', str(origin),
                    '--groups', name, '--corpus', args.corpus, '--json', report],
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=DRIVER_SECONDS, check=False)
    with open(report, encoding='utf-8') as cases:
        return json.load(cases)


def tell(group, cases):
    failed = [c for c in cases if not c['ok']]
    for case in failed:
        print('  %s [%s] %s' % (case['name'], case['verdict'], case['info']))
    print('%s: %d passed, %d failed' % (group, len(cases) - len(failed), len(failed)))
    return len(failed)


def main():
    parser = argparse.ArgumentParser()
    for option in ('--selvage', '--driver', '--corpus'):
        parser.add_argument(option, required=True)
    parser.add_argument('group')
    args = parser.parse_args()
    listen, origin = port_free(), port_free()
    with tempfile.TemporaryDirectory() as folder:
        command = config_write(folder, listen, origin)
        if command is None:
            print('%s: 0 passed, 0 failed, 1 skipped (no configuration of a plain proxy)' % args.group)
            return
        log = os.path.join(folder, 'node.log')
        with open(log, 'wb') as out:
            node = subprocess.Popen([args.selvage, *command], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            if not node_wait(node, listen):
                with open(log, encoding='utf-8', errors='replace') as words:
                    sys.exit('%s: the node did not start:\n%s' % (args.group, words.read()))
            failed = tell(args.group, drive(args, args.group.split('/')[1], listen, origin,
                                            os.path.join(folder, 'report.json')))
        finally:
            node_stop(node)
    sys.exit(failed > 0)


if __name__ == '__main__':
    main()
