"""Create a private certificate authority for the host names of the Graph proxy, and a certificate signed by it.

An application that has Meta's host name built in connects to this gateway under that name, and must trust the
gateway's certificate. The authority is constrained to these host names, so a stolen key is of no use for others.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from app.config.parsers import ROOT
from app.errors import WrongState

DEFAULT_HOST = "graph.facebook.com"
FOLDER = ROOT / "data" / "graph-ca"
CA_KEY, CA, KEY, CERTIFICATE, BUNDLE = "ca.key", "ca.pem", "server.key", "server.pem", "bundle.pem"

CA_LIFETIME = timedelta(days=3650)
LIFETIME = timedelta(days=396)
"""Lifetime from now. Clients refuse certificates of more than 397 days; `EARLIER` counts too."""

EARLIER = timedelta(hours=1)
"""How long before now a certificate begins, for applications whose clock is behind."""

RENEW_BEFORE = timedelta(days=30)
"""How long before its expiry a certificate is renewed, and an alert is raised."""


@dataclass(frozen=True, slots=True)
class State:
    """The certificate in a folder: its host names, and when it and its authority expire."""

    hosts: tuple[str, ...]
    ends: datetime
    ca_ends: datetime

    @property
    def renew_from(self) -> datetime:
        """The time from which the certificate should be renewed."""
        return self.ends - RENEW_BEFORE


def read_state(folder: Path) -> State | None:
    """Return the state of a folder's certificate, None if there is none. Raises `WrongState` for unreadable files."""
    try:
        certificate, ca = (_certificate(folder / name) for name in (CERTIFICATE, CA))
    except FileNotFoundError:
        return None
    return State(_names(certificate), certificate.not_valid_after_utc, ca.not_valid_after_utc)


def make_certificate(folder: Path, hosts: Sequence[str], now: datetime) -> State:
    """Create a key and a certificate for these host names in a folder, replacing earlier ones, and return the state.

    The folder and the authority are created if missing. An existing authority is never replaced, because applications
    trust it. Raises `WrongState` if it expires soon or is for other names, and for files that cannot be used.
    """
    _make_folder(folder)
    ca, ca_key = _authority(folder, hosts, now)
    if ca.not_valid_after_utc <= now + RENEW_BEFORE:
        raise WrongState(
            f"The authority in {folder} ends at {ca.not_valid_after_utc:%Y-%m-%d}. Move that folder away and run this"
            " again: it makes a new authority, which each application must be given."
        )
    key = ec.generate_private_key(ec.SECP256R1())
    ends = min(now + LIFETIME, ca.not_valid_after_utc)
    certificate = (
        _builder(hosts[0], ca.subject, key.public_key(), now, ends)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    _replace(folder / KEY, _key_bytes(key), 0o600)
    _replace(folder / CERTIFICATE, _pem(certificate), 0o644)
    _replace(folder / BUNDLE, Path(certifi.where()).read_bytes() + b"\n" + _pem(ca), 0o644)
    return State(_names(certificate), certificate.not_valid_after_utc, ca.not_valid_after_utc)


def _make_folder(folder: Path) -> None:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_mode & 0o077:
            raise WrongState(f"Others can read {folder}, and keys go there. Run chmod 700 {folder}, or name another.")
    except OSError as error:
        raise WrongState(f"The folder {folder} cannot be made or read: {error.strerror}.") from error


def _authority(
    folder: Path, hosts: Sequence[str], now: datetime
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Read the authority in a folder, or create it if there is none. Raises `WrongState`."""
    key_file, file = folder / CA_KEY, folder / CA
    if not key_file.exists() and not file.exists():
        return _make_authority(folder, hosts, now)
    if not (key_file.exists() and file.exists()):
        raise WrongState(
            f"Of {CA_KEY} and {CA} in {folder} only one is there. Put the other back, or move the folder away and run"
            " this again: it makes a new authority, which each application must be given."
        )
    ca = _certificate(file)
    try:
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise WrongState(f"{key_file} is not a key that can be read.") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != ca.public_key():
        raise WrongState(f"{key_file} is not the key of {file}.")
    permitted = _permitted(ca)
    strange = [host for host in hosts if host not in permitted]
    if strange:
        raise WrongState(
            f"The authority in {folder} vouches for {', '.join(permitted)} alone, not for {', '.join(strange)}. Name"
            " another folder with --folder, or move this one away; each application must be given the new authority."
        )
    return ca, key


def _make_authority(
    folder: Path, hosts: Sequence[str], now: datetime
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    # A constraint applies to its own kind of name only, so all IP addresses are excluded in addition.
    constraints = x509.NameConstraints(
        permitted_subtrees=[x509.DNSName(host) for host in hosts],
        excluded_subtrees=[x509.IPAddress(ip_network(every)) for every in ("0.0.0.0/0", "::/0")],
    )
    subject = _name(f"whatsapp-service: {hosts[0]} alone")
    ca = (
        _builder("", subject, key.public_key(), now, now + CA_LIFETIME, subject=subject)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(constraints, critical=True)
        .sign(key, hashes.SHA256())
    )
    _create(folder / CA_KEY, _key_bytes(key), 0o600)
    _create(folder / CA, _pem(ca), 0o644)
    return ca, key


def _builder(
    host: str,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    ends: datetime,
    *,
    subject: x509.Name | None = None,
) -> x509.CertificateBuilder:
    """Return a builder with the fields that both certificates have. `host` is the common name if `subject` is None."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject or _name(host[:64]))  # at most 64 characters; clients check the alternative names instead
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature, key_cert_sign=key_cert_sign, crl_sign=crl_sign, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise WrongState(f"{path} is not a certificate that can be read.") from error


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(found.get_values_for_type(x509.DNSName))


def _permitted(ca: x509.Certificate) -> tuple[str, ...]:
    try:
        found = ca.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(each.value for each in found.permitted_subtrees or () if isinstance(each, x509.DNSName))


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _create(path: Path, content: bytes, mode: int) -> None:
    """Write a new file with this mode. Raises `WrongState` if it exists or cannot be written."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
    except FileExistsError as error:
        raise WrongState(f"{path} is there already; somebody else has just made it. Run this again.") from error
    except OSError as error:
        raise WrongState(f"{path} cannot be written: {error.strerror}.") from error


def _replace(path: Path, content: bytes, mode: int) -> None:
    """Replace a file atomically, so that no reader sees half of it. The new file has its final mode from the start."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    _create(new, content, mode)
    new.replace(path)
