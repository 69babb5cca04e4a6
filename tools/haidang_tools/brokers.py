"""Real mosquitto brokers for the demo and the tests, run from the very files that are deployed."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from haidang_tools.errors import ToolError

Role = Literal["gateway", "centre"]

_DEPLOY = Path(__file__).resolve().parents[2] / "gateway" / "deploy" / "mosquitto"
_ADDRESS = "127.0.0.1"
_START_S = 15.0
_STOP_S = 5.0
_COMMAND_S = 30.0
_POLL_S = 0.02
# Another program may take a free port between our look and mosquitto's start.
_PORT_TRIES = 5


class BrokerUnavailable(ToolError):
    """mosquitto is not installed, or did not start."""


def render(text: str, values: Mapping[str, object]) -> str:
    """A mosquitto configuration with the value of each directive in `values` replaced.

    Raises KeyError for a directive that the file does not have exactly once.
    """
    lines = text.splitlines()
    for directive, value in values.items():
        places = [at for at, line in enumerate(lines) if line.split(" ")[0] == directive]
        if len(places) != 1:
            raise KeyError(directive)
        lines[places[0]] = f"{directive} {value}"
    return "\n".join(lines) + "\n"


def certificates(ca_dir: Path, *names: str) -> None:
    """Make the authority in `ca_dir` if it is not there, and issue certificates to `names`.

    Raises ToolError with the authority's own sentence.
    """
    authority("init", ca_dir)
    if names:
        authority("issue", ca_dir, *names)


def authority(command: str, ca_dir: Path, *arguments: str) -> str:
    """Standard output of `haidang-gateway ca COMMAND DIR ...`; ToolError when it fails."""
    program = [sys.executable, "-m", "haidang_gateway.fleet.pki_cli"]
    done = subprocess.run(
        [*program, command, str(ca_dir), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=_COMMAND_S,
    )
    if done.returncode != 0:
        raise ToolError(done.stderr.strip() or f"the certificate authority failed: {command}")
    return done.stdout


def free_port() -> int:
    """A TCP port of the loopback address that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind((_ADDRESS, 0))
        port: int = probe.getsockname()[1]
        return port


class Broker:
    """One mosquitto with the deployed configuration of its role, on loopback unless told else.

    `ca_dir` holds the certificate `broker-<role>`; `work_dir` gets configuration, list and log.
    """

    def __init__(
        self,
        role: Role,
        ca_dir: Path,
        work_dir: Path,
        port: int | None = None,
        address: str = _ADDRESS,
        *,
        values: Mapping[str, object] | None = None,
        more: str = "",
        rights: str = "",
    ) -> None:
        """Keep the arguments; without `port` the first start chooses one and keeps it.

        values: directives with another value; more: further lines; rights: of the access list.
        """
        self._values = dict(values or {})
        self._more = more
        self._rights = rights
        self._address = address
        self.role = role
        self.ca_dir = ca_dir
        self.work_dir = work_dir
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """The listener's port, known from the first start on."""
        if self._port is None:
            message = f"the {self.role}'s broker has not been started, so it has no port"
            raise BrokerUnavailable(message)
        return self._port

    @property
    def pid(self) -> int:
        """The process; BrokerUnavailable while it does not run."""
        if self._process is None:
            raise BrokerUnavailable(f"the {self.role}'s broker does not run")
        return self._process.pid

    @property
    def log(self) -> str:
        """What the broker has logged so far."""
        path = self._log_path
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def start(self) -> None:
        """Start and wait until it listens; BrokerUnavailable with its last words otherwise."""
        self.work_dir.mkdir(parents=True, exist_ok=True)
        self._write_access_list()
        tries = _PORT_TRIES if self._port is None else 1
        for left in reversed(range(tries)):
            port = free_port() if tries > 1 else self.port
            if self._started(port):
                self._port = port
                return
            if left == 0 or "Address already in use" not in self.log:
                message = f"the {self.role}'s broker did not start: {self._last_words()}"
                raise BrokerUnavailable(message)

    def reload(self) -> None:
        """Take up a new revocation list and access list, as `systemctl reload` does."""
        self._write_access_list()
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """End it in an orderly way; it may be started again on the same port."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it with SIGKILL: everything in its memory is gone."""
        self._end(signal.SIGKILL)

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    @property
    def _log_path(self) -> Path:
        return self.work_dir / f"{self.role}.log"

    def _write_access_list(self) -> None:
        text = authority("acl", self.ca_dir, "--side", self.role)
        (self.work_dir / f"{self.role}.acl").write_text(text + self._rights, encoding="utf-8")

    def _started(self, port: int) -> bool:
        config = self.work_dir / f"{self.role}.conf"
        config.write_text(self._config(port), encoding="utf-8")
        with self._log_path.open("wb") as log:
            self._process = subprocess.Popen(
                [_mosquitto(), "-c", str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            if _listens(self._address, port):
                return True
            time.sleep(_POLL_S)
        self.kill()
        return False

    def _config(self, port: int) -> str:
        text = (_DEPLOY / f"{self.role}.conf").read_text(encoding="utf-8")
        rendered = render(
            text,
            {
                "user": pwd.getpwuid(os.geteuid()).pw_name,
                "listener": f"{port} {self._address}",
                "cafile": self.ca_dir / "ca.pem",
                "crlfile": self.ca_dir / "crl.pem",
                "certfile": self.ca_dir / f"broker-{self.role}.pem",
                "keyfile": self.ca_dir / f"broker-{self.role}.key",
                "acl_file": self.work_dir / f"{self.role}.acl",
                **self._values,
            },
        )
        return rendered + self._more

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _last_words(self) -> str:
        lines = self.log.strip().splitlines()
        return " / ".join(lines[-3:]) or "it said nothing"


def _mosquitto() -> str:
    path = shutil.which("mosquitto", path=f"{_search_path()}:/usr/sbin:/usr/local/sbin")
    if path is None:
        message = "mosquitto is not installed; on Debian: sudo apt install mosquitto"
        raise BrokerUnavailable(message)
    return path


def _search_path() -> str:
    return os.environ.get("PATH", os.defpath)


def _listens(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=1.0):
            return True
    except OSError:
        return False
