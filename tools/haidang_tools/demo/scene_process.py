"""The demo's picture source as a process of its own; orders go in as JSON lines."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from haidang_tools.errors import ToolError

_STOP_S = 5.0


class SceneProcess:
    """`haidang scene`; `url` is for a camera, `source` says in words what it shows.

    `filmed` tells a real street, whose people can be counted, from a drawn one.
    """

    def __init__(self, cache: Path, log: Path) -> None:
        """Keep the paths; `start` runs it."""
        self.url = ""
        self.source = ""
        self.filmed = False
        self._cache = cache
        self._log = log
        self._process: subprocess.Popen[str] | None = None
        self._orders: dict[str, Any] = {}

    def start(self) -> None:
        """Start it and wait until it serves; the first time it fetches the street's video."""
        command = [sys.executable, "-m", "haidang_tools.scene", "--cache", str(self._cache)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        assert self._process.stdout is not None
        first = self._process.stdout.readline()
        try:
            ready = json.loads(first)
        except json.JSONDecodeError as error:
            words = self._log.read_text(encoding="utf-8", errors="replace")[-300:]
            raise ToolError(f"the picture source did not start: {words}") from error
        self.url, self.source, self.filmed = ready["url"], ready["source"], ready["filmed"]

    def order(self, **wanted: float | bool) -> None:
        """Show this from now on; what is as wished already is not sent again."""
        changed = {
            name: value for name, value in wanted.items() if self._orders.get(name) != value
        }
        process = self._process
        if not changed or process is None or process.stdin is None or process.poll() is not None:
            return
        self._orders |= changed
        process.stdin.write(json.dumps(changed) + "\n")
        process.stdin.flush()

    def stop(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is None:
            return
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
