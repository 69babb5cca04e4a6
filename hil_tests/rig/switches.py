"""What switches the board's power or its access point: hub port, plug, any command."""

import json
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from typing import Protocol

from rig.errors import SwitchFailed

_COMMAND_S = 30.0
_PLUG_S = 5.0


class Switch(Protocol):
    """Something that is on or off; `attended` if a person has to do it."""

    name: str
    attended: bool

    def set(self, on: bool) -> None:
        """Switch; SwitchFailed or PersonAbsent where it did not."""


class HubPort:
    """One port of a USB hub that can switch its ports (uhubctl's list says which hubs can).

    The board's serial port goes with its power and comes back with it.
    """

    attended = False

    def __init__(self, location: str, port: int, program: str = "uhubctl") -> None:
        """Keep the arguments: location and port as `uhubctl` prints them."""
        self.name = f"USB hub {location} port {port}"
        self._command = [program, "-l", location, "-p", str(port), "-a"]
        self._state = re.compile(rf"Port {port}: [0-9a-f]{{4}} (\w+)")

    def set(self, on: bool) -> None:
        """Switch and believe only the state that the hub reports afterwards."""
        printed = _run([*self._command, "on" if on else "off"], self.name)
        states = self._state.findall(printed)
        if not states or (states[-1] == "off") is on:
            told = states[-1] if states else printed.strip() or "nothing"
            raise SwitchFailed(
                f"{self.name} stayed as it was (uhubctl says: {told}); many hubs only pretend to "
                f"switch: take one of uhubctl's list of supported hubs, or another kind of power"
            )


class TasmotaPlug:
    """A mains plug with Tasmota, by its web command `Power<socket>`."""

    attended = False

    def __init__(self, url: str, socket: int = 1, user: str = "", password: str = "") -> None:
        """Keep the arguments; `url` is the plug's address such as http://192.168.1.50."""
        self.name = f"Tasmota plug {url}"
        self._url = url.rstrip("/")
        self._socket = socket
        self._login = {"user": user or "admin", "password": password} if password else {}

    def set(self, on: bool) -> None:
        """Switch and believe only the state that the plug answers."""
        wanted = "ON" if on else "OFF"
        question = {**self._login, "cmnd": f"Power{self._socket} {wanted}"}
        answer = self._answer(urllib.parse.urlencode(question, quote_via=urllib.parse.quote))
        states = {answer.get("POWER"), answer.get(f"POWER{self._socket}")}
        if wanted not in states:
            raise SwitchFailed(
                f"{self.name} did not switch {wanted}, it answered {json.dumps(answer)[:200]}; "
                f"check `socket`, and `user` and `password_file` if its web page asks for a login"
            )

    def _answer(self, query: str) -> dict[str, object]:
        try:
            with urllib.request.urlopen(f"{self._url}/cm?{query}", timeout=_PLUG_S) as reply:  # noqa: S310  http alone passes the rig file's check
                document = json.loads(reply.read())
        except (OSError, urllib.error.URLError) as error:
            raise SwitchFailed(
                f"{self.name} does not answer: {error}; check its address and supply"
            ) from error
        except ValueError as error:
            raise SwitchFailed(f"{self.name} answers no JSON: is it a Tasmota device?") from error
        return document if isinstance(document, dict) else {}


class CommandSwitch:
    """Any two commands, such as `nmcli connection up NAME` for this computer's access point."""

    attended = False

    def __init__(self, on: Sequence[str], off: Sequence[str]) -> None:
        """Keep the commands, each a list of words."""
        self.name = f"command {on[0]}"
        self._commands = {True: list(on), False: list(off)}

    def set(self, on: bool) -> None:
        """Run the command; its exit status decides."""
        _run(self._commands[on], self.name)


def _run(command: list[str], name: str) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_COMMAND_S, check=False
        )
    except FileNotFoundError as error:
        raise SwitchFailed(f"{name}: {command[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise SwitchFailed(f"{name}: {command[0]} took longer than {_COMMAND_S:.0f} s") from error
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip()
        raise SwitchFailed(f"{name}: {' '.join(command)} failed: {words}")
    return done.stdout
