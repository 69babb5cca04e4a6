"""`haidang centre`: the stand-in operations centre on the command line; `Centre` for the demo."""

import argparse
import json
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from haidang_tools.arguments import tcp_port
from haidang_tools.centre_check import Checker, Message, Refusal
from haidang_tools.centre_heads import ChainHead
from haidang_tools.centre_ledger import Ledger
from haidang_tools.centre_server import Centre, Line, Watcher
from haidang_tools.errors import ToolError

__all__ = (
    "Centre",
    "JsonLines",
    "Line",
    "Readable",
    "add_arguments",
    "end_by_signals",
    "event_of",
    "run",
)

# A command that reaches a gateway later than this means nothing any more.
_ACK_VALID_MS = 3_600_000
_STYLES = {"suspected": "yellow", "confirmed": "bold red", "cleared": "green", "dismissed": "dim"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `haidang centre`."""
    parser.add_argument("--host", default="127.0.0.1", help="the centre's broker (%(default)s)")
    parser.add_argument("--port", type=tcp_port, default=8883, help="its TLS port (%(default)s)")
    for name, what in (("ca", "authority"), ("cert", "certificate"), ("key", "private key")):
        parser.add_argument(f"--{name}", type=Path, required=True, help=f"{what}, PEM")
    parser.add_argument("--ledger", type=Path, required=True, help="SQLite file, made if absent")
    parser.add_argument(
        "--ack-alarms", metavar="BY", help="acknowledge every confirmed alarm in this name"
    )
    parser.add_argument(
        "--json", action="store_true", help="one JSON object a line, and the sums last"
    )


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM; 0, or 1 with a sentence on stderr."""
    line = Line(host=args.host, port=args.port, ca=args.ca, cert=args.cert, key=args.key)
    ledger = Ledger(args.ledger)
    printer = JsonLines() if args.json else Readable()
    watcher = Acknowledging(printer, args.ack_alarms) if args.ack_alarms else printer
    centre = Centre(line, ledger, Checker(), watcher)
    if isinstance(watcher, Acknowledging):
        watcher.send = centre.send_command
    stop = threading.Event()
    end_by_signals(stop)
    try:
        centre.run(stop)
    except ToolError as error:
        sys.stderr.write(f"centre: {error}\n")
        return 1
    printer.sums({**asdict(ledger.counts), "missing": ledger.missing()})
    return 0


def end_by_signals(stop: threading.Event) -> None:
    """Set `stop` at the first SIGINT or SIGTERM; further ones mean nothing."""
    ends = (signal.SIGINT, signal.SIGTERM)

    def end(*_: object) -> None:
        # A second one would wait for the lock that this one's set() holds. Of SIG_IGN Python would
        # say on stderr that one came meanwhile.
        for number in ends:
            signal.signal(number, lambda *_: None)
        stop.set()

    for number in ends:
        signal.signal(number, end)


def event_of(message: Message) -> dict[str, Any]:
    """One message as a flat object; `delay_ms` counts from the alarm's `updated`."""
    event: dict[str, Any] = {
        "kind": message.kind,
        "gateway": message.gateway,
        "received_ms": message.received_ms,
    }
    if message.kind == "alarm":
        alarm = message.document["alarm"]
        updated_ms = round(datetime.fromisoformat(alarm["updated"]).timestamp() * 1000)
        shown = (
            "rev",
            "hazard",
            "state",
            "severity",
            "certainty",
            "status",
            "headline",
            "updated",
        )
        event |= {"id": message.document["id"], "alarm_id": alarm["id"]}
        event |= {name: alarm[name] for name in shown}
        event |= {"place": alarm["place"]["id"], "delay_ms": message.received_ms - updated_ms}
    elif message.kind == "data":
        event |= {"id": message.document["id"], "packs": len(message.document["packs"])}
    elif message.kind == "cap":
        document = message.document
        event |= {"id": document["id"], "identifier": document["identifier"]}
        event |= {"msg_type": document["msgType"], "status": document["status"]}
        event |= {"headline": {one["language"][:2]: one["headline"] for one in document["info"]}}
    elif message.kind == "ngsi":
        names = [entity["id"] for entity in message.document["data"]]
        event |= {"id": message.document["id"], "entities": names}
    elif message.kind == "reply":
        event |= {name: message.document[name] for name in message.document if name != "at"}
    else:
        event |= {"state": message.document["state"]}
    return event


class Acknowledging:
    """Passes everything on, and acknowledges confirmed alarms as an operator would."""

    def __init__(
        self,
        watcher: Watcher,
        by: str,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        """Act in the name `by`; `send` is set once the centre exists."""
        self.send: Callable[[str, dict[str, Any]], None] = lambda _gateway, _command: None
        self._watcher = watcher
        self._by = by
        self._now_ms = now_ms

    def message(self, message: Message) -> None:
        """A new message or a status."""
        self._watcher.message(message)
        if message.kind != "alarm":
            return
        alarm = message.document["alarm"]
        if alarm["state"] == "confirmed" and alarm["ack"] is None:
            command = {
                "id": f"ack-{alarm['id'][-28:]}-{alarm['rev']}",
                "do": "ack_alarm",
                "exp_ms": self._now_ms() + _ACK_VALID_MS,
                "args": {"alarm_id": alarm["id"], "by": self._by},
            }
            self.send(message.gateway, command)

    def refused(self, refusal: Refusal) -> None:
        """A message that breaks the contract."""
        self._watcher.refused(refusal)

    def broken(self, alarm_id: str, rev: int) -> None:
        """A revision that does not fit its neighbour."""
        self._watcher.broken(alarm_id, rev)

    def went_back(self, kept: ChainHead, told: ChainHead) -> None:
        """An audit chain that lost its end."""
        self._watcher.went_back(kept, told)


class JsonLines:
    """Prints every message as one JSON object."""

    def message(self, message: Message) -> None:
        """A new message or a status."""
        _write(event_of(message))

    def refused(self, refusal: Refusal) -> None:
        """A message that breaks the contract."""
        _write({"kind": "refused", "topic": refusal.topic, "reason": refusal.reason})

    def broken(self, alarm_id: str, rev: int) -> None:
        """A revision that does not fit its neighbour."""
        _write({"kind": "broken", "alarm_id": alarm_id, "rev": rev})

    def went_back(self, kept: ChainHead, told: ChainHead) -> None:
        """An audit chain that lost its end."""
        ends = {"kept": str(kept), "told": str(told)}
        _write({"kind": "audit", "gateway": told.gateway, "epoch": told.epoch, **ends})

    def sums(self, sums: dict[str, int]) -> None:
        """The ledger's counts at the end."""
        _write({"kind": "sums", **sums})


class Readable:
    """Prints for a person: alarms in both languages, data as a count."""

    def __init__(self) -> None:
        """Print to standard output."""
        self._console = Console(highlight=False)

    def message(self, message: Message) -> None:
        """A new message or a status."""
        event = event_of(message)
        at = datetime.fromtimestamp(message.received_ms / 1000).astimezone().strftime("%H:%M:%S")
        if message.kind == "alarm":
            headline = event["headline"]
            style = _STYLES.get(event["state"], "")
            self._console.print(f"{at}  {headline['vi']}", style=style, markup=False)
            text = f"          {headline['en']}  ({event['alarm_id']} rev {event['rev']},"
            self._console.print(f"{text} {event['delay_ms']} ms)", style="dim", markup=False)
        elif message.kind == "data":
            text = f"{at}  {event['gateway']}: {event['packs']} packs"
            self._console.print(text, style="dim", markup=False)
        elif message.kind == "cap":
            text = f"{at}  CAP {event['msg_type']} {event['identifier']} ({event['status']})"
            self._console.print(text, style="dim", markup=False)
        elif message.kind == "ngsi":
            text = f"{at}  NGSI-LD {', '.join(event['entities'])}"
            self._console.print(text, style="dim", markup=False)
        elif message.kind == "reply":
            said = event.get("out", {}) if event["ok"] else event["err"]
            text = f"{at}  {event['gateway']}: {event['cmd']}: {said}"
            self._console.print(text, markup=False)
        else:
            self._console.print(f"{at}  {event['gateway']}: {event['state']}", markup=False)

    def refused(self, refusal: Refusal) -> None:
        """A message that breaks the contract."""
        text = f"REFUSED  {refusal.topic}: {refusal.reason}"
        self._console.print(text, style="bold magenta", markup=False)

    def broken(self, alarm_id: str, rev: int) -> None:
        """A revision that does not fit its neighbour."""
        text = f"BROKEN CHAIN  {alarm_id} rev {rev}"
        self._console.print(text, style="bold magenta", markup=False)

    def went_back(self, kept: ChainHead, told: ChainHead) -> None:
        """An audit chain that lost its end."""
        text = f"AUDIT CHAIN  {told.gateway} ended at row {kept.n}, now at {told.n}; there: "
        text += f"haidang-gateway audit verify --head {kept}"
        self._console.print(text, style="bold magenta", markup=False)

    def sums(self, sums: dict[str, int]) -> None:
        """The ledger's counts at the end."""
        text = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in sums.items())
        self._console.print(text, markup=False)


def _write(event: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(event, ensure_ascii=False) + "\n")
    sys.stdout.flush()
