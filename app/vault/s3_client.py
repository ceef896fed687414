"""Where a bucket is, and a client for it, at Amazon or at a store that speaks like S3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 5, 30, 3


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where the bucket is. Without an `endpoint` it is at Amazon; without keys the machine's own role is used."""

    name: str
    endpoint: str = ""
    region: str = "us-east-1"
    prefix: str = ""
    access_key: str = ""
    secret_key: str = ""


def s3_client(bucket: Bucket) -> Any:
    """Return a client of boto3 that asks for nothing which stores beside Amazon's misread.

    Without an endpoint or keys boto3 looks for them itself, in `AWS_…` and in what the machine is given.
    """
    # Imported at the first use: a gateway without a bucket runs without boto3.
    import boto3
    from botocore.config import Config

    return boto3.session.Session().client(
        "s3",
        endpoint_url=bucket.endpoint or None,
        region_name=bucket.region,
        aws_access_key_id=bucket.access_key or None,
        aws_secret_access_key=bucket.secret_key or None,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"max_attempts": ATTEMPTS, "mode": "standard"},
            max_pool_connections=32,
        ),
    )
