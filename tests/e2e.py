#!/usr/bin/python3
"""Runs the end to end tests (tests/e2e, pytest) against $SELVAGE and counts them."""
import argparse
import os
import subprocess
import sys
import xml.etree.ElementTree as xml

NO_TESTS = 5  # pytest's exit code


def counts_of(report):
    passed = failed = skipped = 0
    for suite in xml.parse(report).getroot().iter('testsuite'):
        bad = int(suite.get('failures')) + int(suite.get('errors'))
        skipped += int(suite.get('skipped'))
        failed += bad
        passed += max(0, int(suite.get('tests')) - bad - int(suite.get('skipped')))
    return passed, failed, skipped


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('build')
    parser.add_argument('--tally')
    args, rest = parser.parse_known_args()
    report = os.path.join(args.build, 'e2e.xml')
    if os.path.exists(report):
        os.unlink(report)
    # no summary line of its own: only ./dev counts
    run = subprocess.run([sys.executable, '-m', 'pytest', '-qq', '-p', 'no:cacheprovider', '--tb=short',
                          '-rfEs', '--junitxml', report, 'tests/e2e', *rest], stdin=subprocess.DEVNULL)
    if run.returncode == NO_TESTS:
        print('e2e: tests/e2e holds no test')
        return
    if not os.path.exists(report):
        sys.exit('e2e: pytest itself failed, exit %d' % run.returncode)
    total = counts_of(report)
    print('e2e: %d passed, %d failed%s' % (total[0], total[1], ', %d skipped' % total[2] if total[2] else ''))
    if args.tally:
        with open(args.tally, 'a', encoding='utf-8') as out:
            out.write('e2e %d %d %d\n' % total)


if __name__ == '__main__':
    main()
