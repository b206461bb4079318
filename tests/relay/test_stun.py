"""The STUN responder against aioice's implementation of the same standard."""

from __future__ import annotations

import pytest
from aioice import stun as other
from hypothesis import given
from hypothesis import strategies as st

from relay.stun import binding_response, parse_request

PASSWORD = "correct horse battery"


def request(username: str = "ours:theirs", nominate: bool = True, password: str = PASSWORD) -> bytes:
    message = other.Message(other.Method.BINDING, other.Class.REQUEST, transaction_id=b"0123456789ab")
    message.attributes["USERNAME"] = username
    message.attributes["PRIORITY"] = 7
    message.attributes["ICE-CONTROLLING"] = 9
    if nominate:
        message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity(password.encode())
    return bytes(message)


def test_a_check_is_read_and_verified() -> None:
    parsed = parse_request(request())
    assert parsed is not None
    assert (parsed.ufrag, parsed.use_candidate, parsed.transaction) == ("ours", True, b"0123456789ab")
    assert parsed.is_from(PASSWORD) is True
    assert parsed.is_from("wrong") is False
    ordinary = parse_request(request(nominate=False))
    assert ordinary is not None
    assert ordinary.use_candidate is False


def test_a_changed_byte_fails_verification() -> None:
    datagram = bytearray(request())
    datagram[30] ^= 1
    parsed = parse_request(bytes(datagram))
    assert parsed is None or parsed.is_from(PASSWORD) is False


def test_attributes_after_the_integrity_code_are_not_believed() -> None:
    datagram = bytearray(request(nominate=False))
    datagram += b"\x00\x25\x00\x00"
    datagram[2:4] = (len(datagram) - 20).to_bytes(2, "big")
    parsed = parse_request(bytes(datagram))
    assert parsed is not None
    assert parsed.use_candidate is False


@pytest.mark.parametrize("host", ["192.0.2.7", "2001:db8::7"])
def test_the_response_is_what_aioice_expects(host: str) -> None:
    message = other.parse_message(binding_response(b"0123456789ab", host, 4242, PASSWORD))
    assert message.message_class == other.Class.RESPONSE
    assert message.transaction_id == b"0123456789ab"
    assert message.attributes["XOR-MAPPED-ADDRESS"] == (host, 4242)
    assert message.check_message_integrity(PASSWORD.encode()) is True


def test_an_ipv4_address_on_an_ipv6_socket_is_told_as_ipv4() -> None:
    message = other.parse_message(binding_response(b"0" * 12, "::ffff:192.0.2.7", 1, PASSWORD))
    assert message.attributes["XOR-MAPPED-ADDRESS"] == ("192.0.2.7", 1)


@given(st.binary(max_size=200))
def test_noise_is_not_a_check(noise: bytes) -> None:
    assert parse_request(noise) is None


@given(st.integers(0, len(request()) - 1))
def test_a_cut_check_is_not_a_check(length: int) -> None:
    assert parse_request(request()[:length]) is None
