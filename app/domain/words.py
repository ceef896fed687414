"""Mark sentences that a page translates when it shows them."""

from __future__ import annotations


def N_(text: str) -> str:  # noqa: N802: the name by which collectors of texts know it
    """Return the text as it is. A page shows it by `gettext(text)`; the mark lets `./run.sh words` find it."""
    return text
