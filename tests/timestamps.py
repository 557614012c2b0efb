"""A timestamp authority (RFC 3161) for a Sigstore of the tests' own; openssl writes its answers."""

from __future__ import annotations

import datetime as dt
import subprocess
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SETTINGS = """\
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_cert = {folder}/signer.pem
signer_key = {folder}/signer.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
"""


class Timestamps:
    """What needs files is in a folder; `chain` is the certificate that signs, then its root."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
        names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("timestamps", "root")]
        self.chain = [self._certificate(names[0], names[1], keys), self._certificate(names[1], names[1], keys[1:])]
        pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        (folder / "signer.pem").write_bytes(self.chain[0].public_bytes(pem))
        (folder / "signer.key").write_bytes(keys[0].private_bytes(pem, form, serialization.NoEncryption()))
        (folder / "serial").write_text("01\n")
        (folder / "settings").write_text(SETTINGS.format(folder=folder))

    def _certificate(
        self, subject: x509.Name, issuer: x509.Name, keys: list[ec.EllipticCurvePrivateKey]
    ) -> x509.Certificate:
        now, root = dt.datetime.now(dt.UTC), subject == issuer
        builder = (
            x509.CertificateBuilder(issuer, subject, keys[0].public_key(), x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=root, path_length=None), critical=True)
        )
        if not root:
            builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        return builder.sign(keys[-1], hashes.SHA256())

    def stamp(self, query: bytes) -> bytes:
        """The answer to a query."""
        (self.folder / "query").write_bytes(query)
        files = ("-config", "settings", "-queryfile", "query", "-out", "answer")
        subprocess.run(["openssl", "ts", "-reply", *files], cwd=self.folder, check=True, capture_output=True)
        return (self.folder / "answer").read_bytes()
