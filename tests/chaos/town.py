"""The parts that the faults hit: brokers, line, gateway, centre, a fleet of nodes, boards."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from haidang_tools.brokers import Broker, certificates
from haidang_tools.centre_server import Line
from haidang_tools.demo.gateway_process import GatewayProcess
from haidang_tools.demo.settings import DemoNode, Lines, gateway_toml
from haidang_tools.fault_proxy import FaultProxy
from haidang_tools.fleet_sim import node_id

from chaos import books
from chaos.boards import Boards
from chaos.drops import Drops
from chaos.office import Office
from chaos.orders import Orders

NODES = 8
RATE = 40
_ALARM_EVERY = 25
_DRAIN_S = 60.0
_LOOK_S = 0.1
_ORDERS_AGAIN_S = 10.0
_TESTS = Path(__file__).resolve().parents[1]


class Town:
    """Starts and ends all of it; `early` makes the gateway of the control.

    `nodes` are simulated; `boards` run the real firmware.
    """

    def __init__(
        self, folder: Path, *, boards: tuple[DemoNode, ...] = (), early: bool = False
    ) -> None:
        self.folder = folder
        self.ca = folder / "ca"
        self.nodes = [node_id(n + 1) for n in range(NODES)]
        self.boards = Boards(folder, boards)
        self.near = Broker("gateway", self.ca, folder / "near")
        self.far = Broker("centre", self.ca, folder / "far")
        self.gateway = GatewayProcess(
            folder / "gateway.toml", folder / "gateway.log", "chaos.gateway"
        )
        self.clock = folder / "clock"
        self.data = folder / "gateway"
        self.drops = Drops(self.data)
        self.line: FaultProxy
        self.office: Office
        self.orders: Orders
        self.starts = 0
        self._early = early
        self._fleet: subprocess.Popen[bytes] | None = None

    @property
    def journals(self) -> Path:
        """Where the nodes' flash lies."""
        return self.folder / "journals"

    @property
    def fleet_ended(self) -> bool:
        """Whether a fleet that makes so many packs or none has nothing left to send."""
        return self._fleet is not None and self._fleet.poll() is not None

    def start(self) -> None:
        """Everything, until packs arrive."""
        self.folder.mkdir(parents=True, exist_ok=True)
        names = ["broker-gateway", "broker-centre", "gw-01", "gw-01-alarm", "centre-01"]
        certificates(self.ca, *names, *self.nodes, *(node.id for node in self.boards.nodes))
        self.near.start()
        self.far.start()
        self.line = FaultProxy(self.far.port)
        self.line.start()
        name = self.ca / "centre-01"
        line = Line(
            host="127.0.0.1",
            port=self.far.port,
            ca=self.ca / "ca.pem",
            cert=name.with_suffix(".pem"),
            key=name.with_suffix(".key"),
        )
        self.office = Office(line, self.folder / "centre.db")
        self.office.start()
        self.orders = Orders(self.boards.nodes, self.office.send)
        self._write_settings()
        self.start_gateway()
        self.boards.start(self.ca, self.near.port)
        self.start_fleet()
        if not self.wait_until(lambda: self.office.kept() > 0):
            raise RuntimeError(f"no pack came to the centre: {self.gateway.last_words()}")

    def stop(self) -> None:
        """End everything."""
        self.end_fleet(signal.SIGKILL)
        self.boards.close()
        self.gateway.stop()
        with contextlib.suppress(AttributeError):
            self.office.stop()
            self.line.stop()
        self.near.stop()
        self.far.stop()

    def start_gateway(self, **more: str) -> None:
        """Start the gateway; `more` is put into its environment."""
        self.starts += 1
        path = os.pathsep.join((str(_TESTS), os.environ.get("PYTHONPATH", "")))
        environment = {"PYTHONPATH": path, "HAIDANG_CHAOS_CLOCK": str(self.clock), **more}
        if self._early:
            environment["HAIDANG_CHAOS_EARLY"] = "1"
        self.gateway.start(environment)

    def supervise(self) -> None:
        """Start a gateway that ended by itself again, as systemd does."""
        if not self.gateway.running:
            self.start_gateway()

    def start_fleet(self, *, packs: int = 0) -> None:
        """The nodes, with what their flash holds; `packs` -1: they make no new ones.

        Boards can do nothing else than make new ones: they stay dark then.
        """
        command = [sys.executable, "-m", "haidang_tools", "fleet-sim", "--ca", str(self.ca)]
        command += ["--port", str(self.near.port), "--nodes", str(len(self.nodes))]
        command += ["--rate", str(RATE), "--alarm-every", str(_ALARM_EVERY)]
        command += ["--packs", str(packs), "--journal", str(self.journals), "--heartbeat", "5"]
        self._fleet = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=os.environ
        )
        if packs >= 0:
            self.boards.power_on()

    def end_fleet(self, how: signal.Signals) -> None:
        """End the nodes, by SIGKILL with all that is in their memory; boards never otherwise."""
        self.boards.cut()
        fleet, self._fleet = self._fleet, None
        if fleet is not None:
            fleet.send_signal(how)
            fleet.wait()

    def drain(self) -> bool:
        """The nodes make no more packs; whether all they hold came to the centre in time.

        What boards hold stays in their flash; of theirs, all that the gateway has must come.
        """
        self.end_fleet(signal.SIGTERM)
        self.start_fleet(packs=-1)
        done = self.wait_until(lambda: self.fleet_ended)
        accepted = books.accepted(self.journals)
        return done and self.wait_until(lambda: not self.missing(accepted) and not self.holds())

    def drain_boards(self) -> bool:
        """Boards and nodes at work, and no fault: whether all that boards ever kept came."""
        self.end_fleet(signal.SIGTERM)
        self.boards.power_on()
        promised = self.boards.books
        return self.wait_until(
            lambda: (
                not self.missing(promised.kept() | {one.key for one in promised.decisions})
                and not self.missing(promised.loose()) - self.drops.by_nodes
            )
        )

    def drain_orders(self) -> bool:
        """Whether each order's outcome came; those that a broker forgot are given once more."""
        for limit_s in (_ORDERS_AGAIN_S, _DRAIN_S):
            if self.wait_until(lambda: not self.orders.unanswered(self.office.path), limit_s):
                return True
            self.orders.give_again(self.orders.unanswered(self.office.path))
        return False

    def missing(self, names: set[books.Name]) -> set[books.Name]:
        """Those of `names` that are neither at the centre nor named as dropped on a full disk."""
        self.drops.look()
        return names - set(self.office.names()) - self.drops.names

    def holds(self) -> bool:
        """Whether something waits in the gateway for the centre."""
        self.drops.look()
        return bool(self.drops.queue)

    def wait_until(self, look: Callable[[], bool], limit_s: float = _DRAIN_S) -> bool:
        """Whether `look` came true in time, with the gateway kept running."""
        deadline_s = time.monotonic() + limit_s
        while time.monotonic() < deadline_s:
            if look():
                return True
            self.supervise()
            time.sleep(_LOOK_S)
        return False

    def expect(self, look: Callable[[], bool], what: str) -> None:
        """Wait until a fault has struck; RuntimeError names what did not come true."""
        if not self.wait_until(look):
            raise RuntimeError(f"not within {_DRAIN_S:.0f} s: {what}")

    def run(self, *words: str) -> str:
        """One command of the gateway; RuntimeError with what it said where it fails."""
        command = [sys.executable, "-m", "haidang_gateway", *words]
        config = ["--config", str(self.folder / "gateway.toml")]
        done = subprocess.run([*command, *config], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{words}: {done.stdout}{done.stderr}")
        return done.stdout

    def _write_settings(self) -> None:
        text = gateway_toml(
            Lines("127.0.0.1", self.near.port, self.line.port),
            self.ca,
            self.data,
            self.folder,
            nodes=[
                *(DemoNode(node[2:], "smoke", "market-3", node) for node in self.nodes),
                *self.boards.nodes,
            ],
            camera=None,
            smoke_verify_s=5.0,
        )
        text += "\n[store]\nmax_mb = 64\nreserve_mb = 0\ntelemetry_commit_ms = 200\n"
        (self.folder / "gateway.toml").write_text(text, encoding="utf-8")
