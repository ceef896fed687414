"""The version of the registries: endpoints, numbers and API keys."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Sequence


class RegistryVersion(Base):
    """One row. Each transaction that changes an endpoint, a number or a key increases `version`.

    A process that keeps a registry in memory compares it with the version that it read with the registry.
    """

    __tablename__ = "registry_version"

    id: Mapped[int] = mapped_column(Sequence, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(Sequence)
