"""What simulated nodes say about time agrees, so that the gateway takes it as it comes."""

import json
import time
from pathlib import Path

import pytest
from bench.forward_centre import CountingCentre
from bench.forward_fleet import Fleet
from bench.forward_ways import Ours
from haidang_gateway.batch import PackRow
from haidang_gateway.ingest import anchors
from haidang_gateway.ingest.arrival import Arrival
from haidang_gateway.ingest.ledger import Ledger
from haidang_gateway.ingest.packs import PackReader
from haidang_gateway.settings import NodeSettings
from haidang_tools.fleet_node import SimNode
from haidang_tools.fleet_sim import Maker
from haidang_wire import senml
from haidang_wire.naming import node_topic
from node_packs import EPOCH, NODE

_HEARTBEAT_S = 30
_HOUR_MS = 3_600_000


class _Unstarted(Ours):
    """Without its brokers, whose ports are not known yet."""

    def centre(self, ca: Path) -> CountingCentre:
        return CountingCentre(ca, 0, [])


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _rows(status: bytes, payloads: list[bytes], *, node: str = NODE) -> list[PackRow]:
    """What the gateway makes of a status and the packs behind it."""
    now_ms = _now_ms()
    ledger = Ledger({}, now_ms, lambda _ms: "2026-11-22")
    said = json.loads(status)
    ledger.note_status(node, said, now_ms)
    anchors.learn_live(ledger.boot((node, said["he"], said["hb"])), said["up_ms"], now_ms)
    reader = PackReader({node: NodeSettings(id=node, place="m")}, ledger)
    rows = [
        reader.read(
            Arrival(node_topic(node, "data"), payload, "data", False, 1, now_ms, "data", 1)
        ).row
        for payload in payloads
    ]
    return [row for row in rows if row is not None]


def _check_taken_as_they_came(payloads: list[bytes], rows: list[PackRow]) -> None:
    assert len(rows) == len(payloads)
    for payload, row in zip(payloads, rows, strict=True):
        said_ms = senml.decode_pack(payload).unix_ms
        assert (row.at_low_ms, row.at_high_ms) == (said_ms, said_ms)
        assert row.body == payload, "byte for byte"
    times = [row.at_high_ms for row in rows]
    assert times == sorted(set(times)), "one reading after the other"


@pytest.mark.parametrize("up_ms", [0, 5 * _HOUR_MS])
def test_a_simulated_node_s_packs_go_through_as_they_came(up_ms: int) -> None:
    node, maker = SimNode(NODE, EPOCH, began_ms=_now_ms() - up_ms), Maker(0)
    for _ in range(30):
        maker.make(node)
    payloads = [held.payload for held in node.due(0)]
    status = node.status(_now_ms(), _HEARTBEAT_S)
    assert json.loads(status)["up_ms"] >= up_ms
    _check_taken_as_they_came(payloads, _rows(status, payloads))


def test_the_bench_s_packs_go_through_as_they_came(tmp_path: Path) -> None:
    """Its publishers tell their status in between, and packs are made in several pieces."""
    fleet = Fleet(_Unstarted(tmp_path, tmp_path, 2), tmp_path, 2)
    publisher = fleet.publishers[1]
    said: list[bytes] = []
    publisher.write = said.append  # type: ignore[method-assign]
    publisher.tell()
    made = [*fleet.packs(60), *fleet.packs(20)]
    payloads = [
        packet[packet.index(b"[{") :] for of, (_, packet) in made if of.node is publisher.node
    ]
    status = said[0][said[0].index(b"{") :]
    assert len(payloads) == 40
    _check_taken_as_they_came(payloads, _rows(status, payloads, node=publisher.node.id))
