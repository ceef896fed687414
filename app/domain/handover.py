"""Who answers a contact on one of our numbers: the team's software, or a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class HandledBy(StrEnum):
    """Who answers."""

    BOT = "bot"
    HUMAN = "human"


@dataclass(frozen=True, slots=True)
class Handover:
    """When a person last answered or took over, and when the contact was last given back to the bot.

    Two times instead of a state: whatever order they become known in, the result is the same, and the end of an
    agent's silence needs nobody to notice it.
    """

    agent_at: datetime | None = None
    returned_at: datetime | None = None

    def until(self, silence: timedelta) -> datetime | None:
        """When the bot gets the contact back if the agent says nothing more; None while it is the bot's anyway."""
        if self.agent_at is None or (self.returned_at is not None and self.returned_at >= self.agent_at):
            return None
        return self.agent_at + silence

    def handled_by(self, now: datetime, silence: timedelta) -> HandledBy:
        """Who answers at this moment."""
        until = self.until(silence)
        return HandledBy.HUMAN if until is not None and now < until else HandledBy.BOT

    def to(self, to: HandledBy, now: datetime) -> Handover:
        """What it is once somebody hands the contact over: to a person who has it from now on, or to the bot.

        Clocks of two machines may differ, and the later wish must count all the same.
        """
        if to is HandledBy.BOT:
            return Handover(self.agent_at, max(now, self.agent_at or now))
        after = now if self.returned_at is None else self.returned_at + timedelta(microseconds=1)
        return Handover(max(now, after), self.returned_at)
