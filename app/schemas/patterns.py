"""Patterns of whole strings, written so that other languages read them alike.

What callers are told of a pattern stands in the API's description, where ECMAScript's rules hold: there, `^` and `$`
anchor it, and Python's own `\\Z` would mean the letter.
"""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError, validate


class Matches(validate.Regexp):
    """Wants a whole string to match a pattern, which is given without anchors."""

    def __init__(self, pattern: str, *, error: str | None = None) -> None:
        super().__init__(re.compile(f"^(?:{pattern})$" if "|" in pattern else f"^{pattern}$"), error=error)

    def __call__(self, value: Any) -> Any:
        """Return a value that matches. `$` alone would let a line break follow."""
        if self.regex.fullmatch(value) is None:
            raise ValidationError(self._format_error(value))
        return value
