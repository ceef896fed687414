"""Regular expressions for whole strings, in a form that other languages read alike.

The API's description contains the patterns, and there the rules of ECMAScript apply: `^` and `$` anchor a pattern,
while Python's `\\Z` would mean the letter Z.
"""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError, validate


class Matches(validate.Regexp):
    """Validates that a whole string matches a pattern, which is given without anchors."""

    def __init__(self, pattern: str, *, error: str | None = None) -> None:
        super().__init__(re.compile(f"^(?:{pattern})$" if "|" in pattern else f"^{pattern}$"), error=error)

    def __call__(self, value: Any) -> Any:
        """Return a value that matches; else raise `ValidationError`. `$` alone would accept a trailing line break."""
        if self.regex.fullmatch(value) is None:
            raise ValidationError(self._format_error(value))
        return value
