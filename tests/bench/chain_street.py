"""Both far sides of the chaos bench: the production gateway with its centre, or a stand-in."""

import json
import random
import sqlite3
from pathlib import Path
from typing import Protocol

from haidang_tools.brokers import Broker, certificates
from haidang_tools.demo.accounts import books_of
from haidang_tools.demo.city import City
from haidang_tools.demo.settings import DemoNode
from haidang_wire.topics import node_of_base_name

from bench.fast_gateway import FastGateway, Key
from bench.stand import macs


class Arrived(Protocol):
    """What has come to the far end."""

    def delivered(self) -> set[Key]:
        """The packs that have come to the far end, by name."""

    def told(self) -> list[tuple[Key, str]]:
        """The smoke sensor's health in the packs that came: the pack's name, health."""


class FarSide(Arrived, Protocol):
    """Everything behind the nodes' radio."""

    folder: Path
    ca: Path
    broker: Broker

    def start(self) -> None:
        """Start all of it."""

    def stop(self) -> None:
        """End all of it."""

    def kill_gateway(self) -> bool:
        """kill -9 of the gateway and a new start; whether there was a process to kill."""

    def verdict(self) -> dict[str, int]:
        """`corrupt`, `duplicates` behind the gateway, `copies` before it; call at the end."""


class Production:
    """`haidang-gateway run` with its database, and the stand-in centre behind its uplink."""

    def __init__(self, folder: Path, nodes: int) -> None:
        """Keep the arguments."""
        self.folder = folder
        self._city = City(
            folder,
            nodes=[DemoNode(mac, "smoke", "market-3", mac) for mac in macs(nodes)],
        )
        self.ca = self._city.ca_dir
        self.broker = self._city.gateway_broker
        self._read: set[int] = set()
        self._packs: list[list[dict[str, object]]] = []

    def start(self) -> None:
        """Certificates, both brokers, centre and gateway."""
        self._city.issue_certificates()
        self._city.start_brokers()
        self._city.start_centre()
        self._city.write_gateway_settings()
        self._city.gateway.start()

    def stop(self) -> None:
        """End everything, the gateway when the centre has all that it took."""
        self._city.quiesce()
        self._city.stop()

    def kill_gateway(self) -> bool:
        """kill -9, children and all, and a new start."""
        self._city.gateway.kill()
        self._city.gateway.start()
        return True

    def delivered(self) -> set[Key]:
        """The packs in the centre's ledger."""
        self._read_centre()
        return {_key(pack) for pack in self._packs}

    def told(self) -> list[tuple[Key, str]]:
        """At the centre."""
        self._read_centre()
        return [
            (_key(pack), str(record["vs"]))
            for pack in self._packs
            for record in pack
            if record.get("n") == "smoke/health"
        ]

    def verdict(self) -> dict[str, int]:
        """From the gateway's own ledger and the centre's; call after stop()."""
        books = books_of(self.folder)
        self._read_centre()
        return {
            "corrupt": books["quarantined"] + len(self._city.centre.complaints),
            "duplicates": len(self._packs) - len(self.delivered()),
            "copies": books["duplicates"],
            "gateway_lost": books["lost"],
            "gateway_received": books["received"],
            "uplink_missing": self._city.centre.missing() + books["queue"],
        }

    def _read_centre(self) -> None:
        # The gateway's epoch stays: its database is never rebuilt here.
        rows = sqlite3.connect(f"file:{self.folder / 'centre.db'}?mode=ro", uri=True)
        try:
            for seq, payload in rows.execute("SELECT seq, payload FROM message WHERE kind='data'"):
                if seq not in self._read:
                    self._read.add(seq)
                    self._packs += json.loads(payload)["packs"]
        finally:
            rows.close()


class StandIn:
    """A gateway in memory that leaves out a share of its acknowledgements."""

    def __init__(self, folder: Path, nodes: int, dropped_acks: float, seed: int) -> None:
        """Keep the arguments."""
        self.folder = folder
        self.ca = folder / "ca"
        self.broker = Broker("gateway", self.ca, folder / "broker")
        self._nodes = [f"n-{mac}" for mac in macs(nodes)]
        self._dropped_acks = dropped_acks
        self._seed = seed
        self.gateway: FastGateway

    def start(self) -> None:
        """Certificates, broker and gateway."""
        self.folder.mkdir(parents=True, exist_ok=True)
        certificates(self.ca, "broker-gateway", "gw-01", "gw-01-alarm", *self._nodes)
        self.broker.start()
        chance = random.Random(self._seed)
        self.gateway = FastGateway(
            self.ca, self.broker.port, dropped_acks=self._dropped_acks, chance=chance
        )
        self.gateway.__enter__()

    def stop(self) -> None:
        """End both."""
        self.gateway.__exit__()
        self.broker.stop()

    def kill_gateway(self) -> bool:
        """It is no process of its own."""
        return False

    def delivered(self) -> set[Key]:
        """The packs that came."""
        return self.gateway.keys()

    def told(self) -> list[tuple[Key, str]]:
        """In the alarm lane."""
        return [
            (key, str(record.value))
            for key, delivered in self.gateway.delivered.items()
            for record in delivered.pack.records
            if delivered.lane == "alarm" and record.name == "smoke/health"
        ]

    def verdict(self) -> dict[str, int]:
        """What its own memory says."""
        copies = [delivered.copies for delivered in self.gateway.delivered.values()]
        return {
            "corrupt": len(self.gateway.bad),
            "duplicates": 0,
            "copies": sum(copies) - len(copies),
        }

    def named(self) -> set[Key]:
        """Numbers that the nodes themselves told as dropped."""
        return {
            (node, status["he"], row["hb"], seq)
            for node, statuses in self.gateway.statuses.items()
            for status in statuses
            if status["state"] == "online"
            for row in status["boots"]
            for first, last, _cause in row["dropped"]
            for seq in range(first, last + 1)
        }


def _key(pack: list[dict[str, object]]) -> Key:
    first = pack[0]
    node = node_of_base_name(str(first["bn"]))
    return node, str(first["he"]), int(str(first["hb"])), int(str(first["hs"]))
