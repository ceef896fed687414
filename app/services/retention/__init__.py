"""Retention: delete what is older than the settings say (`RETENTION_…`), in small steps.

`PruneExpired` looks for what to delete outside of the write lock, one small step after the other, for each kind in
`kinds`; webhooks and sends never wait for more than some milliseconds. Nothing is deleted that is still to be
processed, delivered, sent or decided.
"""

from app.services.retention.prune import PruneExpired

__all__ = ["PruneExpired"]
