"""What is measured: for each job its peers, the load that is put on them, and the figures that count."""

import load
import material
import peer
from load import Unfit
from report import Column

WARM_S = 1
CACHED_TOKENS = 64
IDLE_CONNECTIONS = 10000
SETTLE_S = 1
PACE_SHARE = 0.3  # of what the first reference peer can do with the whole core

BUSY = Column("busy", "busy", "{:.0%}")
ERRORS = Column("errors", "errors", "{:.0f}")
P50 = Column("p50 ms", "p50_ms", "{:.2f}")
P99 = Column("p99 ms", "p99_ms", "{:.2f}")


class Job:
    """One way to measure. `measure` puts the load on a peer that is ready and answers its figures, among them
    `requests`, how many access lines there have to be at least. `value` names the figure that is compared."""

    value, what, less_is_better = "per_cpu_second", "requests per CPU s", False
    runs_most = 100
    columns = (Column("requests/s", "per_second", "{:,.0f}"), BUSY, P50, P99, ERRORS)

    def __init__(self, peers, path="/api/items", size=100):
        self.peers = peers
        self.path = path
        self.size = size  # bytes of an answer's body, at least

    def prepare(self, kinds, place, options):
        """Before the first run."""

    def measure(self, one, place, options):
        raise NotImplementedError

    def _counted(self, one, options, run):
        """Warms up, then puts the CPU time of the peer beside what `run` found."""
        run(WARM_S, True)
        before = one.cpu_seconds()
        found = run(options.seconds, False)
        cpu = one.cpu_seconds() - before
        good, seconds = found["requests"], found["duration_us"] / 1e6
        if not good or not cpu:
            raise Unfit(f"no request was answered, {found['broken']} failed")
        if found.get("bytes", self.size * good) < self.size * good:
            raise Unfit(f"answers were shorter than {self.size} bytes")
        return {"requests": good, "errors": found["broken"], "cpu_s": cpu, "per_cpu_second": good / cpu,
                "per_second": good / seconds, "busy": cpu / seconds,
                "p50_ms": found["p50_us"] / 1000, "p99_ms": found["p99_us"] / 1000}


class Http1(Job):
    """wrk. `tokens` distinct ones of a pool are sent in turn. The pool is larger than any cache of tokens is
    expected to be, and the measured part begins in its middle, so that what warmed up is not met again before
    it was evicted."""

    def __init__(self, peers, path="/api/items", size=100, pool=None, tokens=0, start=0):
        super().__init__(peers, path, size)
        self.pool, self.tokens, self.start = pool, tokens, start

    def token_range(self, place, warm):
        return (place.tokens.pools[self.pool], 0 if warm else self.start, self.tokens) if self.pool else None

    def measure(self, one, place, options):
        return self._counted(one, options, lambda seconds, warm: load.wrk_run(
            one.url(), self.path, options, seconds, self.token_range(place, warm)))


class Http2(Job):
    def measure(self, one, place, options):
        return self._counted(one, options, lambda seconds, _: load.h2load_run(one.url(), self.path, seconds))


class Handshake(Job):
    what = "connections per CPU s"
    columns = (Column("connections/s", "per_second", "{:,.0f}"), *Job.columns[1:])

    def __init__(self, peers, kind):
        super().__init__(peers)
        self.kind = kind

    def measure(self, one, place, options):
        return self._counted(one, options, lambda seconds, _: self._load(one, options, seconds))

    def _load(self, one, options, seconds):
        found = load.handshake_run(options.tool("handshake"), one.address(), self.kind, self.path, seconds,
                                   options.connections)
        resumed, may_be = found["resumed"], max(found["requests"] - options.connections, 0)
        if resumed > 0 if self.kind == "full" else resumed < 0.95 * may_be:
            raise Unfit(f"{resumed} of {may_be} connections were resumed")
        return found


class Latency(Http1):
    """Every peer at one rate, which leaves each of them more idle than busy."""

    value, what, less_is_better = "p99_ms", "p99 ms", True
    columns = (P50, Column("p99.9 ms", "p999_ms", "{:.2f}"), Column("longest ms", "max_ms", "{:.1f}"),
               Column("requests/s", "per_second", "{:,.0f}"), BUSY, ERRORS,
               Column("load late p99 ms", "late_ms", "{:.2f}"))
    rate = 0

    def prepare(self, kinds, place, options):
        """Takes the rate from the first peer that is no Selvage."""
        kind = next((kind for kind in kinds if kind.name != "selvage"), kinds[0])
        with kind.running(place) as one:
            peak = super().measure(one, place, options)["per_cpu_second"]
        self.rate = round(peak * PACE_SHARE, -2)

    def measure(self, one, place, options):
        before = one.cpu_seconds()
        found = load.pace_run(options.tool("pace"), one, self.path, self.rate, options.seconds,
                              2 * options.connections, self.token_range(place, True))
        cpu = one.cpu_seconds() - before
        figures = {name: found[f"{text}_us"] / 1000 for name, text in (
            ("p50_ms", "p50"), ("p99_ms", "p99"), ("p999_ms", "p999"), ("max_ms", "max"),
            ("late_ms", "delay_p99"))}
        return dict(figures, requests=found["requests"], errors=found["broken"], cpu_s=cpu,
                    busy=cpu / (options.seconds + WARM_S), per_second=found["requests"] / options.seconds)


class Memory(Job):
    """Connections that shook hands, asked once and stay."""

    value, what, less_is_better = "connection_kib", "KiB per connection", True
    runs_most = 1  # it hardly varies
    columns = (Column("MiB before", "before_mib", "{:.1f}"), Column("MiB with them", "with_mib", "{:.1f}"),
               Column("MiB afterwards", "after_mib", "{:.1f}"), ERRORS)

    def measure(self, one, place, options):
        load.handshake_run(options.tool("handshake"), one.address(), "full", self.path, WARM_S, 1)
        before = one.memory_bytes()
        with load.Hold(options.tool("handshake"), one.address(), self.path, IDLE_CONNECTIONS) as held:
            opened = held.opened()
            one.settle(SETTLE_S)
            during = one.memory_bytes()
            left = held.left()
        one.settle(SETTLE_S)
        if left < 0.99 * IDLE_CONNECTIONS:
            raise Unfit(f"of {IDLE_CONNECTIONS} connections {opened} could be opened and {left} stayed")
        return {"requests": opened, "errors": IDLE_CONNECTIONS - left, "before_mib": before / 2**20,
                "with_mib": during / 2**20, "after_mib": one.memory_bytes() / 2**20,
                "connection_kib": (during - before) / 1024 / left}


JOBS = {
    "secure-cached": Http1((*peer.SECURE_PEERS, peer.HaproxyLean, *peer.FLOOR_PEERS), pool="many",
                           tokens=CACHED_TOKENS),
    "secure-renewed": Http1(peer.SECURE_PEERS, pool="renewed", tokens=material.POOL_SIZE,
                            start=material.POOL_SIZE // 2),
    "secure-uncached": Http1(peer.SECURE_PEERS, pool="many", tokens=material.POOL_SIZE,
                             start=material.POOL_SIZE // 2),
    "plain-100b": Http1(peer.PLAIN_PEERS),
    "plain-10k": Http1(peer.PLAIN_PEERS, "/api/ten", 10_000),
    "plain-1m": Http1((*peer.PLAIN_PEERS, peer.HaproxySplice), "/api/million", 1_000_000),
    "h2-100b": Http2(peer.FRONT_PEERS),
    "h2-10k": Http2(peer.FRONT_PEERS, "/api/ten", 10_000),
    "handshake-full": Handshake(peer.FRONT_PEERS, "full"),
    "handshake-resumed": Handshake(peer.FRONT_PEERS, "resumed"),
    "latency-plain": Latency(peer.PLAIN_PEERS),
    "latency-secure": Latency(peer.SECURE_PEERS, pool="many", tokens=CACHED_TOKENS),
    "memory-idle": Memory(peer.FRONT_PEERS),
}
