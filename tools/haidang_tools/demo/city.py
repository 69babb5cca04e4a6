"""The demo city: starts every part as it would run in the field, and ends all of it."""

import contextlib
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from haidang_board.rig import Board
from haidang_board.world import World

from haidang_tools.brokers import Broker, certificates
from haidang_tools.centre_server import Line
from haidang_tools.demo.accounts import books_of
from haidang_tools.demo.gateway_process import GatewayProcess
from haidang_tools.demo.headquarters import Headquarters
from haidang_tools.demo.install import install
from haidang_tools.demo.real_boards import own_address
from haidang_tools.demo.settings import (
    CENTRE,
    GATEWAY,
    NODE_HEAP,
    NODES,
    DemoCamera,
    DemoNode,
    Lines,
    Wifi,
    gateway_toml,
    node_config,
)
from haidang_tools.demo.view import CityView
from haidang_tools.errors import BoardAbsent
from haidang_tools.fault_proxy import FaultProxy

_OWN_WIFI = Wifi()
_DRAIN_S = 30.0
_LOOK_EVERY_S = 0.25
# The nodes' last telemetry is in the gateway's books after this time.
_LAST_COMMIT_S = 1.5

MODELS = Path(__file__).resolve().parents[3] / "models"


class City:
    """Brokers, centre, gateway and nodes in `folder`; parts may be stopped one by one.

    `boards` holds the powered boards by node id. `smoke_verify_s` is the fire's verification
    window.
    """

    def __init__(
        self,
        folder: Path,
        *,
        nodes: Sequence[DemoNode] = NODES,
        camera: DemoCamera | None = None,
        smoke_verify_s: float = 60.0,
        wifi: Wifi = _OWN_WIFI,
    ) -> None:
        """Keep the arguments; `start` does the work."""
        self.folder = folder
        self.nodes = tuple(nodes)
        self.ca_dir = folder / "ca"
        # Only real boards need to reach the broker from elsewhere.
        real = any(node.port for node in self.nodes)
        self._host = own_address() if real else "127.0.0.1"
        self._wifi = wifi
        self.gateway_broker = Broker("gateway", self.ca_dir, folder / "broker", address=self._host)
        self.centre_broker = Broker("centre", self.ca_dir, folder / "centre-broker")
        self.gateway = GatewayProcess(folder / "gateway.toml", folder / "gateway.log")
        self.worlds = {node.id: World() for node in self.nodes if not node.port}
        self.boards: dict[str, Board] = {}
        self.centre: Headquarters
        self.line: FaultProxy
        self._camera = camera
        self._view = CityView()
        self._smoke_verify_s = smoke_verify_s
        self._undo = contextlib.ExitStack()

    def start(self, say: Callable[[str], None] = lambda _: None) -> None:
        """Start everything; `say` hears what is done. ToolError names what failed."""
        with contextlib.ExitStack() as undo:
            self._undo = undo
            say("Cấp chứng chỉ · Issuing certificates")
            self.issue_certificates()
            say("Khởi động trung tâm và máy chủ MQTT · Starting brokers and centre")
            self.start_brokers()
            self.start_centre()
            say("Nạp chương trình cho các nút · Flashing and provisioning the nodes")
            self.start_nodes()
            say("Khởi động gateway · Starting the gateway")
            self.write_gateway_settings()
            self.gateway.start()
            undo.callback(self.gateway.stop)
            self._undo = undo.pop_all()

    def stop(self) -> None:
        """End everything, in the reverse order of the start."""
        self._undo.close()

    def issue_certificates(self) -> None:
        """Certificates for all that has none yet in the city's folder."""
        names = ["broker-gateway", "broker-centre", GATEWAY, f"{GATEWAY}-alarm", CENTRE]
        names += [node.id for node in self.nodes]
        certificates(self.ca_dir, *(n for n in names if not (self.ca_dir / f"{n}.pem").exists()))

    def start_brokers(self) -> None:
        """Both brokers, and the line to the centre that can be cut."""
        for broker in (self.gateway_broker, self.centre_broker):
            broker.start()
            self._undo.callback(broker.stop)
        self.line = FaultProxy(self.centre_broker.port)
        self.line.start()
        self._undo.callback(self.line.stop)

    def start_centre(self) -> None:
        """The stand-in centre on the far side of the line."""
        name = self.ca_dir / CENTRE
        line = Line(
            host="127.0.0.1",
            port=self.centre_broker.port,
            ca=self.ca_dir / "ca.pem",
            cert=name.with_suffix(".pem"),
            key=name.with_suffix(".key"),
        )
        self.centre = Headquarters(line, self.folder / "centre.db", self._view)
        self._undo.callback(self.centre.stop)
        self.centre.start()

    def write_gateway_settings(self) -> None:
        """gateway.toml for these brokers and this camera."""
        text = gateway_toml(
            Lines(self._host, self.gateway_broker.port, self.line.port),
            self.ca_dir,
            self.folder / "gateway",
            MODELS,
            nodes=self.nodes,
            camera=self._camera,
            smoke_verify_s=self._smoke_verify_s,
        )
        (self.folder / "gateway.toml").write_text(text, encoding="utf-8")

    def start_nodes(self) -> None:
        """Power every board, and flash and provision it side by side."""
        with ThreadPoolExecutor(len(self.nodes) or 1, thread_name_prefix="flash") as pool:
            list(pool.map(self.start_node, self.nodes))

    def start_node(self, node: DemoNode) -> None:
        """One board from bare to running; a virtual one's flash is kept in the city's folder."""
        config = self.folder / f"{node.id}.json"
        document = node_config(node, self._host, self.gateway_broker.port, self._wifi)
        config.write_text(json.dumps(document), encoding="utf-8")
        if node.port:
            install(node.port, node, self.ca_dir, config)
            return
        board = self._power_on(node)
        try:
            install(board.port, node, self.ca_dir, config)
        except BoardAbsent:
            # Ctrl-C in the middle of a collection stops the Unix interpreter: what the reset
            # button is for.
            board.power_off()
            board.power_on()
            install(board.port, node, self.ca_dir, config)

    def _power_on(self, node: DemoNode) -> Board:
        board = self._board(node)
        board.open()
        self._undo.callback(board.close)
        self.boards[node.id] = board
        board.power_on()
        return board

    def _board(self, node: DemoNode) -> Board:
        image = self.folder / f"{node.id}.flash"
        return Board(image, mac=node.mac, world=self.worlds[node.id], heap=NODE_HEAP)

    def quiesce(self, show: Callable[[], None] = lambda: None) -> None:
        """End the nodes, wait until the centre has all, then end gateway and centre.

        `show` is called while it waits, at most 30 s; what is left then is in the books.
        """
        for board in self.boards.values():
            board.power_off()
        now_s = time.monotonic()
        committed_s, deadline_s = now_s + _LAST_COMMIT_S, now_s + _DRAIN_S
        while (now_s := time.monotonic()) < deadline_s:
            show()
            time.sleep(_LOOK_EVERY_S)
            if now_s > committed_s and books_of(self.folder)["queue"] == 0:
                break
        self.gateway.stop()
        self.centre.stop()
