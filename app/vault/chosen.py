"""The vault that the settings choose."""

from __future__ import annotations

import os

from app.config.settings import Config
from app.vault.folder import FolderVault
from app.vault.s3 import S3Vault
from app.vault.s3_client import Bucket
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


def backup_store_of(config: Config) -> Bucket:
    """Return where `s3://…` backups go, without a bucket's name: what `BACKUP_S3_…` says, else the store of the files.

    Without either, boto3 looks for address and keys itself.
    """
    if config.backup_s3_endpoint or config.backup_s3_access_key or config.backup_s3_region:
        region = config.backup_s3_region or config.media_s3_region
        keys = config.backup_s3_access_key, config.backup_s3_secret_key
        return Bucket("", config.backup_s3_endpoint, region, "", *keys)
    if config.media_s3_bucket:
        keys = config.media_s3_access_key, config.media_s3_secret_key
        return Bucket("", config.media_s3_endpoint, config.media_s3_region, "", *keys)
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or config.media_s3_region
    return Bucket("", region=region)
