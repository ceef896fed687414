"""Keys, signatures and encryption of Web Push (RFC 8030, 8291, 8292).

The gateway's own key pair (VAPID) is derived from `SECRET_KEY`, so that every process has the same one and nothing is
stored. With another `SECRET_KEY` all devices must be allowed again. What needs `cryptography` loads it when called.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

TOKEN_LASTS = timedelta(hours=12)
"""Push services refuse tokens that last longer than 24 hours (RFC 8292)."""

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The order of the curve P-256; a private key is a number from 1 to below it."""

_POINT_BYTES, _AUTH_BYTES = 65, 16


def own_key(secret_key: str) -> EllipticCurvePrivateKey:
    """Return the gateway's private key, derived from `SECRET_KEY`."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    # 16 bytes more than the key has, so that no number is likelier than another after the division.
    derived = HKDF(SHA256(), 48, salt=None, info=b"whatsapp-service web push").derive(secret_key.encode())
    return ec.derive_private_key(int.from_bytes(derived) % (_ORDER - 1) + 1, ec.SECP256R1())


def public_key(secret_key: str) -> str:
    """Return the gateway's public key as browsers take it: an uncompressed point, URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(_point_of(own_key(secret_key))).decode().rstrip("=")


def signed_headers(secret_key: str, endpoint: str, contact: str, now: datetime) -> Mapping[str, str]:
    """Return the headers that prove to an endpoint's push service who sends. `contact` is a `mailto:` or `https:`."""
    from py_vapid import Vapid02

    parts = urlsplit(endpoint)
    claims = {"aud": f"{parts.scheme}://{parts.netloc}", "sub": contact, "exp": int((now + TOKEN_LASTS).timestamp())}
    headers: Mapping[str, str] = Vapid02(own_key(secret_key)).sign(claims)
    return headers


def encrypt_push(text: str, keys: Mapping[str, str]) -> bytes:
    """Return a text as only the device with these keys (`p256dh`, `auth`) can read it."""
    import http_ece
    from cryptography.hazmat.primitives.asymmetric import ec

    body: bytes = http_ece.encrypt(
        text.encode(), private_key=ec.generate_private_key(ec.SECP256R1()), dh=_bytes(keys["p256dh"]),
        auth_secret=_bytes(keys["auth"]), version="aes128gcm",
    )  # fmt: skip
    return body


def are_device_keys(keys: object) -> bool:
    """Return whether something from a browser is an object with a point of the curve and a secret of 16 bytes."""
    from cryptography.hazmat.primitives.asymmetric import ec

    if not isinstance(keys, dict) or not all(isinstance(keys.get(name), str) for name in ("p256dh", "auth")):
        return False
    try:
        point, secret = _bytes(keys["p256dh"]), _bytes(keys["auth"])
        if len(point) != _POINT_BYTES or len(secret) != _AUTH_BYTES:
            return False
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        return False
    return True


def contact_of(public_url: str, mails: tuple[str, ...]) -> str:
    """Return whom a push service may write to (`sub`): the first address of `ALERT_EMAIL`, else `PUBLIC_URL`'s host."""
    if mails:
        return f"mailto:{mails[0]}"
    host = urlsplit(public_url).hostname or ""
    return f"https://{host}" if re.fullmatch(r"[\w-]+\.[\w.-]+", host) else "mailto:nobody@whatsapp-service.invalid"


def _point_of(key: EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _bytes(text: str) -> bytes:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,200}={0,2}", text):
        raise ValueError("not base64")
    return base64.urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
