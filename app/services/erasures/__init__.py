"""The ledger of erased people: keyed hashes of their ids, in the database and in a file outside of it.

`ErasureLedger.record` is called when a person is erased. Whoever puts an older copy of the database back, or imports
people, asks the ledger whom to forget again (`people_to_forget`, `is_erased`).
"""

from app.services.erasures.ledger import ErasureLedger
from app.services.erasures.ledger_file import LedgerPart
from app.services.erasures.ledger_file import read as read_ledger

__all__ = ["ErasureLedger", "LedgerPart", "read_ledger"]
