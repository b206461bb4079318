"""Everything private of other libraries that the relay leans on. One of these fails: read the new version first."""

from __future__ import annotations

import importlib.metadata
import inspect

import pylibsrtp
import pytest
from pylibsrtp._binding import ffi, lib

from relay import codecless
from relay.dtls import Certificate, DtlsAssociation
from relay.srtp import PacketBuffer, SrtpCipher


@pytest.mark.parametrize(("package", "version"), [("aiortc", "1.16.0"), ("aioice", "0.13.0"), ("pylibsrtp", "1.0.0")])
def test_versions_are_the_ones_read(package: str, version: str) -> None:
    assert importlib.metadata.version(package) == version


def test_the_dtls_transport_wants_of_its_ice_transport_what_ours_has() -> None:
    source = inspect.getsource(codecless.RTCDtlsTransport)
    used = {word.split("(")[0] for word in source.replace("self.transport.", "\0").split("\0")[1:]}
    assert {word.split(":")[0].split()[0].rstrip(",)") for word in used} == {"role", "_recv", "_send"}


async def test_the_privates_of_the_dtls_transport() -> None:
    association = DtlsAssociation(Certificate(), lambda datagram: None, lambda state: None)
    dtls = association._dtls
    assert (dtls._role, dtls.state) == ("server", "new")
    assert (dtls._rx_srtp, dtls._tx_srtp, dtls._task) == (None, None, None)
    assert inspect.iscoroutinefunction(dtls.start)
    assert inspect.iscoroutinefunction(dtls.stop)
    assert [state.name for state in codecless.State] == ["NEW", "CONNECTING", "CONNECTED", "CLOSED", "FAILED"]
    association.close()


def test_loading_without_codecs_leaves_the_whole_of_aiortc_importable() -> None:
    import aiortc

    assert aiortc.RTCPeerConnection is not None
    assert codecless.RTCDtlsTransport.__module__ == "aiortc.rtcdtlstransport"


def _sessions() -> tuple[pylibsrtp.Session, pylibsrtp.Session]:
    key = bytes(range(28))
    profile = pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM
    outbound = pylibsrtp.Policy(key=key, ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile)
    inbound = pylibsrtp.Policy(key=key, ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND, srtp_profile=profile)
    return pylibsrtp.Session(outbound), pylibsrtp.Session(inbound)


def _rtp(sequence: int, size: int) -> bytes:
    return bytes([0x80, 96]) + sequence.to_bytes(2, "big") + bytes(4) + bytes([0, 0, 0, 5]) + bytes(size)


def test_libsrtp_is_called_as_pylibsrtp_calls_it() -> None:
    assert str(ffi.typeof(lib.srtp_protect)) == str(ffi.typeof(lib.srtp_unprotect))
    sending, receiving = _sessions()
    buffer, plain = PacketBuffer(), _rtp(1, 100)
    buffer.view[: len(plain)] = plain
    size = SrtpCipher(sending).protect(buffer, len(plain))
    assert size == len(plain) + 16
    assert receiving.unprotect(bytes(buffer.view[:size])) == plain


def test_packets_longer_than_pylibsrtp_takes_pass() -> None:
    sending, receiving = _sessions()
    plain = _rtp(1, 1440)
    with pytest.raises(ValueError):
        sending.protect(plain)
    buffer = PacketBuffer()
    buffer.view[: len(plain)] = plain
    size = SrtpCipher(sending).protect(buffer, len(plain))
    assert SrtpCipher(receiving).unprotect(buffer, size) == len(plain)
    assert bytes(buffer.view[: len(plain)]) == plain


def test_forged_replayed_and_cut_packets_are_refused() -> None:
    sending, receiving = _sessions()
    cipher, buffer = SrtpCipher(receiving), PacketBuffer()
    protected = sending.protect(_rtp(1, 100))

    def take(packet: bytes) -> int:
        buffer.view[: len(packet)] = packet
        return cipher.unprotect(buffer, len(packet))

    assert take(protected[:-1] + bytes([protected[-1] ^ 1])) == -1
    assert [take(protected[:length]) for length in (12, 20, 40)] == [-1, -1, -1]
    assert take(protected) == 112
    assert take(protected) == -1


def test_rtcp_round_trip() -> None:
    sending, receiving = _sessions()
    plain = bytes([0x80, 201, 0, 1, 0, 0, 0, 5])
    buffer = PacketBuffer()
    slot = (buffer.view, buffer.pointer)
    length = SrtpCipher(sending).protect_rtcp(plain, slot)
    assert length > len(plain)
    assert SrtpCipher(sending).protect_rtcp(bytes(3000), slot) == -1
    assert SrtpCipher(receiving).unprotect_rtcp(buffer, length) == len(plain)
