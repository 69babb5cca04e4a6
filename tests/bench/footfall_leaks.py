"""A node with a sniffer and its gateway: is any address or network name in anything of theirs?"""

import dataclasses
import time
from pathlib import Path
from typing import NamedTuple

from haidang_tools.brokers import Broker, certificates
from leak_search import found, interpreter_on, memory_of
from stand_in_gateway import StandInGateway
from waiting import wait_until

from bench import footfall_gateway, stand

_MAC = "240ac4000001"
_NODE = f"n-{_MAC}"
_PHONES = 60
_NAME = b"Quan Ca Phe Bi Mat"
_WINDOW_S = 4.0
_LIMIT_S = 90.0
_WIDE = "4M"


class Search(NamedTuple):
    """What was looked for and where; `leaks` must be 0, `controls` must not."""

    leaks: int
    controls: int
    addresses: int
    searched_bytes: int


def run(folder: Path, windows: int = 2) -> Search:
    """Phones whose addresses and networks are known scan around a node for some windows."""
    ca = folder / "ca"
    broker = Broker("gateway", ca, folder / "broker")
    certificates(ca, "broker-gateway", "gw-01", "gw-01-alarm", _NODE)
    with broker:
        board = stand.board(folder, ca, _MAC, broker.port, sensors={"footfall": {}})
        board.heap = _WIDE
        world = board.world
        world.phones, world.probe_period_s, world.sniffer_window_s = _PHONES, 1.5, _WINDOW_S
        with StandInGateway(ca, broker.port, _NODE) as gateway, board:
            crowd = world.crowd
            assert crowd is not None
            habits = crowd.habits
            habits.models = [dataclasses.replace(model, names=1) for model in habits.models]
            board.power_on()
            wait_until(lambda: _told(gateway) >= windows, "counts", _LIMIT_S)
            for phone in crowd.phones:
                phone.names = (_NAME,)
            before = _told(gateway)
            wait_until(lambda: _told(gateway) > before, "one more", _LIMIT_S)
            assert not gateway.bad, gateway.bad
            phones = list(crowd.phones)
            addresses = {address for phone in phones for address in phone.addresses}
            # Nobody scans any more, then the window ends.
            world.phones = 0
            time.sleep(_WINDOW_S + 2)
            memory = memory_of(interpreter_on(folder / f"n-{_MAC}.flash"))
            packs = [copies[0] for copies in gateway.packs.values()]
            places = {
                "memory": memory,
                "console": bytes(board.console),
                "packs": repr(gateway.packs).encode() + repr(gateway.statuses).encode(),
            }
        flash = (folder / f"n-{_MAC}.flash").read_bytes()
    places["flash"] = flash
    places["broker"] = b"".join(p.read_bytes() for p in (folder / "broker").rglob("*.log"))
    places |= footfall_gateway.places(folder / "gateway", _NODE, packs)
    leaks = found(places, addresses, [_NAME, b"Nha "])
    controls = min(
        memory.count(_NODE.encode()),
        flash.count(b"footfall"),
        places["messages"].count(b"footfall/devices"),
        places["trace"].count(b"phones"),
    )
    return Search(leaks, controls, len(addresses), sum(map(len, places.values())))


def _told(gateway: StandInGateway) -> int:
    return len(gateway.seen("footfall/devices"))
