"""The node under test: made from a bare board by the technician's own tools, then started."""

import contextlib
import functools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from haidang_tools import flash, provision
from haidang_tools.board import BoardFacts, SerialBoard
from haidang_tools.brokers import Broker, certificates
from node_settings import settings

from rig.bench import POWER, Bench
from rig.console import Console

# What a bare board has: its file system, empty. NVS stays, as it does when files are erased.
_STRIP = """
import os
def strip(folder):
    for entry in os.ilistdir(folder):
        path = folder + '/' + entry[0]
        if entry[1] == 0x4000:
            strip(path)
            os.rmdir(path)
        else:
            os.remove(path)
for folder in %r:
    try:
        strip(folder)
    except OSError as error:
        if error.errno != 2:
            raise
"""
_PRELUDE = """
import os
try:
    with open("/planted") as file:
        planted = file.read()
    os.remove("/planted")
except OSError:
    planted = ""
exec(planted)
"""
_PLANT = """
with open("/planted", "w") as file:
    file.write(PROGRAM)
with open("/main.py") as file:
    main = file.read()
with open("/main.py", "w") as file:
    file.write(PRELUDE + main)
"""


class Node:
    """One board on its bench; `folder` takes node.json and the console's record.

    `note` gets what the result file tells of the test.
    """

    def __init__(
        self,
        bench: Bench,
        broker: Broker,
        folder: Path,
        note: Callable[[str, object], None],
    ) -> None:
        """Keep the arguments."""
        self.name = ""
        self.record = folder / "console.log"
        self._bench = bench
        self._broker = broker
        self._folder = folder
        self._open = contextlib.ExitStack()
        self._console: Console | None = None
        self._note = note
        note("console", str(self.record))

    @property
    def console(self) -> str:
        """What the board has printed since its start."""
        return self._console.text if self._console else ""

    def prepare(self, ca: Path | None = None, *, bare: bool = False, **changes: Any) -> int:
        """Flash and provision for the broker; returns the number of application files written.

        `ca` is another folder to take certificates from. What the node kept for a gateway of
        another test is removed; `bare`: so is everything else. `changes` replace fields of
        node.json.
        """
        self.stop()
        bench, broker = self._bench, self._broker
        document = settings(broker.port, host=bench.host, ssid=bench.ssid, key=bench.key)
        config = self._folder / "node.json"
        config.write_text(json.dumps({**document, **changes}), encoding="utf-8")
        with SerialBoard(bench.port) as board:
            board.execute(_STRIP % ([""] if bare else ["/outbox"],))
            facts = board.facts()
            written = flash.install(board, _application(facts))
            self.name = provision.provision(board, ca or broker.ca_dir, config)
        self._note("node", self.name)
        self._note("interpreter", "MicroPython " + ".".join(str(n) for n in facts.version))
        return written

    def start(self, *, fast: bool = False) -> None:
        """Start the board with its console recorded from before power-on.

        `fast`: time will be passed quickly, where the bench can. Without a switch that works by
        itself the chip is reset instead; its first line is recorded all the same.
        """
        self._bench.set_fast(fast)
        by_power = POWER not in self._bench.lacks and not self._bench.attended
        if by_power:
            self._bench.set_power(False)
        self._record()
        if by_power:
            self._bench.set_power(True)
        else:
            self._running().restart_board()

    def plant(self, program: str) -> None:
        """From the prompt, lay a program that the next start runs once before the application.

        The product has no hook for it: its main.py is changed, and put right by `prepare`.
        """
        self.execute(f"PROGRAM = {program!r}\nPRELUDE = {_PRELUDE!r}\n{_PLANT}")

    def execute(self, program: str) -> str:
        """Stop the application, run a program on the board and give back what it printed."""
        self.stop()
        with SerialBoard(self._bench.port) as board:
            return board.execute(program)

    def stop(self) -> None:
        """Let go of the port; the node runs on."""
        self._open.close()

    def _record(self) -> None:
        self._open.close()
        self._console = self._open.enter_context(Console(self._bench.port, self.record))

    def _running(self) -> Console:
        assert self._console is not None
        return self._console


def mixed_authority(folder: Path, ours: Path, node: str, *, stranger: str) -> Path:
    """A folder for `provision` in which one side's certificates come from another authority.

    `stranger` is "node": its certificate is foreign; or "broker": the node trusts foreigners.
    """
    foreign, mixed = folder / "foreign", folder / "mixed"
    certificates(foreign, node)
    shutil.copytree(ours, mixed)
    names = ("ca.der",) if stranger == "broker" else (f"{node}.der", f"{node}.key.der")
    for name in names:
        shutil.copy(foreign / name, mixed / name)
    return mixed


@functools.cache
def _application(facts: BoardFacts) -> dict[str, bytes]:
    return flash.application(flash.SOURCE, facts)
