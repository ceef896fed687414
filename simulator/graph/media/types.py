"""How a message names a file: by the id of an upload, or by a link that Meta would fetch."""

from __future__ import annotations

from simulator.graph.rules import Rule, every, exactly_one, structure, text

LINK = text(2000, pattern=r"https?://\S+")


def media(**optional: Rule) -> Rule:
    """A file by `id` or by `link`, never both, with the keys that its kind adds."""
    rule = structure(optional={"id": text(255), "link": LINK, "provider": text(255), **optional})
    return every(rule, exactly_one("id", "link"))


def by_link() -> Rule:
    """A file by link, where Meta takes no uploads."""
    return structure({"link": LINK})
