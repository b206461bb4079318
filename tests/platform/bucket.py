"""A real S3 service for tests (moto's server): it goes away and comes back with what was put into it."""

import logging
import secrets
from typing import Any

import boto3
from django.conf import settings
from moto.server import ThreadedMotoServer

from consult.services import bucket as clients
from telemed import buckets
from telemed.env import Env
from tests.platform.servers import free_port

KEYS = {"aws_access_key_id": "telemed", "aws_secret_access_key": "a-secret-of-the-tests"}


class Bucket:
    """`variables` configure a site for it; `at` holds the same for settings."""

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
        self.port, self.name = free_port(), f"files-{secrets.token_hex(6)}"
        self.url = f"http://127.0.0.1:{self.port}"
        self.variables = {
            "S3_BUCKET": self.name,
            "S3_ENDPOINT_URL": self.url,
            "S3_ACCESS_KEY": KEYS["aws_access_key_id"],
            "S3_SECRET_KEY": KEYS["aws_secret_access_key"],
        }
        self.comes()
        self.client: Any = boto3.client("s3", endpoint_url=self.url, region_name="us-east-1", **KEYS)
        self.client.create_bucket(Bucket=self.name)

    def comes(self) -> None:
        self._server = ThreadedMotoServer("127.0.0.1", self.port, verbose=False)
        self._server.start()
        clients._away_until = 0.0

    def goes(self) -> None:
        self._server.stop()

    def storages(self) -> dict[str, Any]:
        """STORAGES of a site that keeps its files here."""
        env = Env(**{name.lower(): value for name, value in self.variables.items()})
        return {**settings.STORAGES, "kept": buckets.kept(env, settings.MEDIA_ROOT)}

    def names(self, prefix: str = "") -> set[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return {each["Key"] for page in pages for each in page.get("Contents", [])}

    def content(self, key: str) -> bytes:
        return bytes(self.client.get_object(Bucket=self.name, Key=key)["Body"].read())

    def change(self, key: str, content: bytes) -> None:
        """As somebody would who has the bucket's keys: the note of its checksum stays."""
        said = self.client.head_object(Bucket=self.name, Key=key)["Metadata"]
        self.client.put_object(Bucket=self.name, Key=key, Body=content, Metadata=said)

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=key)
