"""A file's `url`: it works for five minutes without a key, as several SDKs fetch it, and afterwards with one."""

from __future__ import annotations

import time

from flask import request

from app.security.signed_links import LIFETIME_SECONDS, is_signed, signed
from app.services.registries import Caller
from app.web.context import gateway

_FILE = "graph file"
_FACTS = frozenset({"mid", "phone_number_id"})


def to_file(media_id: str, phone_number_id: str) -> dict[str, str]:
    """The query of a link to a file of a number's."""
    facts = {"mid": media_id, "phone_number_id": phone_number_id}
    return signed(gateway().config.secret_key, _FILE, facts, time.time() + LIFETIME_SECONDS)


def bearer() -> Caller | None:
    """Who comes with a link that works, to the one number whose file it is; None without one."""
    if not is_signed(gateway().config.secret_key, _FILE, request.args, _FACTS, time.time()):
        return None
    return Caller("signed link", frozenset({"read"}), (request.args["phone_number_id"],))
