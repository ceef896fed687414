"""Verify the chain, in the database or in an export."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.db.database import Database
from app.domain.audit_chain import START, Link, flaw
from app.errors import Malformed
from app.store import audit_log


@dataclass(slots=True)
class Verdict:
    """What a verification found. `problem` is about the first broken entry; None for an intact chain.

    `entries` were verified, of which `erased` have erased details; `unsealed` still wait for their place. `place` and
    `hash` are of the last entry: whoever notes them elsewhere can prove later that nothing up to there was changed.
    """

    entries: int = 0
    erased: int = 0
    unsealed: int = 0
    place: int = 0
    hash: str = START
    problem: str | None = None
    has_head: bool | None = None
    """Whether the hash that was asked for is in the chain; None if none was asked for."""

    @property
    def is_intact(self) -> bool:
        """Whether nothing was changed, removed, inserted or moved."""
        return self.problem is None and self.has_head is not False


def verify_chain(database: Database, known_hash: str | None = None) -> Verdict:
    """Verify the stored chain; with `known_hash` also that this hash, noted earlier, is in it. Raises `Unavailable`."""
    with database.snapshot() as session:
        head = audit_log.find_head(session)
        verdict = Verdict(place=head.base_place if head else 0, hash=head.base_hash if head else START)
        _walk(verdict, map(audit_log.to_link, audit_log.chain(session)), known_hash)
        verdict.unsealed = audit_log.count_unsealed(session)
        end = (head.place, head.hash) if head else (0, START)
    if verdict.problem is None and (verdict.place, verdict.hash) != end:
        verdict.problem = f"the entries after place {verdict.place} are missing; the last one had place {end[0]}"
    return verdict


def verify_export(lines: Iterable[str], known_hash: str | None = None) -> Verdict:
    """Verify a file of `audit export`. Raises `Malformed` for what is no such file."""
    objects = _objects(lines)
    first = next(objects, None)
    if first is None or "base" not in first:
        raise Malformed("This is no export of the audit log: its first line must have `base`.")
    verdict = Verdict(place=int(first["base"]["place"]), hash=str(first["base"]["hash"]))
    end: dict[str, Any] = {}

    def links() -> Iterator[Link]:
        for each in objects:
            if "end" in each:
                end.update(each["end"])
            elif each["hash"] is None:
                verdict.unsealed += 1
            else:
                yield _link(each)

    _walk(verdict, links(), known_hash)
    if verdict.problem is None and (verdict.place, verdict.hash) != (end.get("place"), end.get("hash")):
        verdict.problem = f"the export ends after place {verdict.place}, before its end"
    return verdict


def _walk(verdict: Verdict, links: Iterable[Link], known_hash: str | None) -> None:
    """Follow the chain until the first flaw."""
    if known_hash is not None:
        verdict.has_head = known_hash == verdict.hash
    for link in links:
        verdict.problem = flaw(link, verdict.place + 1, verdict.hash)
        if verdict.problem is not None:
            return
        verdict.place, verdict.hash = verdict.place + 1, str(link.hash)
        verdict.entries += 1
        verdict.erased += link.salt is None
        if known_hash == verdict.hash:
            verdict.has_head = True


def _objects(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            found = json.loads(line)
        except ValueError:
            raise Malformed("A line of the export is no JSON; was it cut off?") from None
        if not isinstance(found, dict):
            raise Malformed("A line of the export is no JSON object.")
        yield found


def _link(entry: dict[str, Any]) -> Link:
    try:
        return Link(
            entry["place"], datetime.fromisoformat(entry["at"]), entry["actor"], entry["act"], entry["subject"],
            entry["details_text"], entry["salt"], entry["commitment"], entry["hash"],
        )  # fmt: skip
    except (KeyError, ValueError, TypeError):
        raise Malformed("A line of the export lacks a field of an entry.") from None
