"""The private authority for host names of the Graph-compatible face, and what it signs."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.errors import WrongState
from app.services.graph_proxy.certificate import (
    BUNDLE,
    CA,
    CA_KEY,
    CA_LIFETIME,
    CERTIFICATE,
    KEY,
    RENEW_BEFORE,
    make_certificate,
    read_state,
)

NOW = datetime.now(UTC)  # the TLS library goes by the machine's clock
HOSTS = ("graph.facebook.com", "graph.internal")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "new" / "graph-ca"


def modes(folder: Path) -> dict[str, int]:
    return {each.name: each.stat().st_mode & 0o777 for each in folder.iterdir()}


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> None:
    """Shake hands without a network. Raises what the client finds wrong."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        server.wrap_bio(to_server, to_client, server_side=True),
        client.wrap_bio(to_client, to_server, server_hostname=host),
    ]
    for _ in range(4):
        for end in reversed(ends):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue


def shake(folder: Path, host: str, *, key: Path | None = None, certificate: Path | None = None) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate or folder / CERTIFICATE, key or folder / KEY)
    client = ssl.create_default_context(cafile=str(folder / CA))
    client.verify_flags |= ssl.VERIFY_X509_STRICT  # as newer Pythons do by themselves
    handshake(server, client, host)


def test_keys_are_this_users_alone(folder: Path) -> None:
    with umask(0):
        make_certificate(folder, HOSTS, NOW)

    assert folder.stat().st_mode & 0o777 == 0o700
    assert modes(folder) == {CA_KEY: 0o600, KEY: 0o600, CA: 0o644, CERTIFICATE: 0o644, BUNDLE: 0o644}


@pytest.mark.parametrize("host", HOSTS)
def test_who_trusts_the_authority_trusts_the_certificate(folder: Path, host: str) -> None:
    made = make_certificate(folder, HOSTS, NOW)

    shake(folder, host)

    assert made == read_state(folder)
    assert made.hosts == HOSTS
    assert made.ends - NOW <= timedelta(days=397) - timedelta(hours=1)
    usual = Path(__import__("certifi").where()).read_bytes()
    assert (folder / BUNDLE).read_bytes() == usual + b"\n" + (folder / CA).read_bytes()


@pytest.mark.parametrize("host", ["www.facebook.com", "example.org", "127.0.0.1", "::1"])
def test_the_authority_can_vouch_for_nothing_else(folder: Path, tmp_path: Path, host: str) -> None:
    """What a thief of its key would make is refused by whoever trusts it."""
    make_certificate(folder, HOSTS, NOW)
    ca = x509.load_pem_x509_certificate((folder / CA).read_bytes())
    ca_key = serialization.load_pem_private_key((folder / CA_KEY).read_bytes(), None)
    forged = forge(ca, ca_key, folder, host)
    (tmp_path / "forged.pem").write_bytes(forged.public_bytes(serialization.Encoding.PEM))

    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation|excluded subtree violation"):
        shake(folder, host, certificate=tmp_path / "forged.pem")


def forge(ca: x509.Certificate, ca_key: object, folder: Path, host: str) -> x509.Certificate:
    import ipaddress

    try:
        name: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        name = x509.DNSName(host)
    real = x509.load_pem_x509_certificate((folder / CERTIFICATE).read_bytes())
    builder = (
        x509.CertificateBuilder().subject_name(real.subject).issuer_name(ca.subject).public_key(real.public_key())
        .serial_number(1).not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([name]), critical=False)
    )  # fmt: skip
    for extension in real.extensions:
        if not isinstance(extension.value, x509.SubjectAlternativeName):
            builder = builder.add_extension(extension.value, extension.critical)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    return builder.sign(ca_key, hashes.SHA256())


def test_a_renewal_keeps_the_authority(folder: Path) -> None:
    first = make_certificate(folder, HOSTS, NOW - timedelta(days=390))
    before = {each.name: each.read_bytes() for each in folder.iterdir()}
    assert first.ends < NOW + RENEW_BEFORE

    second = make_certificate(folder, HOSTS, NOW)

    assert second.ends > NOW + timedelta(days=390)
    changed = {each.name for each in folder.iterdir() if before[each.name] != each.read_bytes()}
    assert changed == {KEY, CERTIFICATE}
    shake(folder, HOSTS[0])


def test_another_name_needs_another_authority(folder: Path) -> None:
    make_certificate(folder, HOSTS[:1], NOW)
    before = {each.name: each.read_bytes() for each in folder.iterdir()}

    with pytest.raises(WrongState, match="vouches for graph.facebook.com alone, not for graph.internal"):
        make_certificate(folder, HOSTS, NOW)

    assert before == {each.name: each.read_bytes() for each in folder.iterdir()}


def test_an_authority_that_ends_signs_nothing_more(folder: Path) -> None:
    make_certificate(folder, HOSTS, NOW - CA_LIFETIME)

    with pytest.raises(WrongState, match="ends at .* Move that folder away"):
        make_certificate(folder, HOSTS, NOW)


@pytest.mark.parametrize("missing", [CA, CA_KEY])
def test_half_an_authority_is_not_replaced(folder: Path, missing: str) -> None:
    make_certificate(folder, HOSTS, NOW)
    (folder / missing).unlink()

    with pytest.raises(WrongState, match="only one is there"):
        make_certificate(folder, HOSTS, NOW)

    assert not (folder / missing).exists()


def test_a_key_of_another_authority_is_told(folder: Path, tmp_path: Path) -> None:
    make_certificate(folder, HOSTS, NOW)
    make_certificate(tmp_path / "other", HOSTS, NOW)
    (folder / CA_KEY).write_bytes((tmp_path / "other" / CA_KEY).read_bytes())

    with pytest.raises(WrongState, match="is not the key of"):
        make_certificate(folder, HOSTS, NOW)


def test_a_folder_that_others_read_takes_no_keys(folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o755)

    with pytest.raises(WrongState, match=f"Run chmod 700 {folder}"):
        make_certificate(folder, HOSTS, NOW)

    assert list(folder.iterdir()) == []


def test_what_is_no_certificate_is_told(folder: Path) -> None:
    assert read_state(folder) is None
    make_certificate(folder, HOSTS, NOW)
    (folder / CERTIFICATE).write_bytes(b"nonsense")

    with pytest.raises(WrongState, match="is not a certificate that can be read"):
        read_state(folder)


def test_a_name_of_more_than_64_characters(folder: Path) -> None:
    host = f"{'a' * 63}.{'b' * 63}.internal"

    make_certificate(folder, [host], NOW)

    shake(folder, host)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)
