"""Business numbers: add, change and remove them (`save`), show them (`read`), check them at Meta (`check`), and tell
what Meta's webhooks said of them last (`standing`).

`api_usage` records how much of its rate limits Graph says is used. The numbers that a process sends with, and their
tokens, are kept in memory by `registries.NumberDirectory`.
"""

from app.services.numbers.api_usage import RecordApiUsage
from app.services.numbers.check import CheckNumber
from app.services.numbers.read import SETTINGS, find_number, list_numbers
from app.services.numbers.save import change_number, remove_number, save_number
from app.services.numbers.standing import read_standing

__all__ = [
    "SETTINGS", "CheckNumber", "RecordApiUsage", "change_number", "find_number", "list_numbers",
    "read_standing",
    "remove_number", "save_number",
]  # fmt: skip
