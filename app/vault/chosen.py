"""The vault that the settings choose."""

from __future__ import annotations

from app.config.settings import Config
from app.vault.folder import FolderVault
from app.vault.s3 import Bucket, S3Vault
from app.vault.types import Vault


def vault_of(config: Config) -> Vault | None:
    """Return the store of files; None where the disk is thrown away and no bucket is set."""
    if config.media_s3_bucket:
        return S3Vault(
            Bucket(
                config.media_s3_bucket,
                config.media_s3_endpoint,
                config.media_s3_region,
                config.media_s3_prefix,
                config.media_s3_access_key,
                config.media_s3_secret_key,
            )
        )
    return FolderVault(config.media_dir) if config.keeps_media else None
