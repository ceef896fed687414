"""The names of files in the vault."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from app.models import Job, MediaFile
from app.store.media import DISCARD


def all_keys(session: Session) -> list[str]:
    """Return the keys of all contents and of their small pictures."""
    found = session.execute(select(MediaFile.key, MediaFile.thumbnail_key)).all()
    return sorted(key for row in found for key in row if key is not None)


def unnamed(session: Session, keys: Collection[str]) -> set[str]:
    """Return those of these keys that no row names, and that no job is to delete already."""
    named = or_(MediaFile.key.in_(keys), MediaFile.thumbnail_key.in_(keys))
    found = session.execute(select(MediaFile.key, MediaFile.thumbnail_key).where(named)).all()
    leaving = session.scalars(select(Job.subject_id).where(Job.kind == DISCARD, Job.subject_id.in_(keys)))
    return set(keys) - {key for row in found for key in row} - set(leaving)


def without_thumbnail(session: Session, keys: Collection[str]) -> list[str]:
    """Return those of these keys whose small picture was given up because the vault did not have the content."""
    lost = MediaFile.thumbnail == "missing", MediaFile.key.in_(keys)
    return sorted(session.scalars(select(MediaFile.key).where(*lost)))


def want_thumbnails(session: Session, keys: Collection[str]) -> None:
    """Let small pictures be made of contents that the vault has again."""
    lost = MediaFile.thumbnail == "missing", MediaFile.key.in_(keys)
    session.execute(update(MediaFile).where(*lost).values(thumbnail="wanted"))


def rename(session: Session, old: str, new: str) -> None:
    """Let the content or small picture that has a key have another one."""
    for column in (MediaFile.key, MediaFile.thumbnail_key):
        session.execute(update(MediaFile).where(column == old).values({column: new}))
