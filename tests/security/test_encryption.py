from __future__ import annotations

import subprocess
import sys

import pytest
from cryptography.fernet import Fernet

from app.security.encryption import CannotDecrypt, Encryptor, hash_key

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_a_vault_gives_back_what_it_was_given() -> None:
    encryptor = Encryptor([OLD])

    token = encryptor.encrypt("EAAB-token ñ 🔑")

    assert encryptor.decrypt(token) == "EAAB-token ñ 🔑"
    assert "EAAB" not in token
    assert token != encryptor.encrypt("EAAB-token ñ 🔑")


def test_a_rotated_vault_reads_old_texts_and_writes_with_the_new_key() -> None:
    old_token = Encryptor([OLD]).encrypt("kept")
    rotated = Encryptor([NEW, OLD])

    new_token = rotated.encrypt("kept")

    assert rotated.decrypt(old_token) == "kept"
    assert Encryptor([NEW]).decrypt(new_token) == "kept"


@pytest.mark.parametrize(
    "token",
    [Encryptor([NEW]).encrypt("x"), "", "not a token", "gAAAAA=="],
    ids=["another key's", "none", "a text", "cut"],
)
def test_a_vault_refuses_what_it_did_not_encrypt_without_quoting_it(token: str) -> None:
    with pytest.raises(CannotDecrypt) as caught:
        Encryptor([OLD]).decrypt(token)

    assert not token or token not in str(caught.value)


def test_cryptography_is_not_imported_before_it_is_used() -> None:
    script = (
        f"import sys; from app.security.encryption import Encryptor; Encryptor(['{OLD}']); "
        "sys.exit('cryptography' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", script], timeout=30).returncode == 0


def test_a_key_is_kept_as_its_sha256() -> None:
    assert hash_key("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
