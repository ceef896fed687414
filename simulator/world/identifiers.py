"""Ids in the forms that Meta gives them."""

from __future__ import annotations

import base64
from random import Random

_COUNTRIES = {"1": "US", "34": "ES", "44": "GB", "49": "DE", "52": "MX", "54": "AR", "55": "BR", "57": "CO", "91": "IN"}


def wamid(random: Random, wa_id: str, *, from_business: bool) -> str:
    """A message id: Meta's packs the customer's number, a direction and a random part, then encodes it as base64."""
    direction = b"\x11" if from_business else b"\x12"
    unique = f"{random.getrandbits(80):020X}".encode()
    packed = b"\x1c\x18" + _counted(wa_id.encode()) + b"\x15\x02\x00" + direction + b"\x18" + _counted(unique) + b"\x00"
    return "wamid." + base64.b64encode(packed).decode()


def business_scoped_user_id(random: Random, wa_id: str) -> str:
    """A BSUID: the country's two letters, a point, and digits."""
    return f"{country_of(wa_id)}.{random.randrange(10**15, 10**16)}"


def country_of(wa_id: str) -> str:
    """The two letters of the country that a number belongs to; `ZZ` for one that the simulator does not know."""
    return next((_COUNTRIES[wa_id[:n]] for n in (2, 1) if wa_id[:n] in _COUNTRIES), "ZZ")


def numeric_id(random: Random) -> str:
    """An id of Graph's for anything that is not a message: sixteen digits."""
    return str(random.randrange(10**15, 10**16))


def trace_id(random: Random) -> str:
    """What Graph's errors carry as `fbtrace_id`."""
    return "A" + base64.urlsafe_b64encode(random.randbytes(12)).decode()


def _counted(text: bytes) -> bytes:
    return bytes([len(text)]) + text
