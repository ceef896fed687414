"""Phone numbers as Meta reads them: what callers may write, and the forms in which one person is known.

Sources: Meta: messages/send-messages (phone number formats); for Argentina and Mexico, what integrators report.
"""

from __future__ import annotations

import re

_WRITTEN = re.compile(r"\+?[\d\-\s()]{5,30}")
_LONGEST_LOCAL = 10


def is_phone_number(written: str) -> bool:
    """Whether Graph would read this as a number: digits, with `+`, hyphens, spaces and brackets tolerated."""
    return _WRITTEN.fullmatch(written) is not None and 5 <= len(digits_of(written)) <= 15


def digits_of(written: str) -> str:
    """The digits alone."""
    return re.sub(r"\D", "", written)


def dialled(written: str, business_number: str) -> str:
    """The digits that Meta would write to: without `+`, a short number gets the business's own country code."""
    digits = digits_of(written)
    if written.strip().startswith("+") or len(digits) > _LONGEST_LOCAL:
        return digits
    return business_number[: max(1, len(business_number) - _LONGEST_LOCAL)] + digits


def forms_of(digits: str) -> tuple[str, ...]:
    """The forms under which the same person may be known; the one that WhatsApp prefers comes first."""
    rest = digits[2:]
    if digits.startswith("54"):  # Argentina: mobiles have a 9 after the country code
        local = rest.removeprefix("9") if len(rest) == 11 else rest
        return ("549" + local, "54" + local)
    if digits.startswith("52"):  # Mexico: accounts older than 2019 keep a 1 there
        local = rest.removeprefix("1") if len(rest) == 11 else rest
        return ("521" + local, "52" + local)
    if digits.startswith("55") and len(rest) in (10, 11):  # Brazil: the ninth digit came later
        area, local = rest[:2], rest[2:]
        short = local[1:] if len(local) == 9 and local[0] == "9" else local
        return ("55" + area + "9" + short, "55" + area + short)
    return (digits,)
