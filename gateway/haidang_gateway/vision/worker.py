"""The camera worker, a process of its own: `python -m haidang_gateway.vision.worker`.

Native code that crashes or hangs takes this process alone; the gateway starts it anew. Settings
come as the first line of standard input, events leave as JSON lines (see `lines.py`).
"""

import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import BinaryIO

from haidang_gateway.clock import Clock
from haidang_gateway.errors import CameraError, GatewayError
from haidang_gateway.vision import lines
from haidang_gateway.vision.crew import Crew
from haidang_gateway.vision.lines import FaultLine, Line
from haidang_gateway.vision.networks import load_networks

_NICE = 2
_GRACE_S = 3.0


def main(stdin: BinaryIO, stdout: BinaryIO) -> int:
    """Read settings, look until standard input closes; the exit status is for the log."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    # Ctrl-C in a terminal reaches the whole group; the gateway alone decides when we end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICE)
    clock = Clock()

    def write(line: Line) -> None:
        stdout.write(lines.encode(line))
        stdout.flush()

    try:
        settings = lines.decode_settings(stdin.readline())
        if not settings.cameras:
            raise CameraError("the camera worker got no camera")
        networks = load_networks(
            Path(settings.cameras[0].models_dir),
            fire=settings.fire,
            threads=settings.threads,
            edge_tpu=settings.edge_tpu,
        )
        crew = Crew(settings.cameras, networks, clock, write, memory_mb=settings.memory_mb)
        threading.Thread(target=_watch_parent, args=(stdin, crew), daemon=True).start()
        crew.run()
    except BrokenPipeError:
        return 0
    except GatewayError as error:
        hint = "Repair the configuration or the model files"
        write(FaultLine(error=str(error), hint=hint, at_ms=clock.now_ms()))
        return 3
    return 0


def _watch_parent(stdin: BinaryIO, crew: Crew) -> None:
    """End with the gateway, even when a native call of ours never returns."""
    # Not through the buffer: its lock, held here, would abort the interpreter's own end.
    while os.read(stdin.fileno(), 4096):
        pass
    crew.stop()
    threading.Event().wait(_GRACE_S)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.stdin.buffer, sys.stdout.buffer))
