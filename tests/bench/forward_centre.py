"""The centre's end of a forwarding bench: counts packs as fast as they come, acknowledges them.

In memory alone, for every contender the same: what is measured is the way there.
"""

import asyncio
import time
import zlib
from pathlib import Path

import msgspec
from haidang_wire import ranges

from bench.forward_wire import WireEnd, kept, published, tls

_AGAIN_S = 0.05
_OWN = b"hd/1/g/"


class _Record(msgspec.Struct):
    # Only a pack's first record has these; what else a record holds is not looked at.
    he: str = ""
    hb: int = 0
    hs: int = -1
    bn: str = ""


class _Packs(msgspec.Struct):
    id: str
    packs: list[list[_Record]]


_DECODE = msgspec.json.Decoder(_Packs)
_PACK = msgspec.json.Decoder(list[_Record])


class CountingCentre:
    """Subscribes as the centre; `names` are the packs that came, `copies` those that came again.

    `alarms` are (arrival on the steady clock in s, topic, payload) of alarm messages. Its session
    outlives its broker: nothing is published to nobody.
    """

    def __init__(self, ca: Path, port: int, filters: list[str]) -> None:
        self.names: set[tuple[str, str, int, int]] = set()
        self.copies = 0
        self.last_s = 0.0
        self.alarms: list[tuple[float, str, bytes]] = []
        self.ready = asyncio.Event()
        self._ca = ca
        self._port = port
        self._filters = filters
        self._packet_id = 0
        self._end: WireEnd | None = None
        self._acks: dict[tuple[str, str], list[list[int]]] = {}

    async def run(self) -> None:
        """Until cancelled."""
        context = tls(self._ca, "centre-01")

        async def connect() -> WireEnd:
            end = _End(self, self._filters)
            await end.connect(context, self._port)
            await end.opened()
            self._end = end
            self.ready.set()
            return end

        await kept(connect, _AGAIN_S)

    async def stopped(self, for_s: float) -> None:
        """Be stopped for so long: nothing is read, and nothing acknowledged."""
        assert self._end is not None, "it was ready"
        self._end.read(False)
        await asyncio.sleep(for_s)
        self._end.read(True)

    def take(self, topic: bytes, payload: bytes) -> None:
        """One message from a gateway."""
        if not topic.startswith(_OWN):
            first = _PACK.decode(payload)[0]
            self.note(first.bn, first.he, first.hb, first.hs)
            return
        if b"/alarm/" in topic:
            self.alarms.append((time.monotonic(), topic.decode(), payload))
            gateway, epoch, seq = payload[7:].split(b'"', 1)[0].decode().split("/")
        else:
            document = _DECODE.decode(zlib.decompress(payload) if payload[:1] == b"x" else payload)
            for pack in document.packs:
                first = pack[0]
                self.note(first.bn, first.he, first.hb, first.hs)
            gateway, epoch, seq = document.id.split("/")
        ranges.add(self._acks.setdefault((gateway, epoch), []), int(seq))

    def note(self, node: str, epoch: str, boot: int, seq: int) -> None:
        """One pack."""
        name = (node, epoch, boot, seq)
        if name in self.names:
            self.copies += 1
        else:
            self.names.add(name)
            self.last_s = time.monotonic()

    def answers(self) -> list[bytes]:
        """What goes back for all that has been taken."""
        pieces = []
        for (gateway, epoch), received in self._acks.items():
            ack = msgspec.json.encode({"epoch": epoch, "s": received[:256]})
            pieces.append(self.answer(f"hd/1/g/{gateway}/ack", ack))
        self._acks.clear()
        return pieces

    def answer(self, topic: str, payload: bytes) -> bytes:
        """A message of the centre's."""
        self._packet_id = self._packet_id % 60_000 + 1
        return published(topic, payload, self._packet_id)


class _End(WireEnd):
    def __init__(self, centre: CountingCentre, filters: list[str]) -> None:
        super().__init__("centre-01", filters, lasting=True)
        self._centre = centre

    def on_message(self, topic: bytes, payload: bytes) -> None:
        self._centre.take(topic, payload)

    def taken(self) -> None:
        self.out += self._centre.answers()
