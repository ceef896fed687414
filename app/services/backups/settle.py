"""What a restored copy needs before anybody uses it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.db.database import Database
from app.domain.holds import HeldFor
from app.services.audit_log import record_act
from app.services.contacts import EraseContact
from app.services.erasures import ErasureLedger, LedgerPart
from app.services.sending import HoldSends
from app.store import restored, upkeep


@dataclass(frozen=True, slots=True)
class Settled:
    """How many sends were held, and how many people were forgotten again."""

    held: int
    forgotten: int


def settle(
    database: Database,
    *,
    ledger: ErasureLedger,
    parts: Sequence[LedgerPart],
    erase: EraseContact,
    hold: HoldSends,
    process: Callable[[], bool],
    now: datetime,
    made_at: str,
) -> Settled:
    """Hold what may have been sent since the copy was made, and erase again who was erased since then.

    Every send that was due is held, also one that was just being sent: it is `unknown`, and Meta's reports resolve it.
    `process` processes webhooks that were stored and not processed yet, so that nobody is missed who is named in one.
    Raises `Unavailable`, and `CannotDecrypt`.
    """
    with database.write() as session:
        restored.forget_processes(session)
        restored.release_claims(session, now)
        restored.bump_registry(session)
        # The one that the copy was made of may still use the store of files: see services.media.orphans.
        upkeep.forget(session, upkeep.VAULT_OWNER)
        details = {"made_at": made_at}
        record_act(session, now, act="backup.restored", subject="database", details=details)
    while True:
        with database.write() as session:
            if not restored.sending_to_unknown(session, now):
                break
    held = hold.hold_all(HeldFor.RESTORED)
    ledger.adopt(parts)
    if parts:
        while process():
            pass
    people = ledger.people_to_forget(parts)
    for contact_id, erased_at in people.items():
        erase(contact_id, erased_at=erased_at)
    return Settled(held, len(people))
