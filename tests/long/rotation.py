#!/usr/bin/python3
"""Every key is replaced every ten seconds for five minutes, or the minutes named as argument, while requests flow.

Keys of a token issuer, of assertions, of nodes, of the authority (roots and intermediates), of TLS session tickets. At
the end: no wrong answer, no connection dropped, and key sets read no more often than they may be.
"""
import os
import pathlib
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '../e2e'))
sys.dont_write_bytecode = True

import conftest  # noqa: E402
import rotating  # noqa: E402


def main():
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 5
    started = conftest.Started()
    with tempfile.TemporaryDirectory(prefix='selvage-rotation-') as folder:
        try:
            mesh = rotating.Rotating(conftest.World(pathlib.Path(folder), started))
            mesh.run(minutes * 60)
            mesh.judge()
            print(mesh.figures())
        finally:
            started.end()


if __name__ == '__main__':
    main()
