"""Load: wrk, h2load, and the programs of this folder; each on its core, and stopped when it does not end."""

import json
import os
import pathlib
import re
import subprocess
import tempfile

from process import LOAD_CORE

HERE = pathlib.Path(__file__).resolve().parent
PATIENCE_S = 30
HOLD_S = 120


class Unfit(Exception):
    """A peer that cannot be measured, and why."""


def _run(command, seconds, environment=None):
    try:
        done = subprocess.run(["taskset", "-c", str(LOAD_CORE), *map(str, command)], env=environment,
                              capture_output=True, text=True, check=False, timeout=seconds + PATIENCE_S)
    except subprocess.TimeoutExpired as late:
        raise Unfit(f"{command[0]} did not end") from late
    return done.stdout, f"{pathlib.Path(str(command[0])).name}: {(done.stdout + done.stderr).strip()[-300:]}"


def _json_of(text, words):
    """The figures in what a generator of ours said."""
    try:
        return json.loads(text)
    except ValueError:
        raise Unfit(words) from None


def wrk_run(url, path, options, seconds, tokens=None):
    """HTTP/1.1, a request after the other on each connection. `tokens`: file, start and count."""
    environment = dict(os.environ, BENCH_PATH=path)
    if tokens:
        environment.update(zip(("BENCH_TOKENS", "BENCH_START", "BENCH_COUNT"), map(str, tokens)))
    command = ["wrk", "-t", 1, "-c", options.connections, "-d", f"{seconds}s", "--timeout", "10s",
               "-s", HERE / "load.lua", url]
    said, words = _run(command, seconds, environment)
    for line in said.splitlines():
        if line.startswith("bench "):
            return json.loads(line[len("bench "):])
    raise Unfit(words)


# ---- HTTP/2 ----------------------------------------------------------------------------------------

H2_CONNECTIONS = 8
H2_STREAMS = 32


def _number(pattern, said, words):
    found = re.search(pattern, said)
    if not found:
        raise Unfit(words)
    return float(found[1])


def percentile(ordered, share):
    return ordered[int(share * (len(ordered) - 1))] if ordered else 0


def h2load_run(url, path, seconds):
    """HTTP/2 over TLS: 8 connections with 32 requests under way on each."""
    with tempfile.NamedTemporaryFile(prefix="h2load-", suffix=".log") as log:
        command = ["h2load", "-t", 1, "-c", H2_CONNECTIONS, "-m", H2_STREAMS, "-D", seconds,
                   "--npn-list", "h2", f"--log-file={log.name}", url + path]
        said, words = _run(command, seconds)
        took = sorted(int(line.rpartition(b"\t")[2]) for line in log)
    if "Application protocol: h2" not in said:
        raise Unfit(f"no HTTP/2 was agreed on; {words}")
    whole = _number(r"(\d+) succeeded", said, words)
    refused = sum(_number(rf"(\d+) {status}xx", said, words) for status in (3, 4, 5))
    return {"requests": int(whole - refused), "broken": int(_number(r"(\d+) failed,", said, words) + refused),
            "duration_us": int(seconds * 1e6), "bytes": int(_number(r"\((\d+)\) data", said, words)),
            "p50_us": percentile(took, 0.5), "p99_us": percentile(took, 0.99)}


# ---- generators of this folder ------------------------------------------------------------------------


def handshake_run(tool, address, kind, path, seconds, connections):
    """New connections with a request each; `kind` is full or resumed."""
    said, words = _run([tool, kind, address, path, seconds, connections], seconds)
    return _json_of(said, words)


def pace_run(tool, one, path, rate, seconds, connections, tokens=None):
    """Requests that fall due by themselves, `rate` a second."""
    command = [tool, "https" if one.secure else "http", one.address(), path, rate, seconds, connections]
    if tokens:
        command += [tokens[0], tokens[2]]
    said, words = _run(command, seconds)
    return _json_of(said, words)


class Hold:
    """Idle connections, there while it is open."""

    def __init__(self, tool, address, path, count):
        command = ["taskset", "-c", LOAD_CORE, "timeout", HOLD_S, tool, "hold", address, path, count]
        self._child = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._child.stdin.close()
        self._child.wait()

    def opened(self):
        """How many were opened, once they are."""
        return _json_of(self._child.stdout.readline(), "the connections could not be opened")["open"]

    def left(self):
        """How many are still open; lets go of them."""
        self._child.stdin.close()
        open_ = _json_of(self._child.stdout.readline(), "the connections were lost")["open"]
        self._child.wait()
        return open_
