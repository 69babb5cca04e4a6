"""The gateway as a process of its own, started the way the systemd unit starts it."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from haidang_tools.errors import InputRefused, ToolError

_STOP_S = 10.0
_LOOK_S = 30.0


def look_at(camera: str) -> None:
    """Let the gateway open the picture source once; InputRefused says why it cannot."""
    command = [sys.executable, "-m", "haidang_gateway", "camera", camera]
    try:
        looked = subprocess.run(
            command, capture_output=True, text=True, timeout=_LOOK_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise InputRefused(f"the camera sent no picture in {_LOOK_S:.0f} s; look at it") from error
    if looked.returncode != 0:
        raise InputRefused(looked.stdout.strip() or looked.stderr.strip()[-300:])


class GatewayProcess:
    """`haidang-gateway run` on one configuration; may be killed and started again."""

    def __init__(self, config: Path, log: Path, module: str = "haidang_gateway") -> None:
        """Keep the paths; `start` runs `module`. Its log is appended to `log`."""
        self._module = module
        self._config = config
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process; ToolError before the first start."""
        if self._process is None:
            raise ToolError("the gateway does not run")
        return self._process.pid

    @property
    def log(self) -> str:
        """Everything it has logged."""
        if not self._log.exists():
            return ""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        """Start it, with `environment` on top of our own."""
        command = [sys.executable, "-m", self._module, "run", "--config", str(self._config)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **(environment or {})},
                start_new_session=True,  # Ctrl-C in the terminal is the demo's to handle
            )

    def wait(self, timeout_s: float) -> int:
        """Wait for its end; its exit code. ToolError when it still runs after `timeout_s`."""
        if self._process is None:
            return 0
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            raise ToolError(f"the gateway still runs after {timeout_s:.0f} s") from error

    def stop(self) -> int:
        """End it in an orderly way; its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it with SIGKILL, children and all: what is not on disk is gone."""
        self._end(signal.SIGKILL)

    def last_words(self, lines: int = 5) -> str:
        """The end of its log."""
        return "\n".join(self.log.strip().splitlines()[-lines:])

    def _end(self, how: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return 0 if process is None else process.returncode
        if how is signal.SIGKILL:
            os.killpg(process.pid, how)
        else:
            process.send_signal(how)
        try:
            return process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return process.wait()
