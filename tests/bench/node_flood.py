"""One node floods at full speed beside a good one: how long the good one's alarms take to be kept.

Real brokers, a real gateway process. From the publish of an alarm pack to the gateway's ack, which
follows its commit: `PYTHONPATH=tests:firmware:tools:gateway python -m bench.node_flood`.
"""

import statistics
import tempfile
import threading
import time
from pathlib import Path

from gateway_kit import STRANGER, World, issue_all, next_ack, wait_online
from mqtt_peer import Peer
from node_packs import NODE, pack, smoke

from bench.parts import LOG, Figures, main

_SOURCE = "urn:dev:mac:240ac4fffe000099"
_AHEAD_S = 1.5
_PAUSE_S = 0.05
# What paho may have under way, so that the flood lies at the broker and not in this process.
_BURST = 50
_BURST_S = 0.004


def figures(quick: bool = False, alarms: int = 30) -> Figures:
    """Median and longest way of `alarms` alarms: calm, beside a flood of alarms and of data."""
    count = 5 if quick else alarms
    result: Figures = {}
    for name, kind in (("calm", ""), ("alarm_flood", "alarm"), ("data_flood", "data")):
        LOG.info("one node's flood: %s", name)
        with tempfile.TemporaryDirectory() as folder:
            result |= _measured(Path(folder), name, kind, count)
    return result


def _measured(folder: Path, name: str, kind: str, count: int) -> Figures:
    issue_all(folder / "certificates")
    (folder / "world").mkdir()
    with World.open(folder / "world", folder / "certificates") as world:
        with world.config.open("a", encoding="utf-8") as config:
            config.write(f'[[node]]\nid = "{STRANGER}"\nplace = "market-3"\n')
        with world.gateway(), world.node() as node, world.node(STRANGER) as bad:
            wait_online(node)
            stop = threading.Event()
            flood = threading.Thread(target=_flood, args=(bad, kind, stop), name="flood")
            flood.start()
            try:
                stop.wait(_AHEAD_S)
                ways_ms = [_way_ms(node, seq) for seq in range(count)]
            finally:
                stop.set()
                flood.join()
    return {
        f"{name}_median_ms": round(statistics.median(ways_ms), 1),
        f"{name}_max_ms": round(max(ways_ms), 1),
    }


def _way_ms(node: Peer, seq: int) -> float:
    time.sleep(_PAUSE_S)
    began_s = time.monotonic()
    node.send(f"hd/1/n/{NODE}/alarm", pack(seq, *smoke("normal")))
    while [seq, seq] not in next_ack(node)["s"]:
        pass
    return 1000 * (time.monotonic() - began_s)


def _flood(bad: Peer, kind: str, stop: threading.Event) -> None:
    seq = 0
    while kind and not stop.is_set():
        payload = pack(seq, *smoke("normal"), node_source=_SOURCE)
        bad.send(f"hd/1/n/{STRANGER}/{kind}", payload)
        seq += 1
        if seq % _BURST == 0:
            time.sleep(_BURST_S)


if __name__ == "__main__":
    main(figures, alarms=30)
