from __future__ import annotations

import hashlib
import hmac

import pytest

from app.security.meta_signatures import sign_meta, verify_meta_signature

SECRETS = ("first-app-secret-0001", "second-app-secret-002", "third-app-secret-0003")
RAW = '{"entry":[{"id":"äöå / <é>"}]}'.encode()


def test_it_signs_as_meta_does() -> None:
    expected = hmac.new(SECRETS[0].encode(), RAW, hashlib.sha256).hexdigest()

    assert sign_meta(SECRETS[0], RAW) == f"sha256={expected}"


@pytest.mark.parametrize("index", range(len(SECRETS)))
def test_it_names_the_secret_that_signed(index: int) -> None:
    header = sign_meta(SECRETS[index], RAW)

    assert verify_meta_signature(SECRETS, RAW, header) == index


def test_it_names_the_first_of_two_equal_secrets() -> None:
    header = sign_meta(SECRETS[0], RAW)

    assert verify_meta_signature((SECRETS[0], SECRETS[0]), RAW, header) == 0


def test_it_refuses_a_body_changed_by_one_byte() -> None:
    header = sign_meta(SECRETS[0], RAW)

    assert verify_meta_signature(SECRETS, RAW + b" ", header) is None


def test_it_refuses_an_unknown_secret() -> None:
    header = sign_meta("somebody-elses-secret", RAW)

    assert verify_meta_signature(SECRETS, RAW, header) is None


def test_no_secret_and_an_empty_secret_vouch_for_nobody() -> None:
    header = sign_meta("", RAW)

    assert verify_meta_signature((), RAW, header) is None
    assert verify_meta_signature(("",), RAW, header) is None


DIGEST = sign_meta(SECRETS[0], RAW).removeprefix("sha256=")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "sha256=",
        DIGEST,
        f"sha1={DIGEST[:40]}",
        f"sha256={DIGEST.upper()}",
        f"SHA256={DIGEST}",
        f"sha256={DIGEST}\n",
        f" sha256={DIGEST}",
        f"sha256={DIGEST}0",
        f"sha256={DIGEST[:-1]}",
        f"sha256={DIGEST[:-1]}ä",
        f"sha256={DIGEST[:-1]}٣",
        f"sha256={DIGEST},sha256={DIGEST}",
    ],
)
def test_it_refuses_a_header_not_written_as_meta_writes_it(header: str | None) -> None:
    assert verify_meta_signature(SECRETS, RAW, header) is None
