"""Figures of the running gateway for Prometheus, at this machine's own address alone."""

import asyncio
import contextlib
import logging
import os
import resource
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from haidang_gateway.errors import StoreError

_log = logging.getLogger(__name__)

HOST = "127.0.0.1"
PATH = "/metrics"
_REQUEST_BYTES = 8 * 1024
_REQUEST_S = 5.0
_VISITORS = 4
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_STATM = Path("/proc/self/statm")

Labels = Mapping[str, str]
Sample = tuple[str, Labels, float]
"""Name, labels, value; a name that ends in `_total` is a counter."""


class MetricsPage:
    """Answers `GET /metrics`; nothing else is here, and nothing can be changed.

    Made by hand of forty lines, so that the figures do not hang on the console's web server.
    """

    def __init__(self, port: int, samples: Callable[[], Awaitable[list[Sample]]]) -> None:
        """`port` 0 means that there is no page; `run` opens the port."""
        self._port = port
        self._samples = samples
        self._visitors = 0

    async def run(self) -> None:
        """Serve until cancelled; without the port the gateway works on, with a warning."""
        if not self._port:
            return
        try:
            server = await asyncio.start_server(
                self._visit, HOST, self._port, limit=_REQUEST_BYTES
            )
        except OSError as error:
            _log.warning(
                "no figures at %s port %s: %s; name another port in [metrics]",
                HOST,
                self._port,
                error.strerror,
            )
            return
        async with server:
            await server.serve_forever()

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._visitors += 1
        try:
            async with asyncio.timeout(_REQUEST_S):
                writer.write(await self._answer(reader))
                await writer.drain()
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
            _log.debug("a visitor of the figures has gone")
        except Exception:  # noqa: BLE001 (one bad visit must not end the gateway)
            _log.exception("the figures could not be shown")
        finally:
            self._visitors -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        if self._visitors > _VISITORS:
            return _page("503 Service Unavailable", "too many visitors\n")
        head = await reader.readuntil(b"\r\n\r\n")
        method, _, rest = head.partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        if method != b"GET" or path != PATH.encode():
            return _page("404 Not Found", f"only GET {PATH}\n")
        try:
            return _page("200 OK", "\n".join(text_of(await self._samples())) + "\n")
        except StoreError as error:
            return _page("503 Service Unavailable", f"{error}\n")


def text_of(samples: list[Sample]) -> Iterator[str]:
    """The lines of Prometheus' text format, version 0.0.4."""
    last = ""
    for name, labels, value in samples:
        if name != last:
            yield f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}"
            last = name
        inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        yield f"{name}{{{inside}}} {value:.15g}" if inside else f"{name} {value:.15g}"


def samples_of(status: Mapping[str, Any]) -> list[Sample]:
    """What the status for the centre says, as samples."""
    none: Labels = {}
    samples: list[Sample] = [
        ("haidang_info", {"version": status["version"], "epoch": status["epoch"]}, 1),
        ("haidang_queue_messages", none, status["queue"]),
        ("haidang_queue_alarms", none, status["queue_alarms"]),
        ("haidang_queue_oldest_seconds", none, status["oldest_s"]),
    ]
    for kind in ("nodes", "cameras"):
        samples += [
            (f"haidang_{kind}", {"state": state}, status[f"{kind}_{state}"])
            for state in ("up", "down")
        ]
    samples.append(("haidang_audit_rows", none, status["audit"]["n"]))
    for one in status.get("destinations", ()):
        samples += _destination(one)
    for name, label in (
        ("ledger", "what"),
        ("sent", "what"),
        ("overflow", "what"),
        ("acks", "what"),
        ("orders", "what"),
        ("storms", "what"),
    ):
        # The ledger takes a loss back that turns up late, and orders end: neither only grows.
        metric = f"haidang_{name}" + ("" if name in ("ledger", "orders") else "_total")
        samples += [(metric, {label: key}, count) for key, count in status.get(name, {}).items()]
    return samples


def _destination(one: Mapping[str, Any]) -> list[Sample]:
    labels = {"destination": one["name"], "mode": one["mode"]}
    samples: list[Sample] = [
        (f"haidang_destination_{name}", labels, one[key])
        for name, key in (
            ("connected", "connected"),
            ("queue_messages", "queue"),
            ("queue_alarms", "queue_alarms"),
            ("oldest_seconds", "oldest_s"),
            ("sent_total", "sent"),
            ("refused_total", "refused"),
            ("dead_letters", "dead"),
        )
    ]
    return samples + [
        ("haidang_destination_dropped_total", {**labels, "what": what}, one[f"dropped_{what}"])
        for what in ("packs", "alarms")
    ]


def process_samples() -> list[Sample]:
    """This process: memory and processor time, under the names that everybody uses."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    samples: list[Sample] = [
        ("process_cpu_seconds_total", {}, usage.ru_utime + usage.ru_stime),
    ]
    with contextlib.suppress(OSError):
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
        samples.append(("process_resident_memory_bytes", {}, pages * _PAGE_BYTES))
    return samples


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _page(status: str, body: str) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
        f"Content-Length: {len(body.encode())}\r\nConnection: close\r\n\r\n"
    )
    return (head + body).encode()
