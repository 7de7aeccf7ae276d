"""A certificate for every name, signed by an authority that lives as long as the run."""

import base64
import datetime as dt
import hashlib
import ssl
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """Makes certificates on the fly. All share one key, so that a browser can be told to trust that key alone."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="consent-certs-"))
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Recorder of the browser tests")])
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._pem = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @property
    def key_hash(self) -> str:
        """Base64 SHA-256 of the public key, as `--ignore-certificate-errors-spki-list` wants it."""
        der = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(hashlib.sha256(der).digest()).decode("ascii")

    def context(self, host: str) -> ssl.SSLContext:
        """A server context with a certificate for `host` and its siblings; kept."""
        if host.count(".") > 1:
            host = host.partition(".")[2]
        if host not in self._contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.set_alpn_protocols(["http/1.1"])
            context.load_cert_chain(self.pem(host))
            self._contexts[host] = context
        return self._contexts[host]

    def pem(self, host: str) -> Path:
        """A file with the key and a certificate for `host`."""
        path = self.folder / f"{len(self._contexts)}.pem"
        path.write_bytes(self._pem + self._certificate(host))
        return path

    def _certificate(self, host: str) -> bytes:
        now = dt.datetime.now(dt.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:60])]))
            .issuer_name(self._name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=30))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host), x509.DNSName(f"*.{host}")]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM)
