"""A Storage and Verification SCP (PS3.4 annexes A, B) for devices on the list; the only file touching pynetdicom.

A stranger's connection is closed before a byte of it is read. Files are written to disk while they come, so that a
sender costs a buffer and not its study; success is answered only when the file and its row would survive a power cut.
"""

import logging
import socket
import socketserver
import ssl
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, _config, evt
from pynetdicom.transport import ThreadedAssociationServer

from consult.errors import Refusal, StorageFull, StoreAway, TooLarge
from imaging.models import Device, Knock
from imaging.policies import arrival as policies
from imaging.raster import sniff
from imaging.services import arrivals, devices, storage

log = logging.getLogger("imaging.dimse")
T = TypeVar("T")
_K = Knock.Reason

VERIFICATION = "1.2.840.10008.1.1"  # PS3.4 section A.4
MAX_ASSOCIATIONS = 20
PDU_BYTES = 128 * 1024
"""Longest PDU asked for; longer ones of a device that does not listen end its association."""
SLACK = 1024 * 1024
NETWORK_SECONDS = 60  # of silence until an association is given up
ACSE_SECONDS = 30

_PLAIN = (ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian)
SYNTAXES = [*(each for each in ALL_TRANSFER_SYNTAXES if each not in _PLAIN), *map(str, _PLAIN)]
"""In the order in which one of several offered is taken: what is compressed comes as it is, not unpacked for us."""

# C-STORE status codes (PS3.4 table B.2-1)
SUCCESS, OUT_OF_RESOURCES, NOT_UNDERSTOOD = 0x0000, 0xA700, 0xC000
NOT_AUTHORISED = 0x0124  # PS3.7 annex C.5.22
COMMENT = 64  # characters of an Error Comment (0000,0902)
_REJECTED, _BY_USER, _CALLING_UNKNOWN, _CALLED_UNKNOWN = 0x01, 0x01, 0x03, 0x07  # PS3.8 section 9.3.4


class _Server(ThreadedAssociationServer):
    """Knows whose connections it takes."""

    daemon_threads = True

    def shutdown(self) -> None:
        """As the standard library's: pynetdicom's own looks for the server in a list that only it fills."""
        socketserver.BaseServer.shutdown(self)

    def get_request(self) -> tuple[socket.socket, Any]:
        """As the standard library's: pynetdicom's own waits here for the TLS handshake of whoever connects."""
        listening: Any = self.socket
        taken: tuple[socket.socket, Any] = listening.accept()
        return taken

    def verify_request(self, request: Any, client_address: tuple[Any, ...]) -> bool:
        """Whether any device has this address; asked before anything is read."""
        address = _plain(client_address[0])
        known = _asking(lambda: policies.known(address))
        if known is None:
            log.warning("connection from %s closed: no device has this address", address)
            _asking(lambda: devices.knocked(address=address, reason=Knock.Reason.ADDRESS))
        return known is not None

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In a thread of its own, the handshake first."""
        if self.ssl_context:
            request.settimeout(ACSE_SECONDS)
            try:
                request = self.ssl_context.wrap_socket(request, server_side=True)
            except OSError as error:  # of TLS, too
                address = _plain(client_address[0])
                log.warning("connection from %s closed: no TLS (%s)", address, getattr(error, "reason", "cut"))
                _asking(lambda: devices.knocked(address=address, reason=Knock.Reason.INSECURE))
                self.shutdown_request(request)
                return
            request.settimeout(NETWORK_SECONDS)
        super().finish_request(request, client_address)


def _plain(address: str) -> str:
    """An IPv4 address that came over an IPv6 socket as it is written in the list."""
    return address.removeprefix("::ffff:")


def _asking(ask: Callable[[], T]) -> T:
    """A question to the database from one of pynetdicom's threads: none keeps its connection."""
    close_old_connections()
    try:
        return ask()
    finally:
        if not connection.in_atomic_block:
            connection.close()


@dataclass(slots=True)
class _Line:
    """What is known of one association."""

    device: Device
    bytes: int = field(default=0)
    taken: int = field(default=0)
    refused: int = field(default=0)
    is_cut: bool = field(default=False)


class Listener:
    """Listens on `host`:`port` as `ae_title` until `close`. Raises OSError when the port cannot be had."""

    def __init__(self, host: str, port: int, ae_title: str, tls: ssl.SSLContext | None = None) -> None:
        _config.STORE_RECV_CHUNKED_DATASET = True
        tempfile.tempdir = str(arrivals.coming())
        self._lines: dict[Any, _Line] = {}
        self._lock = threading.Lock()
        entity = AE(ae_title)
        entity.maximum_associations = MAX_ASSOCIATIONS
        entity.maximum_pdu_size = PDU_BYTES
        entity.network_timeout = entity.dimse_timeout = NETWORK_SECONDS
        entity.acse_timeout = ACSE_SECONDS
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(str(context.abstract_syntax), SYNTAXES)
        entity.add_supported_context(VERIFICATION)
        handlers: Any = [
            (evt.EVT_REQUESTED, self._on_requested),
            (evt.EVT_DATA_RECV, self._on_data),
            (evt.EVT_C_STORE, self._on_store),
            (evt.EVT_CONN_CLOSE, self._on_closed),
        ]
        self._entity, self._title = entity, ae_title
        how: dict[str, Any] = {"evt_handlers": handlers, "server_class": _Server, "ssl_context": tls}
        self._server = entity.make_server((host, port), ae_title=ae_title, **how)
        self.port: int = self._server.server_address[1]

    def run(self) -> None:
        """Serves until `close` is called from another thread."""
        self._server.serve_forever(poll_interval=0.5)

    def close(self) -> None:
        """Takes no more connections; associations that are open are aborted, and send again what was not answered."""
        self._server.shutdown()
        self._server.server_close()
        for association in self._entity.active_associations:
            association.abort()

    def _on_requested(self, event: evt.Event) -> None:
        association = event.assoc
        asked: Any = association.requestor.primitive
        calling, called = (str(title).strip() for title in (asked.calling_ae_title, asked.called_ae_title))
        address = _plain(association.requestor.address)
        device = _asking(lambda: policies.known(address, calling))
        if device is None or called != self._title:
            why, reason = (_CALLED_UNKNOWN, _K.CALLED) if device else (_CALLING_UNKNOWN, _K.TITLE)
            log.warning("association of %r at %s for %r rejected", calling, address, called)
            _asking(lambda: devices.knocked(address=address, calling=calling, called=called, reason=reason))
            association.acse.send_reject(_REJECTED, _BY_USER, why)
            association.kill()  # once the answer is out
            return
        with self._lock:
            self._lines[association] = _Line(device)

    def _on_data(self, event: evt.Event) -> None:
        """Bytes as they come: one instance may not be longer than a file may be."""
        line = self._lines.get(event.assoc)
        if line is None:
            return
        line.bytes += len(event.data)
        if line.bytes > settings.MAX_UPLOAD_BYTES + SLACK and not line.is_cut:
            line.is_cut = True
            log.warning("%s sends more than a file may have: cut off", line.device.ae_title)
            cable: Any = event.assoc.dul.socket
            cable.socket.shutdown(socket.SHUT_RDWR)

    def _on_store(self, event: evt.Event) -> Dataset:
        path = Path(event.dataset_path)
        line = self._lines.get(event.assoc)
        try:
            if line is None or line.is_cut:  # nobody hears the answer
                return _status(NOT_AUTHORISED)
            line.bytes = 0
            status = _asking(lambda: _store(line.device, path))
            line.taken += status.Status == SUCCESS
            line.refused += status.Status != SUCCESS
            return status
        finally:
            path.unlink(missing_ok=True)

    def _on_closed(self, event: evt.Event) -> None:
        with self._lock:
            line = self._lines.pop(event.assoc, None)
        if line is not None:
            log.info("%s: %d taken, %d refused", line.device.ae_title, line.taken, line.refused)


def _store(device: Device, path: Path) -> Dataset:
    """Keep one instance; the C-STORE status that says how that went."""
    try:
        current = Device.objects.get(pk=device.pk)  # may have been switched off since the association began
        if not current.active:
            return _status(NOT_AUTHORISED)
        with path.open("rb") as file:
            head = file.read(sniff.HEAD)
        arrivals.take(device=current, file=path, head=head)
    except Refusal as refusal:
        log.warning("%s: refused, %s", device.ae_title, refusal.code)
        return _refused(refusal)
    except (OSError, DatabaseError):
        log.exception("%s: not kept, it has to send again", device.ae_title)
        return _status(OUT_OF_RESOURCES)
    return _status(SUCCESS)


def _refused(refusal: Refusal) -> Dataset:
    """Why, in the words that a device's log has room for."""
    if isinstance(refusal, StorageFull | StoreAway | TooLarge):
        return _status(OUT_OF_RESOURCES, refusal.code)
    return _status(NOT_UNDERSTOOD, refusal.code)


def _status(code: int, why: str = "") -> Dataset:
    """`why` is a Reason; its words go as the Error Comment (PS3.7 annex C.4), never a name or value of the file."""
    made = Dataset()
    made.Status = code
    if why:
        made.ErrorComment = why.replace("_", " ")[:COMMENT]
    return made


def forget_cut_files() -> None:
    """What senders had begun when an earlier listener ended; they send it again."""
    for path in arrivals.coming().iterdir():
        storage.forget(path)
