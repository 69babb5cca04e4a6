"""Commands as the centre sends them, and what a pipeline replies."""

import json
from typing import Any

from haidang_gateway.batch import CENTRE
from haidang_gateway.commands import wish_of
from haidang_wire import messages
from node_packs import NODE, START_MS
from pipeline_kit import Bench

REPLY_TOPIC = "hd/1/g/gw-01/reply"


def centre_command(do: str, **fields: Any) -> bytes:
    """What the centre publishes; a field may be replaced."""
    document = {"id": "o-1", "do": do, "exp_ms": START_MS + 60_000, "reply": REPLY_TOPIC} | fields
    return json.dumps(document).encode()


def node_command(**fields: Any) -> bytes:
    """An order for the node, of a person called Lan."""
    wish = {"node": NODE, "do": "identify", "by": "Lan"}
    return centre_command("node_cmd", **({"args": wish} | fields))


async def give(bench: Bench, payload: bytes) -> None:
    """The command comes in; returns when it is durable."""
    wish = wish_of(payload, "gw-01", bench.clock.now_ms())
    assert wish is not None
    await bench.tell(wish)


async def replies(bench: Bench) -> list[dict[str, Any]]:
    """All that wait for the centre, oldest first."""
    sent = await bench.store.pending(CENTRE, "reply", 0, 100)
    assert all(message.topic == REPLY_TOPIC for message in sent)
    return [messages.decode("centre_reply", message.payload) for message in sent]
