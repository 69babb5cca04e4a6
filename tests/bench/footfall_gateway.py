"""A node's packs through a whole gateway: everything that it stores, logs, sends and shows."""

import asyncio
import io
import logging
from collections.abc import Iterable
from pathlib import Path

from haidang_gateway.batch import CENTRE
from haidang_gateway.metrics_page import Sample, text_of
from haidang_gateway.model import OutLane
from haidang_gateway.outgoing import data_draft
from haidang_gateway.store.schema import FILE, reading
from haidang_gateway.trace_cli import trace
from haidang_wire import senml
from pipeline_kit import Bench, open_bench

_MOST_MS = 1 << 50
_LANES: tuple[OutLane, ...] = ("alarm", "reply", "data")


def places(folder: Path, node: str, packs: Iterable[senml.Pack]) -> dict[str, bytes]:
    """Database, log, messages for the centre, figures and trace, by name; `footfall/devices` is
    in database, messages and trace where any count came.
    """
    folder.mkdir()
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    logger = logging.getLogger("haidang_gateway")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        found = asyncio.run(_through(folder, [senml.encode_pack(pack) for pack in packs]))
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    with reading(folder / FILE) as connection:
        found["trace"] = "\n".join(trace(connection, node, 0, _MOST_MS)).encode()
    found["gateway's log"] = log.getvalue().encode()
    found |= {f"gateway's {path.name}": path.read_bytes() for path in folder.iterdir()}
    return found


async def _through(folder: Path, payloads: list[bytes]) -> dict[str, bytes]:
    async with open_bench(folder) as bench:
        for number, payload in enumerate(payloads, 1):
            bench.arrive("alarm", payload, number)
            await bench.pipeline.step()
        bench.clock.advance(60_000)
        await bench.pipeline.step()
        draft = data_draft("gw-01", CENTRE)
        while await bench.store.compose_data(draft, bench.clock.now_ms()):
            pass
        messages = await _messages(bench)
        samples: list[Sample] = [*await bench.store.samples()]
        figures = "\n".join(text_of(samples))
    return {"messages": messages, "figures": figures.encode()}


async def _messages(bench: Bench) -> bytes:
    sent = [await bench.store.pending(CENTRE, lane, 0, 1000) for lane in _LANES]
    return b"".join(message.payload for lane in sent for message in lane)
