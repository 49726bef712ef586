"""Certificates and tokens of the tests' own."""
import base64
import datetime
import json
import ssl
import time
import warnings

from cryptography import x509
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def base64url_back(text):
    return base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption()).decode()


class Leaf:
    def __init__(self, certificate, key, chain):
        self.certificate, self.key = certificate, _pem(key)
        self.pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        self.chain = self.pem + chain
        self.sha256 = base64url(certificate.fingerprint(hashes.SHA256()))

    def write(self, folder, name):
        (folder / (name + '.crt')).write_text(self.chain)
        (folder / (name + '.key')).write_text(self.key)
        return str(folder / (name + '.crt')), str(folder / (name + '.key'))


class Authority:
    """A root of the tests; with a folder, as Istio's cacerts lie in one."""

    def __init__(self, name='test root'):
        self.key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.utcnow()
        self.certificate = (
            x509.CertificateBuilder().subject_name(_name(name)).issuer_name(_name(name))
            .public_key(self.key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
            .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256()))
        self.pem = self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def leaf(self, uri=None, dns=(), seconds=3600, begins=-300, name='leaf'):
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.utcnow()
        names = ([x509.UniformResourceIdentifier(uri)] if uri else []) + [x509.DNSName(each) for each in dns]
        builder = (
            x509.CertificateBuilder().subject_name(_name(name)).issuer_name(self.certificate.subject)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(seconds=begins))
            .not_valid_after(now + datetime.timedelta(seconds=seconds))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(True, False, False, False, False, False, False, False, False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                           critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False))
        return Leaf(builder.sign(self.key, hashes.SHA256()), key, '')

    def cacerts(self, folder):
        """Istio's layout: ca-cert.pem, ca-key.pem, cert-chain.pem, root-cert.pem."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in (('ca-cert.pem', self.pem), ('ca-key.pem', _pem(self.key)),
                           ('cert-chain.pem', self.pem), ('root-cert.pem', self.pem)):
            (folder / name).write_text(text)
        (folder / 'ca-key.pem').chmod(0o600)
        return folder


def client_context(authority=None, leaf=None, folder=None, versions=None, check_name=True):
    """A client's TLS context; versions is a pair of ssl.TLSVersion."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = check_name and authority is not None
    context.verify_mode = ssl.CERT_REQUIRED if authority else ssl.CERT_NONE
    if authority:
        context.load_verify_locations(cadata=authority.pem)
    if leaf:
        context.load_cert_chain(*leaf.write(folder, 'client-%d' % id(leaf)))
    if versions:
        context.set_ciphers('ALL:@SECLEVEL=0')
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', DeprecationWarning)  # that old ones are refused is what is tested
            context.minimum_version, context.maximum_version = versions
    return context


# ---- tokens

class Key:
    """A signing key; kinds RS256, PS256, ES256, EdDSA."""

    def __init__(self, alg='RS256', kid=None, bits=2048):
        self.alg, self.kid = alg, kid or '%s-%d' % (alg, time.monotonic_ns())
        if alg in ('RS256', 'PS256'):
            self.private = rsa.generate_private_key(65537, bits)
        elif alg == 'ES256':
            self.private = ec.generate_private_key(ec.SECP256R1())
        else:
            self.private = ed25519.Ed25519PrivateKey.generate()

    def jwk(self):
        public = self.private.public_key()
        common = {'kid': self.kid, 'use': 'sig', 'alg': self.alg}
        if self.alg in ('RS256', 'PS256'):
            numbers = public.public_numbers()
            size = (numbers.n.bit_length() + 7) // 8
            return {**common, 'kty': 'RSA', 'n': base64url(numbers.n.to_bytes(size, 'big')),
                    'e': base64url(numbers.e.to_bytes(3, 'big'))}
        if self.alg == 'ES256':
            numbers = public.public_numbers()
            return {**common, 'kty': 'EC', 'crv': 'P-256', 'x': base64url(numbers.x.to_bytes(32, 'big')),
                    'y': base64url(numbers.y.to_bytes(32, 'big'))}
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return {**common, 'kty': 'OKP', 'crv': 'Ed25519', 'x': base64url(raw)}

    def public_pem(self):
        return self.private.public_key().public_bytes(serialization.Encoding.PEM,
                                                      serialization.PublicFormat.SubjectPublicKeyInfo)

    def signature(self, data):
        if self.alg == 'RS256':
            return self.private.sign(data, padding.PKCS1v15(), hashes.SHA256())
        if self.alg == 'PS256':
            return self.private.sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
        if self.alg == 'ES256':
            r, s = utils.decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, 'big') + s.to_bytes(32, 'big')
        return self.private.sign(data)


def hs256(secret, data):
    mac = hmac.HMAC(secret, hashes.SHA256())
    mac.update(data)
    return mac.finalize()


def token_join(header, payload, sign):
    """header and payload are objects, or the very text that is to stand there."""
    parts = [part if isinstance(part, str) else json.dumps(part) for part in (header, payload)]
    data = '.'.join(base64url(part.encode()) for part in parts)
    return data + '.' + base64url(sign(data.encode()))


def token_parts(token):
    header, payload, _ = token.split('.')
    return json.loads(base64url_back(header)), json.loads(base64url_back(payload))


class Issuer:
    """Signs tokens; its key set is given to rules as text."""

    def __init__(self, name='https://issuer.example', keys=None):
        self.name, self.keys = name, keys or [Key('ES256')]

    def key_set(self):
        return json.dumps({'keys': [key.jwk() for key in self.keys]})

    def token(self, key=None, header=None, **claims):
        key = key or self.keys[0]
        now = int(time.time())
        payload = {'iss': self.name, 'sub': 'alice', 'aud': 'web', 'iat': now, 'exp': now + 600, **claims}
        payload = {name: value for name, value in payload.items() if value is not None}
        return token_join({'alg': key.alg, 'kid': key.kid, 'typ': 'JWT', **(header or {})}, payload, key.signature)


def bearer(token):
    return {'Authorization': 'Bearer ' + token}
