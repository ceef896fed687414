"""The names of files in the vault."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.models import MediaFile


def all_keys(session: Session) -> list[str]:
    """Return the keys of all contents and of their small pictures."""
    found = session.execute(select(MediaFile.key, MediaFile.thumbnail_key)).all()
    return sorted(key for row in found for key in row if key is not None)


def rename(session: Session, old: str, new: str) -> None:
    """Let the content or small picture that has a key have another one."""
    for column in (MediaFile.key, MediaFile.thumbnail_key):
        session.execute(update(MediaFile).where(column == old).values({column: new}))
