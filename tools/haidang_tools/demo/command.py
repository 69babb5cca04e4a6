"""`haidang demo`: the city in small, live in the terminal or once through its script."""

import argparse
import contextlib
import json
import logging
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from haidang_board import rig_process
from haidang_board.errors import BoardError
from rich.console import Console
from rich.live import Live

from haidang_tools.demo import scenario, screen
from haidang_tools.demo.accounts import sums_of
from haidang_tools.demo.city import City
from haidang_tools.demo.gateway_process import look_at
from haidang_tools.demo.real_boards import node_at, wifi_of
from haidang_tools.demo.scenario import Verdict
from haidang_tools.demo.scene_process import SceneProcess
from haidang_tools.demo.settings import NODES, DemoCamera, DemoNode, Wifi
from haidang_tools.demo.stage import CityStage
from haidang_tools.errors import InputRefused, ToolError

_FRAME_S = 0.25
# Generous: with fourteen other processes on two cores 60 s were too short.
_READY_S = 120.0
# The crowd model counts 1.5 to 6.6 people in the whole street, 0.2 in the empty one.
_STREET_LIMIT, _STREET_PERSON_PX = 2.5, 75.0
_OWN_LIMIT, _OWN_PERSON_PX = 30.0, 90.0
_RECORD_WIDTH = 112
# The picture must look the same without a network.
_FONT_FROM_THE_NET = re.compile(r"@font-face \{.*?\}", re.DOTALL)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `haidang demo`."""
    parser.add_argument("--once", action="store_true", help="play the script once, then judge")
    parser.add_argument("--camera", metavar="URL", help="your own video file or rtsp:// address")
    parser.add_argument(
        "--board",
        action="append",
        default=[],
        metavar="PORT:KIND",
        help="a real board in place of the virtual ones, e.g. /dev/ttyUSB0:smoke; repeat for more",
    )
    parser.add_argument("--wifi", metavar="SSID:KEY", help="the real boards' network")
    parser.add_argument("--record", type=Path, metavar="SVG", help="write the last screen here")
    parser.add_argument("--cache", type=Path, default=Path(".cache"), help=argparse.SUPPRESS)
    parser.add_argument("--keep", type=Path, help="work in this folder and keep it")


def run(args: argparse.Namespace) -> int:
    """0 when all went well; 1 when something was lost, missing or doubled, or did not start."""
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    # Without emoji: a port such as tty:frog: must not become a picture.
    console = Console(
        record=args.record is not None, width=_RECORD_WIDTH if args.record else None, emoji=False
    )
    try:
        _check_record(args.record)
        with _ended_by_signals(), _folder(args.keep) as folder:
            verdict = Demo(args, console, folder).play()
    except (ToolError, BoardError) as error:
        console.print(f"demo: {error}", style="bold red", markup=False)
        return 1
    except KeyboardInterrupt:
        console.print("\nĐã dừng · Stopped")
        return 0
    if args.record:
        drawing = console.export_svg(title="make demo ONCE=1")
        args.record.write_text(_FONT_FROM_THE_NET.sub("", drawing), encoding="utf-8")
    for problem in verdict.problems:
        console.print(f"demo: {problem}", style="bold red", markup=False)
    print("\n" + json.dumps(verdict.line()), flush=True)
    return 1 if verdict.problems else 0


class Demo:
    """One run of the demo in one folder."""

    def __init__(self, args: argparse.Namespace, console: Console, folder: Path) -> None:
        """Keep the arguments; `play` does the work."""
        self._args = args
        self._console = console
        self._folder = folder
        self._scene: SceneProcess | None = None
        self._caption = ""

    def play(self) -> Verdict:
        """Start the city, play the script (again and again without --once), end everything."""
        with contextlib.ExitStack() as undo:
            camera = self._camera(undo)
            wifi = wifi_of(self._args.wifi) if self._args.wifi else Wifi()
            city = City(self._folder, nodes=self._nodes(), camera=camera, wifi=wifi)
            city.start(self._say)
            undo.callback(city.stop)
            stage = CityStage(city, self._scene)
            self._await_ready(city)
            began_s = time.monotonic()
            with Live(console=self._console, auto_refresh=False) as live:
                cut_ms = self._script(city, stage, live)
                while not self._args.once:
                    stage.wake()
                    self._script(city, stage, live)
                stage.uplink(True)
                self._caption = "Chờ hàng đợi rỗng · Waiting for the queue to empty"
                city.quiesce(lambda: self._show(city, live, True))
            return self._judge(city, cut_ms, time.monotonic() - began_s)

    def _say(self, text: str) -> None:
        self._console.print(f"[dim]{text} ...[/dim]")

    def _camera(self, undo: contextlib.ExitStack) -> DemoCamera:
        if self._args.camera:
            source = self._args.camera
            self._say("Xem thử camera · Looking at the camera")
            look_at(source)
            return DemoCamera(source, _OWN_LIMIT, _OWN_PERSON_PX, loop=Path(source).is_file())
        self._say("Mở nguồn hình · Opening the picture source")
        self._scene = SceneProcess(self._args.cache, self._folder / "scene.log")
        undo.callback(self._scene.stop)
        self._scene.start()
        self._scene.order(people=0.0)
        return DemoCamera(self._scene.url, _STREET_LIMIT, _STREET_PERSON_PX)

    def _nodes(self) -> tuple[DemoNode, ...]:
        if self._args.board:
            return tuple(node_at(text) for text in self._args.board)
        try:
            rig_process.interpreter()
        except BoardError as error:
            text = f"{error} The demo runs without nodes: add real ones with BOARDS=PORT:KIND."
            self._console.print(text, markup=False)
            return ()
        return NODES

    def _await_ready(self, city: City) -> None:
        self._say("Chờ các nút và camera · Waiting for nodes and camera")
        deadline_s = time.monotonic() + _READY_S
        while True:
            heard = city.centre.read(lambda view: set(view.nodes))
            cameras = city.centre.read(lambda view: int(view.gateway.get("cameras_up", 0)))
            if heard >= {node.id for node in city.nodes} and cameras:
                return
            if not city.gateway.running:
                raise ToolError(f"the gateway ended by itself:\n{city.gateway.last_words()}")
            if time.monotonic() > deadline_s:
                silent = {node.id for node in city.nodes} - heard
                raise ToolError(missing(silent, bool(cameras), city.gateway.last_words()))
            time.sleep(_FRAME_S)

    def _script(self, city: City, stage: CityStage, live: Live) -> tuple[int, int]:
        """Plays the script once; the bounds of the cut in Unix milliseconds."""
        start_s = time.monotonic()
        start_ms = time.time_ns() // 1_000_000
        while (at_s := time.monotonic() - start_s) < scenario.END_S:
            self._caption = scenario.play(stage, at_s)
            self._show(city, live, not scenario.in_cut(at_s))
            if not city.gateway.running:
                raise ToolError(f"the gateway ended by itself:\n{city.gateway.last_words()}")
            time.sleep(_FRAME_S)
        cut_from_ms = start_ms + round(scenario.CUT_FROM_S * 1000)
        return cut_from_ms, cut_from_ms + round(scenario.CUT_FOR_S * 1000)

    def _show(self, city: City, live: Live, link_up: bool) -> None:
        around = screen.Surroundings(
            names={node.id: node.label for node in city.nodes},
            camera=self._scene.source if self._scene else str(self._args.camera),
            link_up=link_up,
            scenario=self._caption,
        )
        now_ms = time.time_ns() // 1_000_000
        live.update(city.centre.read(lambda v: screen.render(v, around, now_ms)), refresh=True)

    def _judge(self, city: City, cut_ms: tuple[int, int], seconds: float) -> Verdict:
        rows = city.centre.read(lambda view: list(view.alarms))
        packs = city.centre.read(lambda view: view.packs)
        sums = sums_of(city.folder, packs, city.centre.missing())
        wanted = scenario.expected(
            nodes=bool(city.worlds),
            flames=self._scene is not None,
            people=self._scene is not None and self._scene.filmed,
        )
        verdict = scenario.judge(rows, wanted, packs, sums, cut_ms=cut_ms, seconds=seconds)
        return scenario.with_complaints(verdict, city.centre.complaints)


def missing(silent: set[str], camera: bool, last_words: str) -> str:
    """What has not come up in time, why most often, and what to do."""
    names = [f"node {name}" for name in sorted(silent)] + ([] if camera else ["the camera"])
    return (
        f"after {_READY_S:.0f} s nothing was heard of {', '.join(names)}. A slow or busy computer "
        "needs longer: close other programs and try again. If it stays so, try --keep FOLDER and "
        f"look at the logs in it. The gateway's last words:\n{last_words}"
    )


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Ctrl-C, a closed terminal or SIGTERM end the city once; while it ends, all are ignored."""

    def end(*_: object) -> None:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    ends = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    # What is ignored stays so: nohup means it.
    before = {n: old for n in ends if (old := signal.getsignal(n)) is not signal.SIG_IGN}
    try:
        for number in before:
            signal.signal(number, end)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _check_record(record: Path | None) -> None:
    if record is not None and not os.access(record.absolute().parent, os.W_OK):
        raise InputRefused(f"--record {record}: its folder is missing or may not be written")


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        try:
            keep.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"--keep {keep}: no folder can be made there ({error.strerror})"
            raise InputRefused(message) from error
        yield keep
        return
    folder = Path(tempfile.mkdtemp(prefix="haidang-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """`python -m haidang_tools.demo.command`."""
    parser = argparse.ArgumentParser(prog="haidang demo", description=__doc__)
    add_arguments(parser)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
