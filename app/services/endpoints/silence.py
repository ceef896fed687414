"""Detect an app that answers 2xx and discards the events it accepted.

Every delivery to such an app succeeds. The signs are that its responses hold no reply, that nothing is sent to the
customers who wrote, and that its API key makes no call.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.config.settings import Config
from app.db.database import Database
from app.domain.endpoints import Endpoint
from app.security.encryption import hash_key
from app.services.delivering import read_answer
from app.services.registries import WRITE_EVERY
from app.store import api_keys, key_use, unanswered

LOOKED_AT = 20
"""How many of the latest accepted messages are examined."""

TIME_TO_ANSWER = timedelta(seconds=30)
"""How long after its delivery a message without a reply counts as unanswered."""

NOTHING_YET = (
    "No message has been delivered to it lately, so nothing can be seen of what it makes of one: write to the number, "
    "wait half a minute, and test again."
)
LIKELY = (
    "An app that answers 2xx and drops what it got mostly has another secret than the endpoint (Meta's app secret, in "
    "its own settings), is of another phone_number_id, or is not switched on. See its own log."
)


class DetectSilence:
    """Describes the signs that an app discards events. An app that only listens shows the same signs."""

    def __init__(self, config: Config, database: Database, now: Callable[[], datetime]) -> None:
        self._config = config
        self._database = database
        self._now = now

    def __call__(self, endpoint: Endpoint, asked_by: str | None = None) -> list[str]:
        """Return sentences about the signs; none without a sign, and one if no message was delivered lately.

        `asked_by` is the name of the API key that requested the check: its calls do not count as calls of the app.
        Raises `Unavailable`.
        """
        with self._database.read() as session:
            taken = unanswered.taken(session, endpoint.id, self._now() - TIME_TO_ANSWER, LOOKED_AT)
            if not taken:
                return [NOTHING_YET]
            signs = self._of_replies(session, endpoint, taken) + self._of_calls(session, endpoint, taken, asked_by)
        return [*signs, LIKELY] if signs else []

    def _of_replies(self, session: Session, endpoint: Endpoint, taken: list[unanswered.Taken]) -> list[str]:
        if not endpoint.replies:
            return []
        answers = unanswered.answers(session, [each.delivery_id for each in taken])
        if any(read_answer(answer.encode())[0] for answer in answers):
            return []
        return [f"`replies` is set, and no answer of its to {_messages(taken)} held one."]

    def _of_calls(
        self, session: Session, endpoint: Endpoint, taken: list[unanswered.Taken], asked_by: str | None
    ) -> list[str]:
        since = taken[-1].at
        contacts = {each.contact_id for each in taken if each.contact_id is not None}
        if unanswered.is_anything_sent(session, contacts, since - TIME_TO_ANSWER):
            return []
        signs = [f"Nothing has been sent to whoever wrote {_messages(taken)}."]
        used = key_use.since(session, since - WRITE_EVERY) - {(asked_by or "", "api")}
        own = self._own_key(session, endpoint)
        if own is not None and own not in {name for name, _ in used}:
            signs.append(f"Its key, `{own}`, has not called /graph or the API since.")
        elif not used:
            signs.append("No key has called /graph or the API since.")
        return signs

    def _own_key(self, session: Session, endpoint: Endpoint) -> str | None:
        """Return the name of the API key that is also the endpoint's secret, as with apps that subscribe themselves."""
        for secret in endpoint.secrets:
            if secret == self._config.api_key:
                return "API_KEY"
            row = api_keys.find_by_hash(session, hash_key(secret))
            if row is not None:
                return row.name
        return None


def _messages(taken: list[unanswered.Taken]) -> str:
    since = taken[-1].at.strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"the message that it took at {since}" if len(taken) == 1 else f"the {len(taken)} messages since {since}"
