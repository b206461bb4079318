"""What all packets of one SSRC on their way to one viewer have in common, laid out so that each is written at once."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Protocol

from relay import rtp
from relay.track import Packet

VERSION = 0x80
"""Version 2 in the first byte of a header (RFC 3550 section 5.1)."""


class Lane:
    """Packets of one SSRC: how they are rewritten, and their header extension block.

    `kind` is the payload type, `add` and `late` are added to sequence numbers and timestamps. `numbered` is for a block
    made by `rtp.numbered_extension`: each packet then gets its own transport-wide number. `padded` says that payloads
    end in padding (RFC 3550 section 5.1). Never changed, because packets may wait with it for their turn."""

    __slots__ = ("add", "first", "head", "kind", "late", "numbered", "pack", "size", "ssrc", "tail")

    def __init__(
        self,
        ssrc: int,
        kind: int,
        block: bytes = b"",
        *,
        add: int = 0,
        late: int = 0,
        numbered: bool = False,
        padded: bool = False,
    ) -> None:
        self.ssrc, self.kind, self.add, self.late, self.numbered = ssrc, kind, add, late, numbered
        self.first = VERSION | (rtp.PADDING_BIT if padded else 0) | (rtp.EXTENSION_BIT if block else 0)
        at = rtp.NUMBER_AT if numbered else len(block)
        self.head, self.tail = block[:at], block[at + 2 :]
        layout = struct.Struct(rtp.HEADER.format + (f"{at}sH{len(self.tail)}s" if numbered else f"{at}s"))
        self.size = layout.size
        self.pack: Callable[..., None] = layout.pack_into
        """Writes all before the payload: into a buffer, at 0, `first`, the packet's second byte, sequence number and
        timestamp, `ssrc`, `head`, and for a numbered lane the number and `tail`."""


class Send(Protocol):
    """What sends packets on: a transport's, a downlink's, a pacer's."""

    def __call__(self, lane: Lane, packets: Sequence[Packet]) -> int:
        """Sends `packets` in order; how many from the first on were sent, or wait to be."""


class SendNumbered(Protocol):
    """A transport's: it knows the numbers of numbered lanes from whoever counts them."""

    def __call__(self, lane: Lane, packets: Sequence[Packet], number: int = 0) -> int:
        """As `Send`; `number` is the first packet's, the others follow."""
