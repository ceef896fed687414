"""Change what the team records about a contact: its name, notes and consent to marketing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from app.db.database import Database
from app.domain.messages import shown
from app.domain.opt_outs import ConsentSource
from app.services.audit_log import record_act
from app.services.contacts.events import append_contact_updated, record_consent
from app.services.contacts.identity import to_ref
from app.services.contacts.read import find
from app.services.registries import NumberDirectory
from app.store import contacts, events
from app.store.contact_list import Numbers


class EditContact:
    """Changes contacts on request of the API."""

    def __init__(self, database: Database, directory: NumberDirectory, now: Callable[[], datetime]) -> None:
        self._database = database
        self._directory = directory
        self._now = now

    def __call__(self, contact_id: str, changes: dict[str, Any], numbers: Numbers) -> None:
        """Set those of `name`, `notes` and `opted_out` that `changes` has, and append the events for that.

        Consent applies to `phone_number_id` of `changes`, else to every number in `numbers` (None: all). Raises
        `NotFound`, `Invalid` for a number outside `numbers`, and `Unavailable`.
        """
        ours = self._directory.choose(changes.get("phone_number_id"), numbers)
        now = self._now()
        columns = {"name": "given_name", "notes": "notes"}
        values = {columns[name]: changes[name] for name in columns if name in changes}
        with self._database.write() as session:
            events.take_turn(session)
            row = find(session, contact_id, numbers)
            said: dict[str, Any] = {name: changes[name] for name in ("name", "opted_out") if name in changes}
            said["changed"] = sorted(changes)
            record_act(session, now, act="contact.changed", subject=f"contact:{contact_id}", details=said)
            if values:
                contacts.edit(session, contact_id, values | {"updated_at": now})
                named = replace(to_ref(row), given_name=values.get("given_name", row.given_name))
                data = {"contact": shown(named), "previous": None, "reason": "edited"}
                data |= {"opt_out": None, "handover": None}
                append_contact_updated(session, contact_id, data, now, None)
            if changes.get("opted_out") is not None:
                record_consent(session, contact_id, changes["opted_out"], ConsentSource.API, ours, now)
