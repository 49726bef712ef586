"""Programs that are started, measured and ended: each in a session of its own, pinned to one core."""

import ctypes
import os
import pathlib
import re
import resource
import signal
import subprocess
import time

PROXY_CORE = 0
LOAD_CORE = os.cpu_count() - 1
END_WITHIN_S = 5
PR_SET_PDEATHSIG = 1

_LIBC = ctypes.CDLL(None, use_errno=True)
_TICKS = os.sysconf("SC_CLK_TCK")


def _prepare(core):
    """Between fork and exec: on its core, with all the descriptors it may have, and gone when the bench is
    gone."""
    os.sched_setaffinity(0, {core})
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _stat(pid):
    """Parent and ticks of a process: its own of all threads, and those of children it has waited for."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(fields[1]), sum(int(field) for field in fields[11:15])


def _tree(root):
    """A process and all below it, each with its ticks."""
    stats = {int(entry.name): _stat(entry.name) for entry in pathlib.Path("/proc").iterdir()
             if entry.name.isdigit()}
    found, grown = {root}, True
    while grown:
        below = {pid for pid, stat in stats.items() if stat and stat[0] in found} - found
        found |= below
        grown = bool(below)
    return {pid: stats[pid][1] for pid in found if stats.get(pid)}


def tree_ticks(root):
    """One that ends hands its ticks to its parent, so the sum stays."""
    return sum(_tree(root).values())


def tree_pss(root):
    """Bytes in memory; what several processes share counts once."""
    total = 0
    for pid in _tree(root):
        try:
            text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += int(re.search(r"^Pss:\s+(\d+) kB$", text, re.M)[1]) * 1024
    return total


class Process:
    def __init__(self, name, command, run, core):
        self.name = name
        self.errors = run / f"{name}.err"
        self.access_log = run / f"{name}.access"
        with open(self.access_log, "wb") as out, open(self.errors, "wb") as err:
            self._child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=run,
                                           start_new_session=True, preexec_fn=lambda: _prepare(core))

    def alive(self):
        return self._child.poll() is None

    def cpu_seconds(self):
        return tree_ticks(self._child.pid) / _TICKS

    def memory_bytes(self):
        return tree_pss(self._child.pid)

    def access_lines(self):
        with open(self.access_log, "rb") as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))

    def last_words(self):
        return self.errors.read_text(errors="replace")[-2000:]

    def _signal(self, number):
        """To the session we made, so also to children whose parent died before them."""
        try:
            os.killpg(self._child.pid, number)
        except ProcessLookupError:
            pass

    def stop(self):
        """Ends it, asking first; its id stays ours until we have waited for it."""
        if self.alive():
            self._child.send_signal(signal.SIGTERM)
            until = time.monotonic() + END_WITHIN_S
            while self.alive() and time.monotonic() < until:
                time.sleep(0.02)
        if self.alive():
            self._signal(signal.SIGKILL)
            self._child.wait()
