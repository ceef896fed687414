"""How a vault fails."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from app.errors import GatewayError, TooLarge


class VaultUnavailable(GatewayError):
    """The vault cannot be read or written now: a full disk, a missing folder, a store that does not answer."""

    code = "unavailable"
    retryable = True
    default = "The store of files cannot be used at the moment. Try again."


class MissingFile(GatewayError):
    """The database names a file that the vault does not have: it was deleted by hand, or an older copy put back."""

    code = "gone"
    default = "The file is missing in the store of files."


class TooLong(TooLarge):
    """The content is longer than its limit. What had arrived of it is deleted."""


def is_full(error: BaseException) -> bool:
    """Return whether an error of the file system says that the disk, or a quota, is full."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def translated() -> Iterator[None]:
    """Raise `VaultUnavailable` in place of an error of the file system."""
    try:
        yield
    except OSError as error:
        raise unavailable(error) from error


def unavailable(error: OSError) -> VaultUnavailable:
    """Return what an error of the file system means for a vault, with its reason but without a path."""
    reason = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up"}.get(error.errno or 0)
    return VaultUnavailable(meta={"reason": reason or type(error).__name__})
