"""Find whom a webhook is about from its bytes, without parsing them, to keep the order of each contact's events.

Two workers must not process two webhooks of one contact at the same time. Therefore a key for each person is stored
with a webhook, and a worker does not claim a job that shares a key with an earlier unfinished job. A superfluous key
only delays a job for a moment. If Meta adds ids that give no key, only the order between workers is lost.
"""

from __future__ import annotations

import re
import zlib

from app.domain.phone_numbers import variants

EVERYBODY = "*"
"""The key of a body that is too long to search. Its job waits for all others, and all others wait for it."""

LONGEST_LOOK = 131_072
"""The most bytes that are searched: a hundred times what Meta usually posts."""

_WRITTEN_IN_TWO_WAYS = (b"52", b"54", b"55")
"""Country codes of Mexico, Argentina and Brazil; see `phone_numbers.variants`."""

_PEOPLE = re.compile(
    rb'":(?<=[dmot]":)(?:'
    rb'(?<=_id":)(?:(?<=wa_id":)|(?<=user_id":)|(?<=recipient_id":)|(?<=participant_id":))'
    rb'|(?<=from":)|(?<=to":)|(?<=recipient":))\s*"([^"\\]{1,128})"'
)
"""The ends of the JSON names under which a person's id stands; `recipient_user_id` ends like `user_id`. The pattern
finds the end of a name and looks back from there, which takes half as long as a search for each of these names."""

_OURS = re.compile(rb'display_phone_number":\s*"([^"\\]{1,32})"')


def keys_of(raw: bytes) -> str | None:
    """Return the keys of the persons that a webhook's bytes name, separated by spaces; None if they name nobody.

    Accepts any bytes. The business's own number, which most webhooks contain, does not count. Parsing the JSON instead
    would take three times as long.
    """
    if len(raw) > LONGEST_LOOK:
        return EVERYBODY
    names = set(_PEOPLE.findall(raw))
    names.difference_update(_OURS.findall(raw))
    return " ".join(sorted({_key(name) for name in names})) or None


def _key(name: bytes) -> str:
    if name[:2] in _WRITTEN_IN_TWO_WAYS and name.isdigit():
        name = min(variants(name.decode())).encode()
    return f"{zlib.crc32(name):08x}"


class Taken:
    """The order keys of earlier jobs that are not done."""

    def __init__(self) -> None:
        self._keys: set[str] = set()

    def add(self, keys: str | None) -> None:
        """Add the keys of a job that is not done."""
        self._keys.update((keys or "").split())

    def blocks(self, keys: str | None) -> bool:
        """Whether a job with these keys must wait for one of the added jobs."""
        if not keys or not self._keys:
            return False
        return EVERYBODY in self._keys or keys == EVERYBODY or not self._keys.isdisjoint(keys.split())
