"""Packs of a topic that follow each other are read as each by itself, whatever is among them."""

from collections.abc import Callable

from haidang_gateway.batch import BootKey
from haidang_gateway.errors import PackRefused
from haidang_gateway.ingest.arrival import Arrival
from haidang_gateway.ingest.ledger import Ledger
from haidang_gateway.ingest.packs import Acks, PackReader, Received
from haidang_gateway.model import Lane
from haidang_gateway.settings import NodeSettings
from haidang_wire import ranges
from haidang_wire.senml import Pack, Record, encode_pack
from hypothesis import given
from hypothesis import strategies as st
from node_packs import EPOCH, NODE, START_MS

STRANGER = "n-240ac4000002"
TOPIC = f"hd/1/n/{NODE}/data"
_LANE: Lane = "data"


def _payload(boot: int, seq: int, up_ms: int, has_clock: bool, name: str) -> bytes:
    """In a node's own words."""
    unix_ms = START_MS + boot * 1_000_000 + up_ms if has_clock else None
    records = [Record("smoke/mv", 400 + seq, up_ms), Record("smoke/state", "alarm", up_ms)]
    return bytes(encode_pack(Pack(name, EPOCH, boot, seq, up_ms, unix_ms, records)))


_SOUND = st.builds(
    _payload,
    st.sampled_from([7, 7, 7, 8]),
    st.integers(0, 5),
    st.integers(1000, 90_000),
    st.booleans(),
    st.sampled_from([NODE, NODE, NODE, STRANGER]),
)
_PACKS = st.lists(_SOUND | _SOUND.map(lambda payload: payload.replace(b"smoke/", b"smoke ")))


def _arrival(payload: bytes, number: int) -> Arrival:
    received_ms = START_MS + 20_000_000 + number
    return Arrival(TOPIC, payload, _LANE, False, number + 1, received_ms, "data", 1)


class _Gateway:
    def __init__(self) -> None:
        self.ledger = Ledger({}, 0, lambda _ms: "2026-11-22")
        self.reader = PackReader({NODE: NodeSettings(id=NODE, place="m")}, self.ledger)

    def one_by_one(self, arrivals: list[Arrival]) -> list[Received | str]:
        return [_outcome(self.reader.read, arrival) for arrival in arrivals]

    def together(self, arrivals: list[Arrival], acks: Acks) -> list[Received | str]:
        packs = self.reader.on(TOPIC, acks)
        return [_outcome(packs.read, arrival) for arrival in arrivals]


def _outcome(read: Callable[[Arrival], Received], arrival: Arrival) -> Received | str:
    try:
        return read(arrival)
    except PackRefused as error:
        return error.reason


@given(_PACKS, _PACKS)
def test_packs_that_follow_each_other_are_read_as_one_by_one(
    first: list[bytes], then: list[bytes]
) -> None:
    short, long = _Gateway(), _Gateway()
    for payloads in (first, then):
        arrivals = [_arrival(payload, number) for number, payload in enumerate(payloads)]
        acks: Acks = {}
        outcomes = short.together(arrivals, acks)
        assert outcomes == long.one_by_one(arrivals)
        # A commit is made between two readings.
        assert short.ledger.take() == long.ledger.take()
        assert acks == _acknowledged(outcomes)


def _acknowledged(outcomes: list[Received | str]) -> Acks:
    found: dict[tuple[Lane, BootKey], list[list[int]]] = {}
    for outcome in outcomes:
        if isinstance(outcome, Received):
            ranges.add(found.setdefault((_LANE, outcome.key), []), outcome.seq)
    return found
