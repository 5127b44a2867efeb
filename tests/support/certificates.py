"""Certificate authorities and certificates for tests, made on the spot."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = datetime.now(UTC)


class Pem(NamedTuple):
    """The files of a certificate: itself, its key, and both in one."""

    cert: Path
    key: Path
    both: Path


class Authority:
    """One that signs; its own certificate is `ca`."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._name, self._key = folder, _named(name), ec.generate_private_key(ec.SECP256R1())
        made = _builder(
            self._name, self._name, self._key.public_key(), NOW - timedelta(days=9), NOW + timedelta(days=9)
        )
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        made = made.add_extension(_usage(signs=True), critical=True)
        key_id = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        self._identifier = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id)
        self.certificate = made.add_extension(key_id, critical=False).sign(self._key, hashes.SHA256())
        self.ca = folder / f"{name}.pem"
        self.ca.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, hosts: Sequence[str] = (), days: float = 9, password: str = "") -> Pem:
        """A certificate for those hosts that holds for so many days from now on; below 0 it has expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        end = NOW + timedelta(days=days)
        made = _builder(_named(name), self._name, key.public_key(), min(NOW, end) - timedelta(days=1), end)
        made = made.add_extension(self._identifier, critical=False).add_extension(_usage(signs=False), critical=True)
        if hosts:
            made = made.add_extension(x509.SubjectAlternativeName(list(map(_host, hosts))), critical=False)
        cert = made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        hidden = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
        raw = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden)
        files = Pem(*(self._folder / f"{name}.{end}" for end in ("crt", "key", "both")))
        for path, content in zip(files, (cert, raw, raw + cert), strict=True):
            path.write_bytes(content)
        return files


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    return made.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)


def _usage(signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
