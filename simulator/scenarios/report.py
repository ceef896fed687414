"""What a scenario saw, line by line, and which promises were broken."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from simulator.scenarios.bodies import Key
from simulator.scenarios.figures import MEDIAN_MS, Latency
from simulator.scenarios.open_loop import Posted


@dataclass
class Report:
    """Lines to print, the names of those that tell of a broken promise, and of those that nobody could look at."""

    lines: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)

    def add(self, name: str, text: str, *, is_kept: bool = True) -> None:
        """Add what is to be said on one subject, and whether the promise behind it was kept."""
        self.lines.append(f"{name:11} {text}")
        if not is_kept:
            self.broken.append(name)

    def add_unasked(self, name: str, text: str) -> None:
        """Add what could not be looked at: it is not known to be kept."""
        self.add(name, text)
        self.unasked.append(name)

    def add_posted(self, posted: Posted) -> None:
        """What was sent and answered; everything must have been answered 200."""
        pace = posted.sent / posted.seconds if posted.seconds else 0.0
        items = len(posted.sent_keys)
        self.add("sent", f"{posted.sent:,} webhooks, {items:,} items, in {posted.seconds:.1f} s ({pace:.1f}/s)")
        answers = ", ".join(f"{count:,} with {status}" for status, count in sorted(posted.answers.items())) or "none"
        self.add("answered", answers, is_kept=posted.answers["200"] == posted.sent)

    def add_latency(self, milliseconds: list[float]) -> None:
        """How long the answers took, against Meta's bar."""
        latency = Latency.of(milliseconds)
        bar = f"Meta's bar: p50 at most {MEDIAN_MS:.0f} ms, less than 1 % over 1 s"
        self.add("latency", f"{latency} ({bar})", is_kept=latency.is_within_bar)

    def add_written(self, posted: Posted) -> None:
        """What customers wrote, one message at a time; each must have been answered 200 in some webhook."""
        pace = posted.sent / posted.seconds if posted.seconds else 0.0
        self.add("written", f"{posted.sent:,} messages, in {posted.seconds:.1f} s ({pace:.1f}/s)")
        self.add(
            "answered", f"{posted.answers['200']:,} of them with 200", is_kept=posted.answers["200"] == posted.sent
        )

    def add_kept(self, acknowledged: int, kept: int, *, joined: bool = False) -> None:
        """How many webhooks the deployment has written down; others may have come meanwhile, so more is fine.

        `joined`: messages that waited came together, so that there are fewer webhooks than messages.
        """
        more = "; messages that waited came together" if joined else ", whoever sent them"
        self.add("kept", f"{kept:,} webhooks{more}", is_kept=kept >= acknowledged)

    def add_normalised(self, acknowledged: set[Key], seen: Counter[Key]) -> None:
        """Whether each item that was answered 200 became an event, and one alone."""
        once = sum(seen[key] == 1 for key in acknowledged)
        twice = sum(count > 1 for count in seen.values())
        text = f"{once:,} of the {len(acknowledged):,} items answered 200, each once"
        if once != len(acknowledged):
            text += f"; {len(acknowledged) - sum(key in seen for key in acknowledged):,} missing, {twice:,} doubled"
        self.add("normalised", text, is_kept=once == len(acknowledged) and not twice)

    def add_books(self, problems: list[str]) -> None:
        """Whether the deployment's own books balance."""
        self.add("books", "they balance" if not problems else f"{len(problems)} problems", is_kept=not problems)
        self.lines.extend(f"{'':11} {problem}" for problem in problems)

    def add_conversation(self, waits: list[float | None]) -> None:
        """What a customer wrote and how long the answers took; each message must have been answered."""
        answered = [wait for wait in waits if wait is not None]
        self.add("written", f"{len(waits):,} messages")
        self.add("answered", f"{len(answered):,}", is_kept=len(answered) == len(waits))
        self.add("took", f"{Latency.of(answered)} from a message to its answer")
