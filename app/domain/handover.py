"""Who answers a contact on one of our numbers: the team's software, or a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class HandledBy(StrEnum):
    """Who answers a contact."""

    BOT = "bot"
    HUMAN = "human"


@dataclass(frozen=True, slots=True)
class Handover:
    """When a person last answered or took over, and when the contact was last given back to the bot.

    Two times are stored instead of a state: the order in which they become known does not matter, and no job has to run
    when a person has been silent for long enough.
    """

    agent_at: datetime | None = None
    returned_at: datetime | None = None

    def until(self, silence: timedelta) -> datetime | None:
        """Return when the bot answers again if the person writes nothing more; None while the bot answers."""
        if self.agent_at is None or (self.returned_at is not None and self.returned_at >= self.agent_at):
            return None
        return self.agent_at + silence

    def handled_by(self, now: datetime, silence: timedelta) -> HandledBy:
        """Return who answers at this moment."""
        until = self.until(silence)
        return HandledBy.HUMAN if until is not None and now < until else HandledBy.BOT

    def to(self, to: HandledBy, now: datetime) -> Handover:
        """Return the handover after a request to hand the contact to a person, or to the bot, from now on.

        The later request counts even if the clocks of two machines differ.
        """
        if to is HandledBy.BOT:
            return Handover(self.agent_at, max(now, self.agent_at or now))
        after = now if self.returned_at is None else self.returned_at + timedelta(microseconds=1)
        return Handover(max(now, after), self.returned_at)
