"""Choose the business number that a message goes out from."""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.numbers import BusinessNumber, Directory
from app.errors import Invalid, NotFound


def choose_number(directory: Directory, asked: str | None, allowed: Sequence[str] | None) -> BusinessNumber:
    """Return the business number that is to send. Raises `NotFound`, and `Invalid` if none is named and several fit."""
    found = {key: number for key, number in directory.numbers.items() if allowed is None or key in allowed}
    if asked is not None:
        if asked not in found:
            raise NotFound("No number of ours has this phone_number_id.")
        return found[asked]
    if len(found) != 1:
        raise Invalid(fields={"phone_number_id": ["is required, because there is not exactly one number"]})
    return next(iter(found.values()))
