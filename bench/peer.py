"""The programs that are compared. Each peer starts its hops, says where clients connect, and stops them."""

import base64
import contextlib
import http.client
import pathlib
import re
import ssl
import time

import material
from load import Unfit
from process import PROXY_CORE, Process

HERE = pathlib.Path(__file__).resolve().parent
READY_WITHIN_S = 15
GROUP_NEEDED = "staff"


class Place:
    """What all peers share: the folder with certificates and keys, the workload's port, the options."""

    def __init__(self, folder, tokens, backend_port, options):
        self.folder = folder
        self.tokens = tokens
        self.backend_port = backend_port
        self.access_log = options.access_log
        self.selvage = options.selvage

    def values(self):
        """What templates may name."""
        return {"DIR": self.folder, "RUN": self.folder, "ISSUER": material.ISSUER, "KID": material.KID,
                "AUDIENCE": material.AUDIENCE, "BACKEND_PORT": self.backend_port,
                "TRUST_DOMAIN": material.TRUST_DOMAIN,
                "LOG": "    log stdout format raw local0" if self.access_log else "",
                "LOG_USE": "    log global" if self.access_log else ""}


class Peer:
    name = ""
    secure = False  # clients speak TLS to it
    checks = False  # it looks at tokens and policy
    trusting = False  # its second hop believes whoever holds the first one's certificate
    logs = True  # each of its processes writes an access log, when wanted

    def __init__(self, place):
        self.place = place
        self.processes = []
        self.port = material.port_free()
        self.mesh_port = material.port_free()

    def commands(self, values):
        """Name and command line of each process; fills its configuration in."""
        raise NotImplementedError

    def start(self):
        values = dict(self.place.values(), EDGE_PORT=self.port, MESH_PORT=self.mesh_port)
        for name, command in self.commands(values):
            self.processes.append(Process(f"{self.name}-{name}", command, self.place.folder, PROXY_CORE))

    def stop(self):
        for process in self.processes:
            process.stop()

    @classmethod
    @contextlib.contextmanager
    def running(cls, place):
        """One of this kind, ready for requests, for as long as the block lasts."""
        one = cls(place)
        try:
            one.start()
            one.wait_ready()
            yield one
        finally:
            one.stop()

    def cpu_seconds(self):
        return sum(process.cpu_seconds() for process in self.processes)

    def memory_bytes(self):
        return sum(process.memory_bytes() for process in self.processes)

    @staticmethod
    def settle(seconds):
        """Lets what was begun come to its end."""
        time.sleep(seconds)

    def address(self):
        return f"localhost:{self.port}"

    def url(self):
        return f"{'https' if self.secure else 'http'}://{self.address()}"

    def _fill(self, template, values):
        path = self.place.folder / f"{self.name}-{pathlib.Path(template).name}"
        material.secret_write(path, material.template_fill(HERE / template, values).encode())
        return path

    # ---- is it ready, and does it do what it is compared for? ----

    def ask(self, path, token):
        """The status of one request, 0 when there was no answer."""
        if self.secure:
            trusted = ssl.create_default_context(cafile=str(self.place.folder / "public-ca.pem"))
            client = http.client.HTTPSConnection("localhost", self.port, timeout=5, context=trusted)
        else:
            client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        return self._ask(client, path, token)

    def ask_mesh(self, path, token, certificate=None):
        """The same at the second hop, which is taken for good whoever it is; without a certificate as a
        stranger, with the edge's as an edge that says that its user is in the group."""
        stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        stranger.check_hostname = False
        stranger.verify_mode = ssl.CERT_NONE
        if certificate:
            stranger.load_cert_chain(certificate)
        client = http.client.HTTPSConnection("127.0.0.1", self.mesh_port, timeout=5, context=stranger)
        return self._ask(client, path, token, {"X-Groups": GROUP_NEEDED, "X-User": "user-0"})

    @staticmethod
    def _ask(client, path, token, fields=None):
        try:
            bearer = {"Authorization": f"Bearer {token}"} if token else {}
            client.request("GET", path, headers={**bearer, **(fields or {})})
            answer = client.getresponse()
            answer.read()
            return answer.status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            client.close()

    def wait_ready(self):
        token = self.place.tokens.good() if self.checks else None
        until = time.monotonic() + READY_WITHIN_S
        status = 0
        while time.monotonic() < until:
            for process in self.processes:
                if not process.alive():
                    raise Unfit(f"{process.name} ended by itself:\n{process.last_words()}")
            status = self.ask("/api/items", token)
            if status == 200:
                return
            time.sleep(0.05)
        words = "\n".join(process.last_words() for process in self.processes)
        raise Unfit(f"not ready after {READY_WITHIN_S} s, last status {status}\n{words}")

    def prove(self):
        """Refuses to compare a peer that does not do the work."""
        if not self.checks:
            return
        tokens = self.place.tokens
        now = int(time.time())
        rows = [("good token", "/api/items", tokens.good(), {200}),
                ("no token", "/api/items", None, {401, 403}),
                ("token of a stranger", "/api/items", tokens.forged(), {401}),
                ("token that is over", "/api/items", tokens.good(exp=now - 3600), {401}),
                ("token of another issuer", "/api/items", tokens.good(iss="https://other.example"),
                 {401, 403}),
                ("token for another audience", "/api/items", tokens.good(aud="other"), {401, 403}),
                ("group that may not", "/api/items", tokens.good(groups=["guest"]), {403}),
                ("path that nobody may", "/private", tokens.good(), {403})]
        for title, path, token, wanted in rows:
            status = self.ask(path, token)
            if status not in wanted:
                raise Unfit(f"{title}: status {status}, wanted one of {sorted(wanted)}")
        if self.ask_mesh("/api/items", tokens.good()) != 0:
            raise Unfit("the second hop answered a stranger without a certificate")
        status = self.ask_mesh("/api/items", tokens.forged(), self.place.folder / "edge-identity.pem")
        if status not in ({200} if self.trusting else {401, 403}):
            raise Unfit(f"the second hop answers a forged token with {status}")

    def prove_logged(self, requests):
        """Refuses the figures of a peer that spared itself the access log, once it has been stopped."""
        if not self.logs or not self.place.access_log:
            return
        for process in self.processes:
            lines = process.access_lines()
            if lines < requests:
                raise Unfit(f"{process.name}: {lines} lines in the access log for {requests} requests")


def pem_part(text, kind):
    """The blocks of a PEM file whose label ends in kind."""
    return "".join(re.findall(rf"-----BEGIN [A-Z ]*{kind}-----.*?-----END [A-Z ]*{kind}-----\n", text, re.S))


def haproxy(config):
    return ["haproxy", "-db", "-f", str(config)]  # with -q its access log would go nowhere


class Haproxy(Peer):
    name, secure, checks = "haproxy", True, True
    mesh = "haproxy-mesh.cfg"

    def commands(self, values):
        return [("mesh", haproxy(self._fill(f"peers/{self.mesh}", values))),
                ("edge", haproxy(self._fill("peers/haproxy-edge.cfg", values)))]


class HaproxyLean(Haproxy):
    name, trusting, mesh = "haproxy-lean", True, "haproxy-mesh-lean.cfg"


class Floor(Peer):
    name, secure, logs = "floor", True, False

    def commands(self, values):
        return [("mesh", haproxy(self._fill("peers/haproxy-floor-mesh.cfg", values))),
                ("edge", haproxy(self._fill("peers/haproxy-floor-edge.cfg", values)))]


class FloorPlain(Peer):
    name, logs = "floor-plain", False

    def commands(self, values):
        hops = [("second", self.mesh_port, self.place.backend_port), ("first", self.port, self.mesh_port)]
        return [(name, haproxy(self._hop(name, values, listen, onward))) for name, listen, onward in hops]

    def _hop(self, name, values, listen, onward):
        filled = material.template_fill(HERE / "peers/haproxy-bare.cfg",
                                        dict(values, LISTEN_PORT=listen, NEXT_PORT=onward))
        path = self.place.folder / f"{self.name}-{name}.cfg"
        path.write_text(filled)
        return path


class HaproxyPlain(Peer):
    name, splice = "haproxy", ""

    def commands(self, values):
        values["SPLICE"] = self.splice
        return [("plain", haproxy(self._fill("peers/haproxy-plain.cfg", values)))]


class HaproxySplice(HaproxyPlain):
    name, splice = "haproxy-splice", "    option splice-response"


class HaproxyFront(Peer):
    name, secure = "haproxy", True

    def commands(self, values):
        return [("front", haproxy(self._fill("peers/haproxy-front.cfg", values)))]


class Nginx(Peer):
    name, config = "nginx", ""

    def commands(self, values):
        values["ACCESS_LOG"] = "/dev/stdout line" if self.place.access_log else "off"
        config = self._fill(f"peers/{self.config}", values)
        return [("hop", ["nginx", "-p", str(self.place.folder), "-e", "stderr", "-c", str(config)])]


class NginxPlain(Nginx):
    config = "nginx-plain.conf"


class NginxFront(Nginx):
    secure, config = True, "nginx-front.conf"


class Nghttpx(Peer):
    name, secure = "nghttpx", True

    def commands(self, values):
        server = (self.place.folder / "server.pem").read_text()
        material.secret_write(self.place.folder / "server-key.pem", pem_part(server, "PRIVATE KEY").encode())
        values["ACCESS_LOG"] = "/dev/stdout" if self.place.access_log else "/dev/null"
        config = self._fill("peers/nghttpx.conf", values)
        return [("front", ["nghttpx", f"--conf={config}"])]


# ---- Selvage -------------------------------------------------------------------------------------


def selvage_values(place, values):
    """All that Selvage's own configuration takes beyond the shared values. Whoever changes the names in
    selvage.yaml or the resources changes this function and bench/selvage/*.yaml, nothing else."""
    server = (place.folder / "server.pem").read_text()
    more = {"KEYS_PORT": material.port_free(),
            "ACCESS_LOG": "stdout" if place.access_log else "off",
            "JWKS": place.tokens.key_set(), "GROUP": GROUP_NEEDED, "CACERTS": place.folder / "cacerts",
            "SERVER_CERTIFICATE": base64.b64encode(pem_part(server, "CERTIFICATE").encode()).decode(),
            "SERVER_KEY": base64.b64encode(pem_part(server, "PRIVATE KEY").encode()).decode()}
    return dict(values, **more)


def selvage_command(place, config):
    return [str(place.selvage), "run", "-c", str(config)]


class SelvageNodes(Peer):
    nodes = ()

    def commands(self, values):
        values = selvage_values(self.place, values)
        return [(node, selvage_command(self.place, self._node(node, values))) for node in self.nodes]

    def _node(self, node, values):
        """A node's folder: its settings, its rules, its state."""
        home = self.place.folder / f"{self.name}-{node}"
        (home / "rules").mkdir(parents=True, exist_ok=True)
        (home / "state").mkdir(mode=0o700, exist_ok=True)
        values = dict(values, HOME=home, ADMIN_PORT=material.port_free())
        files = {f"{node}.yaml": "selvage.yaml", f"{node}-rules.yaml": "rules/rules.yaml"}
        for template, target in files.items():
            text = material.template_fill(HERE / "selvage" / template, values)
            material.secret_write(home / target, text.encode())
        return home / "selvage.yaml"


class Selvage(SelvageNodes):
    name, secure, checks, nodes = "selvage", True, True, ("edge", "mesh")


class SelvagePlain(SelvageNodes):
    name, nodes = "selvage", ("plain",)


class SelvageFront(SelvageNodes):
    name, secure, nodes = "selvage", True, ("front",)


SECURE_PEERS = (Selvage, Haproxy)
FLOOR_PEERS = (Floor, FloorPlain)
PLAIN_PEERS = (SelvagePlain, HaproxyPlain, NginxPlain)
FRONT_PEERS = (SelvageFront, HaproxyFront, NginxFront, Nghttpx)
