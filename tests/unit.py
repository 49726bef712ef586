#!/usr/bin/python3
"""Runs the unit tests of a build folder and says what failed, not what passed.

Each program is cmocka's and prints its own counts; one that died before it
could is a failure of its own.
"""
import argparse
import json
import os
import re
import subprocess
import sys

PASSED = re.compile(r'^\[  PASSED  \] (\d+) test', re.M)
FAILED = re.compile(r'^\[  FAILED  \] .*?(\d+) test\(s\), listed below', re.M)
SKIPPED = re.compile(r'^\[  SKIPPED \] .*?(\d+) test\(s\), listed below', re.M)


def count(pattern, text):
    return sum(int(n) for n in pattern.findall(text))


def printed(entry):
    return entry.get('stdout', '') + entry.get('stderr', '')


def judge(entry):
    """(passed, failed, skipped) of one program"""
    out = printed(entry)
    passed, failed, skipped = count(PASSED, out), count(FAILED, out), count(SKIPPED, out)
    if entry['result'] in ('OK', 'EXPECTEDFAIL'):
        return passed or 1, failed, skipped
    if entry['result'] == 'SKIP':
        return 0, 0, 1
    return passed, failed or 1, skipped


def show(entry):
    print('---- %s: %s, exit %s' % (entry['name'], entry['result'].lower(), entry.get('returncode')))
    quiet = ('[ RUN      ]', '[       OK ]', '[==========]')
    for line in printed(entry).splitlines():
        if not line.startswith(quiet):
            print(line)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('build')
    parser.add_argument('--tally')
    args = parser.parse_args()
    log = os.path.join(args.build, 'meson-logs', 'testlog.json')
    if os.path.exists(log):
        os.unlink(log)
    run = subprocess.run(['meson', 'test', '-C', args.build, '--no-rebuild', '--suite', 'unit'],
                         stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if not os.path.exists(log):
        sys.exit('unit: meson test ran nothing:\n' + run.stdout + run.stderr)
    total = [0, 0, 0]
    with open(log, encoding='utf-8') as lines:
        for entry in map(json.loads, lines):
            counts = judge(entry)
            total = [a + b for a, b in zip(total, counts)]
            if counts[1]:
                show(entry)
    print('unit: %d passed, %d failed%s' % (total[0], total[1], ', %d skipped' % total[2] if total[2] else ''))
    if args.tally:
        with open(args.tally, 'a', encoding='utf-8') as out:
            out.write('unit %d %d %d\n' % tuple(total))


if __name__ == '__main__':
    main()
