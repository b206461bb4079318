"""One S3 bucket through django-storages: put, look, read, delete, list. Its errors are StoreAway; knows no rows."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.core.files.storage import storages
from django.utils.translation import gettext as _

from consult.errors import StoreAway

AWAY = 5.0  # seconds in which a bucket that did not answer is not asked again: people wait for what is here
PART = 32 * 1024 * 1024  # larger files go in parts of this size
BLOCK = 1024 * 1024
GONE = {"404", "NoSuchKey", "NotFound"}
DELETED_AT_ONCE = 1000

log = logging.getLogger(__name__)
_lock = threading.Lock()
_client: tuple[Any, Any] = (None, None)
_away_until = 0.0


@dataclass(frozen=True, slots=True)
class Kept:
    """An object of the bucket; `sha256` as it was put, "" when somebody else put it."""

    size: int
    sha256: str


def put(path: Path, key: str, sha256: str, advanced: Callable[[int], None] | None = None) -> None:
    """The file under `key`, whole or not at all; `advanced` hears of each piece of a large one."""
    from boto3.s3.transfer import TransferConfig

    how = TransferConfig(use_threads=False, multipart_threshold=PART, multipart_chunksize=PART)
    with _talking() as (client, name):
        more = {"Metadata": {"sha256": sha256}}
        client.upload_file(str(path), name, key, ExtraArgs=more, Callback=advanced, Config=how)


def look(key: str) -> Kept | None:
    """What is kept under `key`, None when nothing is."""
    with _talking() as (client, name):
        return _found(lambda: _kept(client.head_object(Bucket=name, Key=key)))


def fetch(key: str, starts: Callable[[Kept], BinaryIO], advanced: Callable[[int], None]) -> Kept | None:
    """Write the object into the file that `starts` opens once its size is known; None when there is none."""
    with _talking() as (client, name):
        answer = _found(lambda: client.get_object(Bucket=name, Key=key))
        if answer is None:
            return None
        kept = _kept(answer)
        with starts(kept) as file:
            while block := answer["Body"].read(BLOCK):
                file.write(block)
                advanced(len(block))
        return kept


def piece(key: str, offset: int, length: int) -> bytes | None:
    """Some bytes of an object, fewer at its end; None when there is none."""
    with _talking() as (client, name):
        span = f"bytes={offset}-{offset + length - 1}"
        answer = _found(lambda: client.get_object(Bucket=name, Key=key, Range=span), {*GONE, "416", "InvalidRange"})
        return bytes(answer["Body"].read()) if answer else None


def delete(keys: list[str]) -> None:
    with _talking() as (client, name):
        for first in range(0, len(keys), DELETED_AT_ONCE):
            some = [{"Key": key} for key in keys[first : first + DELETED_AT_ONCE]]
            said = client.delete_objects(Bucket=name, Delete={"Objects": some, "Quiet": True})
            if said.get("Errors"):
                log.error("the bucket does not delete: %s", said["Errors"][0].get("Code"))
                raise away()


def listed(prefix: str) -> Iterator[tuple[str, datetime]]:
    """Keys that begin with `prefix`, and when each was put."""
    with _talking() as (client, name):
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=name, Prefix=prefix)
        found = [(each["Key"], each["LastModified"]) for page in pages for each in page.get("Contents", [])]
    yield from found


def away() -> StoreAway:
    return StoreAway("store_away", _("The file store does not answer. Nothing is lost: try again in a minute."))


def _kept(answer: dict[str, Any]) -> Kept:
    return Kept(int(answer["ContentLength"]), str(answer["Metadata"].get("sha256", "")))


def _found(ask: Callable[[], Any], gone: set[str] = GONE) -> Any:
    from botocore.exceptions import ClientError

    try:
        return ask()
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in gone:
            return None
        raise


@contextmanager
def _talking() -> Iterator[tuple[Any, str]]:
    """The client (threads share it) and the bucket's name. What the bucket does wrong becomes StoreAway."""
    global _away_until
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError
    from urllib3.exceptions import HTTPError

    if time.monotonic() < _away_until:
        raise away()
    try:
        yield _connected()
    except (Boto3Error, BotoCoreError, ClientError, HTTPError) as error:
        _away_until = time.monotonic() + AWAY
        log.error("the bucket does not answer: %s", str(error)[:300])
        raise away() from None


def _connected() -> tuple[Any, str]:
    global _client
    store: Any = storages["kept"]
    with _lock:
        if _client[0] is not store:
            _client = (store, store.connection.meta.client)
        return _client[1], store.bucket_name
