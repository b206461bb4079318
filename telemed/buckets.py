"""Where files are kept, for Django's STORAGES: the disk, or an S3 bucket through django-storages."""

from pathlib import Path
from typing import Any

from telemed.env import Env

CONNECTIONS = 16
SECONDS = (2, 20)  # until connected, until the next byte


def kept(env: Env, root: Path) -> dict[str, Any]:
    """The line `kept` of STORAGES. An S3 service that answers badly is asked twice, not more: people wait."""
    if not env.s3_bucket:
        return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": root}}
    from botocore.config import Config  # only where there is a bucket: it takes a while

    config = Config(
        connect_timeout=SECONDS[0],
        read_timeout=SECONDS[1],
        retries={"total_max_attempts": 2, "mode": "standard"},
        max_pool_connections=CONNECTIONS,
        s3={"addressing_style": "path" if env.s3_endpoint_url else "auto"},
        request_checksum_calculation="when_required",  # services older than 2025 refuse the newer ones
        response_checksum_validation="when_required",
    )
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": env.s3_bucket,
            "endpoint_url": env.s3_endpoint_url or None,
            "region_name": env.s3_region,
            "access_key": env.s3_access_key or None,
            "secret_key": env.s3_secret_key or None,
            "client_config": config,
            "file_overwrite": True,
        },
    }
