"""Where the contents of files are kept: a folder, or a store that speaks like S3.

A content arrives as a stream of unknown length and is spooled into a temporary file (`receive`), where its type can be
looked at, before it is kept under a new key (`keep`). Keys are generated, are never used twice, and tell nothing of the
content. Names, types and who may read a file are the database's business.
"""

from app.vault.chosen import backup_store_of, vault_of
from app.vault.errors import MissingFile, TooLong, VaultUnavailable, is_full
from app.vault.folder import FolderVault
from app.vault.spool import Incoming
from app.vault.types import Kept, Opened, Vault

__all__ = [
    "FolderVault", "Incoming", "Kept", "MissingFile", "Opened", "TooLong", "Vault", "VaultUnavailable",
    "backup_store_of", "is_full", "vault_of",
]  # fmt: skip
