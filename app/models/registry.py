"""How often the registries (endpoints, numbers, API keys) were changed."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Sequence


class RegistryVersion(Base):
    """One row, whose `version` every change of an endpoint, a number or a key raises in its own transaction.

    Whoever keeps registries in memory compares it with the version that was read with them.
    """

    __tablename__ = "registry_version"

    id: Mapped[int] = mapped_column(Sequence, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(Sequence)
