"""What every peer is given: certificates, tokens, free ports and filled-in templates."""

import base64
import datetime
import ipaddress
import json
import multiprocessing
import os
import pathlib
import re
import socket
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ISSUER = "https://idp.bench.example"
AUDIENCE = "bench"
KID = "bench-1"
TRUST_DOMAIN = "bench.example"
TOKEN_LIFETIME_S = 24 * 3600
TOKEN_FRESH_S = 6 * 3600
POOL_SIZE = 20000
SIGN_AT_ONCE = 500
POOLS = {"many": POOL_SIZE, "renewed": 64}  # tokens of how many subjects

_TAKEN = set()


def template_fill(path, values):
    """The text of a template with each @NAME@ replaced; a name nobody gave is a mistake."""

    def value_of(match):
        if match[1] not in values:
            raise SystemExit(f"{path}: nothing to put in place of @{match[1]}@")
        return str(values[match[1]])

    return re.sub(r"@([A-Z_]+)@", value_of, pathlib.Path(path).read_text())


def port_free():
    """A port nobody listens on, never the same one twice."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in _TAKEN:
            _TAKEN.add(port)
            return port


def secret_write(path, content):
    """Writes a file that only its owner may read."""
    pathlib.Path(path).unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


# ---- certificates --------------------------------------------------------------------------------


def pem_of_key(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def pem_of_certificate(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def _builder(name, public_key, issuer):
    now = datetime.datetime.utcnow()
    return (x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(issuer)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(days=2)))


def _key_usage(authority):
    return x509.KeyUsage(digital_signature=not authority, content_commitment=False, key_encipherment=False,
                         data_encipherment=False, key_agreement=False, key_cert_sign=authority,
                         crl_sign=authority, encipher_only=False, decipher_only=False)


def authority_new(name):
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (_builder(name, key.public_key(), issuer)
                   .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
                   .add_extension(_key_usage(True), critical=True)
                   .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
                   .sign(key, hashes.SHA256()))
    return key, certificate


def certificate_new(authority, name, alternatives):
    signer, parent = authority
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (_builder(name, key.public_key(), parent.subject)
                   .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
                   .add_extension(_key_usage(False), critical=True)
                   .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH,
                                                         ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
                   .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
                   .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
                                  critical=False)
                   .sign(signer, hashes.SHA256()))
    return pem_of_certificate(certificate) + pem_of_key(key)


def spiffe_name(account):
    return x509.UniformResourceIdentifier(f"spiffe://{TRUST_DOMAIN}/ns/bench/sa/{account}")


def certificates_write(folder):
    """server.pem for clients; mesh-ca.pem, edge-identity.pem and mesh-identity.pem between the hops; and the
    mesh's authority as Istio lays it out in cacerts/."""
    public = authority_new("bench public CA")
    mesh = authority_new("bench mesh CA")
    server = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    (folder / "public-ca.pem").write_bytes(pem_of_certificate(public[1]))
    (folder / "mesh-ca.pem").write_bytes(pem_of_certificate(mesh[1]))
    secret_write(folder / "server.pem", certificate_new(public, "localhost", server))
    secret_write(folder / "edge-identity.pem", certificate_new(mesh, "edge", [spiffe_name("edge")]))
    secret_write(folder / "mesh-identity.pem",
                 certificate_new(mesh, "mesh", [spiffe_name("mesh"), x509.DNSName("mesh.bench")]))
    cacerts = folder / "cacerts"
    cacerts.mkdir()
    for name in ("ca-cert.pem", "root-cert.pem", "cert-chain.pem"):
        (cacerts / name).write_bytes(pem_of_certificate(mesh[1]))
    secret_write(cacerts / "ca-key.pem", pem_of_key(mesh[0]))


# ---- tokens --------------------------------------------------------------------------------------


def base64url(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def base64url_of_number(number):
    return base64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def token_sign(key, claims):
    head = {"alg": "RS256", "kid": KID, "typ": "JWT"}
    text = ".".join(base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims))
    signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{text}.{base64url(signature)}"


def claims_of(number, now, **changed):
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": f"user-{number}", "iat": now, "nbf": now - 60,
              "exp": now + TOKEN_LIFETIME_S, "jti": f"{number:08x}", "email": f"user-{number}@bench.example",
              "groups": ["staff", "blue"]}
    claims.update(changed)
    return claims


def _tokens_sign(task):
    pem, first, count, now, subjects = task
    key = serialization.load_pem_private_key(pem, None)
    return [token_sign(key, claims_of(number, now, sub=f"user-{number % subjects}",
                                      email=f"user-{number % subjects}@bench.example"))
            for number in range(first, first + count)]


class Tokens:
    """An issuer's key and pools of signed tokens, kept between runs since signing takes long. In `many` each
    token is of a subject of its own, in `renewed` they are of few, as of users whose tokens were renewed."""

    def __init__(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.pools = {name: folder / f"tokens-{name}" for name in POOLS}
        self._key_path = folder / "issuer-key.pem"
        if not self._fresh():
            self._make()
        self.key = serialization.load_pem_private_key(self._key_path.read_bytes(), None)

    def _fresh(self):
        files = (self._key_path, *self.pools.values())
        return all(file.exists() and time.time() - file.stat().st_mtime < TOKEN_FRESH_S for file in files)

    def _make(self):
        print(f"signing {len(POOLS)} times {POOL_SIZE} tokens, kept in {self._key_path.parent}", flush=True)
        pem = pem_of_key(rsa.generate_private_key(65537, 2048))
        secret_write(self._key_path, pem)
        now = int(time.time())
        with multiprocessing.Pool(os.cpu_count()) as pool:
            for name, subjects in POOLS.items():
                tasks = [(pem, first, SIGN_AT_ONCE, now, subjects)
                         for first in range(0, POOL_SIZE, SIGN_AT_ONCE)]
                lists = pool.map(_tokens_sign, tasks, chunksize=1)
                secret_write(self.pools[name], "".join(f"{one}\n" for some in lists for one in some).encode())

    def public_pem(self):
        return self.key.public_key().public_bytes(serialization.Encoding.PEM,
                                                  serialization.PublicFormat.SubjectPublicKeyInfo)

    def key_set(self):
        numbers = self.key.public_key().public_numbers()
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KID, "n": base64url_of_number(numbers.n),
               "e": base64url_of_number(numbers.e)}
        return json.dumps({"keys": [key]})

    def good(self, **changed):
        return token_sign(self.key, claims_of(0, int(time.time()), **changed))

    def forged(self):
        stranger = rsa.generate_private_key(65537, 2048)
        return token_sign(stranger, claims_of(0, int(time.time())))
