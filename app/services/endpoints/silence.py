"""Detect an app that answers 200 and then does nothing with what it was sent.

It looks well from here: every delivery succeeds. But nothing comes back, neither an answer in the answer, nor a send to
whoever wrote, nor any other call.
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
"""So many of the latest messages."""

TIME_TO_ANSWER = timedelta(seconds=30)
"""A message is not called unanswered sooner."""

NOTHING_YET = (
    "No message has been delivered to it lately, so nothing can be seen of what it makes of one: write to the number, "
    "wait half a minute, and test again."
)
LIKELY = (
    "An app that answers 2xx and drops what it got mostly has another secret than the endpoint (Meta's app secret, in "
    "its own settings), is of another phone_number_id, or is not switched on. See its own log."
)


class DetectSilence:
    """Tells in sentences what speaks for an app that drops what it is told. One that only listens looks the same."""

    def __init__(self, config: Config, database: Database, now: Callable[[], datetime]) -> None:
        self._config = config
        self._database = database
        self._now = now

    def __call__(self, endpoint: Endpoint, asked_by: str | None = None) -> list[str]:
        """Look at the latest messages that the endpoint took. `asked_by` names the key of whoever asks, whose own calls
        of the API say nothing of the app. Raises `Unavailable`."""
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
        """The name of the key that is the endpoint's secret too, as with apps that subscribe themselves."""
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
