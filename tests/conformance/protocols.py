#!/usr/bin/python3
"""Judges one protocol group: a node as a plain proxy in front of the driver's own origin.

The driver (conformance data, runner.py) plays the corpus against the node and
compares what its origin received. This script makes the configuration, starts
the node, runs the driver and prints what failed. A worker that died is a failure
too, whatever the driver saw.
"""
import argparse
import base64
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

START_SECONDS = 10
DRIVER_SECONDS = 600
DEATH = r"was ended by signal|ended with status [^0]|ERROR: \w+Sanitizer|runtime error:"


def port_free():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


SETTINGS = """\
node: conformance
role: gateway
labels: {istio: ingressgateway}
rules: %(folder)s/rules
state: %(folder)s/state
workers: 1
accessLog: %(folder)s/access.log
admin: "off"
pathNormalization: NONE
"""

RULES = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: front}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: %(listen)d, name: front, protocol: %(protocol)s}
    bind: 127.0.0.1
    hosts: ["*"]%(tls)s
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: all}
spec:
  hosts: ["*"]
  gateways: [front]
  http:
  - route:
    - destination: {host: origin.local, port: {number: 80}}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: origin}
spec:
  hosts: [origin.local]
  resolution: STATIC
  location: MESH_EXTERNAL
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints:
  - address: 127.0.0.1
    ports: {http: %(origin)d}
"""

SERVER_TLS = """
    tls: {mode: SIMPLE, credentialName: front}"""

SECRET = """\
---
apiVersion: v1
kind: Secret
metadata: {name: front}
type: kubernetes.io/tls
data: {tls.crt: %s, tls.key: %s}
"""


def secret_make(folder):
    """a certificate that nobody has to trust: the driver does not look at it"""
    files = [os.path.join(folder, name) for name in ('front.crt', 'front.key')]
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
                    '-days', '2', '-subj', '/CN=h1.test', '-addext', 'subjectAltName=DNS:h1.test',
                    '-out', files[0], '-keyout', files[1]],
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return SECRET % tuple(base64.b64encode(open(name, 'rb').read()).decode() for name in files)


def file_write(path, text):
    with open(path, 'w', encoding='utf-8') as out:
        out.write(text)
    return path


def config_write(folder, listen, origin, tls):
    """The command of a node that forwards all of 127.0.0.1:listen to 127.0.0.1:origin, its
    configuration written to folder: no identity, no policy, no retries, Host passed through."""
    os.mkdir(os.path.join(folder, 'rules'))
    os.mkdir(os.path.join(folder, 'state'), 0o700)
    words = {'folder': folder, 'listen': listen, 'origin': origin, 'protocol': 'HTTPS' if tls else 'HTTP',
             'tls': SERVER_TLS if tls else ''}
    rules = RULES % words + (secret_make(folder) if tls else '')
    file_write(os.path.join(folder, 'rules', 'plain.yaml'), rules)
    return ['run', '-c', file_write(os.path.join(folder, 'selvage.yaml'), SETTINGS % words)]


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
    ways = [way for way, wanted in (('--strict', args.strict), ('--tls', args.tls)) if wanted]
    address = '127.0.0.1:%d' % listen
    subprocess.run(['/usr/bin/python3', args.driver, '--h1', address, '--h2', address, '--origin', str(origin),
                    '--groups', name, '--corpus', args.corpus, '--json', report, *ways],
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=DRIVER_SECONDS, check=False)
    with open(report, encoding='utf-8') as cases:
        return json.load(cases)


def tell(group, cases, deaths):
    failed = [c for c in cases if not c['ok']]
    for case in failed:
        print('  %s [%s] %s' % (case['name'], case['verdict'], case['info']))
    for line in deaths:
        print('  ' + line)
    print('%s: %d passed, %d failed' % (group, len(cases) - len(failed), len(failed) + bool(deaths)))
    return len(failed) + bool(deaths)


def deaths_of(log):
    """what the supervisor and the sanitizers say when a process dies"""
    with open(log, encoding='utf-8', errors='replace') as lines:
        return [line.rstrip() for line in lines if re.search(DEATH, line)]


def judge(args, folder, listen, origin):
    log = os.path.join(folder, 'node.log')
    command = config_write(folder, listen, origin, args.tls)
    with open(log, 'wb') as out:
        node = subprocess.Popen([args.selvage, *command], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        if not node_wait(node, listen):
            with open(log, encoding='utf-8', errors='replace') as words:
                sys.exit('%s: the node did not start:\n%s' % (args.group, words.read()))
        cases = drive(args, args.group.split('/')[1], listen, origin, os.path.join(folder, 'report.json'))
    finally:
        node_stop(node)
    return tell(args.group, cases, deaths_of(log))


def main():
    parser = argparse.ArgumentParser()
    for option in ('--selvage', '--driver', '--corpus'):
        parser.add_argument(option, required=True)
    for option in ('--strict', '--tls'):
        parser.add_argument(option, action='store_true')
    parser.add_argument('--keep', help='leave configuration, logs and report in this new folder')
    parser.add_argument('group')
    args = parser.parse_args()
    listen, origin = port_free(), port_free()
    if args.keep:
        os.mkdir(args.keep)
        sys.exit(judge(args, os.path.abspath(args.keep), listen, origin) > 0)
    with tempfile.TemporaryDirectory() as folder:
        failed = judge(args, folder, listen, origin)
    sys.exit(failed > 0)


if __name__ == '__main__':
    main()
