"""Connect a number of Meta's to this gateway, step by step; each step looks first, so that all can be repeated.

`discovery` finds accounts and numbers by app and token alone, `steps` registers, subscribes and saves the callback,
`trial` sends a template and waits until it is delivered. `remedies` says what to do about each refusal of Meta's. The
questions to a person are the command's.
"""

from app.services.connecting.discovery import Number, find_accounts, look_at_token
from app.services.connecting.remedies import failed
from app.services.connecting.steps import register, save_the_callback, subscribe
from app.services.connecting.trial import find_template, send_and_wait
from app.services.connecting.types import Link, Step, StepState

__all__ = [
    "Link", "Number", "Step", "StepState", "failed", "find_accounts", "find_template",
    "look_at_token", "register", "save_the_callback", "send_and_wait", "subscribe",
]  # fmt: skip
