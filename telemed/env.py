"""Reads and checks every environment variable of the site; the only place that does. See docs/settings.md."""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

BASE_DIR = Path(__file__).resolve().parent.parent


class Env(BaseSettings):
    """The site's configuration. No variable is needed for `make run`."""

    model_config = SettingsConfigDict(case_sensitive=False, extra="ignore")

    debug: bool = Field(True, description="Development mode: demo data allowed, cookies without TLS.")
    secret_key: str = Field("", description="Signs sessions. Made and kept in DATA_DIR when empty.")
    host: str = Field("127.0.0.1", description="Address the site listens on.")
    port: int = Field(8000, ge=1, le=65535, description="TCP port of the site.")
    data_dir: Path = Field(BASE_DIR / "data", description="Database, uploaded images and made secrets.")
    database_url: str = Field("", description="postgresql://user:password@host/name; SQLite in DATA_DIR when empty.")
    redis_url: str = Field("", description="redis://host:6379/0; in-process channel layer and worker when empty.")
    allowed_hosts: str = Field(
        "localhost,127.0.0.1,[::1]", description="Host names the site answers to, comma separated."
    )
    trusted_origins: str = Field("", description="https://… origins allowed to post, comma separated.")
    behind_proxy: bool = Field(False, description="Trust X-Forwarded-Proto and X-Forwarded-For of one proxy.")
    relay_secret: str = Field("", description="Shared by site and relays. Made and kept in DATA_DIR when empty.")
    recording_key: str = Field(
        "", description="Wraps the keys of recordings; 32 characters or more. Made and kept in DATA_DIR when empty."
    )
    recording_old_keys: str = Field(
        "", description="Earlier RECORDING_KEYs, comma separated, until `manage.py recordings rewrap` has run."
    )
    seal_keys: str = Field(
        "", description="Folder of the hospitals' certificates, `<code>.p12` and `<code>.pass`; in DATA_DIR when empty."
    )
    seal_time_stamp_url: str = Field(
        "", description="Time stamp server (RFC 3161) for signed opinions; no time stamps when empty."
    )
    relay_port: int = Field(10000, ge=0, le=65535, description="UDP port of the relay that `serve` starts.")
    relay_public_address: str = Field(
        "127.0.0.1", description="Address browsers reach the relay at, comma separated for several."
    )
    relays: int = Field(1, ge=0, le=64, description="Relays that `serve` starts: 0 when they run elsewhere.")
    turn_urls: str = Field(
        "", description="turn: and turns: addresses for browsers behind closed networks, comma separated."
    )
    turn_secret: str = Field("", description="The TURN server's static-auth-secret; needed with TURN_URLS.")
    turn_ttl: int = Field(3600, ge=60, le=86400, description="Seconds a person's TURN credentials are good for.")
    metrics_token: str = Field("", description="Bearer token for /metrics; without one only this machine may read it.")
    relay_metrics_port: int = Field(
        0, ge=0, le=65000, description="TCP port of the first relay's /metrics on 127.0.0.1; none when 0."
    )
    worker: Literal["embedded", "process", "none"] = Field(
        "embedded", description="Where due work runs: in the site, as a child of `serve`, or elsewhere."
    )
    time_zone: str = Field("Asia/Shanghai", description="Zone for printed times and clocks.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least level written to the log."
    )
    dicom_port: int = Field(
        0, ge=0, le=65535, description="TCP port of the DICOM listener that `serve` starts; none when 0."
    )
    dicom_host: str = Field("0.0.0.0", description="Address the DICOM listener listens on.")  # noqa: S104
    dicom_ae_title: str = Field(
        "TELEMED", pattern=r"^[A-Z0-9_-]{1,16}$", description="AE title that devices must call."
    )
    dicom_tls_cert: str = Field("", description="PEM file: certificate of the DICOM port, which is TLS only then.")
    dicom_tls_key: str = Field("", description="PEM file: its private key; needed with DICOM_TLS_CERT.")
    dicom_tls_ca: str = Field(
        "", description="PEM file: who signs the certificates that devices must show; none asked when empty."
    )
    max_upload_mb: int = Field(200, ge=1, le=4096, description="Largest single image file in MB.")
    slide_max_mb: int = Field(4096, ge=1, le=65536, description="Largest whole slide of pathology in MB.")

    s3_bucket: str = Field(
        "", description="S3 bucket that keeps files (docs/operations.md); they are in DATA_DIR alone when empty."
    )
    s3_endpoint_url: str = Field("", description="https://… of an S3 service that is not Amazon's.")
    s3_region: str = Field("us-east-1", description="Region of the bucket.")
    s3_access_key: str = Field("", description="Access key id for the bucket; the machine's own role when empty.")
    s3_secret_key: str = Field("", description="Its secret; needed with S3_ACCESS_KEY.")
    s3_cache_mb: int = Field(
        20480, ge=64, description="MB of copies from the bucket that stay in DATA_DIR; the least recently used go."
    )

    email_url: str = Field(
        "", description="smtp://user:password@host:587 (STARTTLS) or smtps://…:465; no e-mail is sent when empty."
    )
    email_from: str = Field("", description="Sender of e-mails; needed with EMAIL_URL.")
    sms_hook_url: str = Field("", description="Where text messages are posted (docs/alerts.md); none when empty.")
    sms_hook_secret: str = Field("", description="Signs what is posted to SMS_HOOK_URL; needed with it.")
    push_hosts: str = Field(
        "fcm.googleapis.com,push.services.mozilla.com,push.apple.com,notify.windows.com",
        description="Push services browsers may name, comma separated; their subdomains too.",
    )
    push_contact: str = Field(
        "mailto:admin@localhost", description="Whom a push service may ask: a mailto: or https: address."
    )
    vapid_secret: str = Field("", description="Makes the key of browser push. Made and kept in DATA_DIR when empty.")

    @property
    def dicom_tls(self) -> tuple[str, str, str] | tuple[()]:
        """Certificate, key and authority of the DICOM port; empty when it is not encrypted."""
        return (self.dicom_tls_cert, self.dicom_tls_key, self.dicom_tls_ca) if self.dicom_tls_cert else ()

    @property
    def turn_list(self) -> list[str]:
        return [url.strip() for url in self.turn_urls.split(",") if url.strip()]

    def kept_secret(self, name: str) -> str:
        """The secret kept in DATA_DIR under `name`, made on first use with mode 0600."""
        path = self.data_dir / "secrets" / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            with tempfile.NamedTemporaryFile("w", dir=path.parent) as file:  # mode 0600
                file.write(secrets.token_urlsafe(48))
                file.flush()
                with contextlib.suppress(FileExistsError):  # another process was first: theirs counts
                    os.link(file.name, path)
        return path.read_text().strip()


def read() -> Env:
    """Read the environment, or stop with one clear line per wrong variable."""
    try:
        env = Env()  # type: ignore[call-arg]
    except ValidationError as error:
        lines = [f"{'.'.join(str(p) for p in e['loc']).upper()}: {e['msg']}" for e in error.errors()]
        raise SystemExit("Wrong settings:\n  " + "\n  ".join(lines)) from None
    if env.worker != "embedded" and not env.redis_url:
        raise SystemExit("Wrong settings:\n  WORKER: a worker outside the site needs REDIS_URL")
    if env.turn_urls and not env.turn_secret:
        raise SystemExit("Wrong settings:\n  TURN_SECRET: needed with TURN_URLS")
    if wrong := [url for url in env.turn_list if not url.startswith(("turn:", "turns:"))]:
        raise SystemExit(f"Wrong settings:\n  TURN_URLS: {wrong[0]!r} is not a turn: or turns: address")
    if bool(env.dicom_tls_cert) != bool(env.dicom_tls_key) or (env.dicom_tls_ca and not env.dicom_tls_cert):
        raise SystemExit("Wrong settings:\n  DICOM_TLS_CERT: goes with DICOM_TLS_KEY, and DICOM_TLS_CA with both")
    if lost := [path for path in env.dicom_tls if path and not Path(path).is_file()]:
        raise SystemExit(f"Wrong settings:\n  DICOM_TLS_*: there is no file {lost[0]}")
    if bool(env.s3_access_key) != bool(env.s3_secret_key):
        raise SystemExit("Wrong settings:\n  S3_SECRET_KEY: S3_ACCESS_KEY and S3_SECRET_KEY come together")
    if (env.s3_access_key or env.s3_endpoint_url) and not env.s3_bucket:
        raise SystemExit("Wrong settings:\n  S3_BUCKET: needed with S3_ACCESS_KEY and S3_ENDPOINT_URL")
    if env.s3_endpoint_url and not env.s3_endpoint_url.startswith(("https://", "http://")):
        raise SystemExit("Wrong settings:\n  S3_ENDPOINT_URL: is not a http: or https: address")
    if bool(env.email_url) != bool(env.email_from):
        raise SystemExit("Wrong settings:\n  EMAIL_FROM: EMAIL_URL and EMAIL_FROM come together")
    if env.email_url and not env.email_url.startswith(("smtp://", "smtps://")):
        raise SystemExit("Wrong settings:\n  EMAIL_URL: is not a smtp: or smtps: address")
    if bool(env.sms_hook_url) != bool(env.sms_hook_secret):
        raise SystemExit("Wrong settings:\n  SMS_HOOK_SECRET: SMS_HOOK_URL and SMS_HOOK_SECRET come together")
    if env.sms_hook_url and not env.sms_hook_url.startswith(("https://", "http://")):
        raise SystemExit("Wrong settings:\n  SMS_HOOK_URL: is not a http: or https: address")
    if env.recording_key and len(env.recording_key) < 32:
        raise SystemExit("Wrong settings:\n  RECORDING_KEY: needs 32 characters or more")
    if not env.debug and not env.secret_key:
        raise SystemExit("Wrong settings:\n  SECRET_KEY: needed when DEBUG is off")
    return env
