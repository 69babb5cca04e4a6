"""Stand-ins for the devices of a rig: each speaks the real protocol from its far end."""

import contextlib
import http.server
import json
import os
import pty
import select
import stat
import threading
import tty
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_LOOK_S = 0.05
_HUB = """#!/bin/sh
# uhubctl -l LOCATION -p PORT -a on|off, with the output of uhubctl 2.5
[ "$1 $3 $5" = "-l -p -a" ] || { echo "wrong arguments: $*" >&2; exit 1; }
[ "$2" = 1-1.4 ] || { echo "No compatible devices detected at location $2!" >&2; exit 1; }
echo "Current status for hub 1-1.4 [0424:9514, USB 2.00, 5 ports, ppps]"
echo "  Port $4: 0503 power highspeed enable connect [10c4:ea60 Silicon Labs CP2102]"
echo "Sent power $6 request"
echo "New status for hub 1-1.4 [0424:9514, USB 2.00, 5 ports, ppps]"
STATE="$6"
PRETEND
if [ "$STATE" = off ]; then echo "  Port $4: 0000 off"; else echo "  Port $4: 0100 power"; fi
echo "$6" >> SWITCHED
"""


def uhubctl(folder: Path, *, pretending: bool = False) -> Path:
    """A `uhubctl` in `folder`; `switched` beside it lists what it did.

    `pretending`: the hub obeys every order and keeps the power on, as many do.
    """
    program = folder / "uhubctl"
    text = _HUB.replace("PRETEND", "STATE=on" if pretending else "")
    program.write_text(text.replace("SWITCHED", str(folder / "switched")))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


@contextlib.contextmanager
def terminal() -> Iterator[tuple[int, Path]]:
    """A pseudo-terminal: the descriptor of its far end, and the device's path."""
    far, near = pty.openpty()
    tty.setraw(near)
    try:
        yield far, Path(os.ttyname(near))
    finally:
        os.close(far)
        os.close(near)


@contextlib.contextmanager
def relay(closed: Callable[[int, bool], None]) -> Iterator[Path]:
    """An LCUS-1: `closed(channel, yes)` is called for each well-formed order."""
    ended = threading.Event()

    def serve(far: int) -> None:
        order = b""
        while not ended.is_set():
            if select.select([far], [], [], _LOOK_S)[0]:
                order += os.read(far, 1)
            if len(order) == 4:
                assert order[0] == 0xA0
                assert order[3] == sum(order[:3]) & 0xFF
                closed(order[1], order[2] == 1)
                order = b""

    with terminal() as (far, path):
        thread = threading.Thread(target=serve, args=(far,))
        thread.start()
        try:
            yield path
        finally:
            ended.set()
            thread.join()


class Plug:
    """A Tasmota plug's web command; `deaf` answers the old state, as a jammed relay does."""

    def __init__(self, sockets: int = 1, password: str = "") -> None:
        self.on = [False] * sockets
        self.deaf = False
        self._password = password
        plug = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                words = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
                body = json.dumps(plug.answer(words)).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_LOOK_S,))

    def __enter__(self) -> "Plug":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, words: dict[str, list[str]]) -> dict[str, str]:
        """What Tasmota answers to a web command."""
        if self._password and words.get("password") != [self._password]:
            return {"WARNING": "Need user=<username>&password=<password>"}
        name, _, wanted = words["cmnd"][0].partition(" ")
        number = int(name.removeprefix("Power"))
        if number > len(self.on):
            return {"Command": "Unknown"}
        if not self.deaf:
            self.on[number - 1] = wanted == "ON"
        key = "POWER" if len(self.on) == 1 else f"POWER{number}"
        return {key: "ON" if self.on[number - 1] else "OFF"}
