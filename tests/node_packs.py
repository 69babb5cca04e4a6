"""Packs as a node sends them, for the gateway's tests."""

import json
from typing import Any

NODE = "n-240ac4000001"
SOURCE = "urn:dev:mac:240ac4fffe000001"
EPOCH = "9f3c01aa"
START_MS = 1_764_000_000_000


def pack(
    seq: int,
    *records: dict[str, Any],
    boot: int = 7,
    node_source: str = SOURCE,
    up_ms: int = 60_000,
    unix_ms: int | None = START_MS,
) -> bytes:
    """A SenML pack; without records a healthy smoke sensor's."""
    first: dict[str, Any] = {"bver": 26, "bn": f"{node_source}:"}
    if unix_ms is not None:
        first["bt"] = unix_ms / 1000
    first |= {"he": EPOCH, "hb": boot, "hs": seq, "hu": up_ms}
    body = list(records) or [{"n": "smoke/state", "vs": "normal"}]
    return json.dumps([first | body[0], *body[1:]]).encode()


def smoke(state: str) -> tuple[dict[str, Any], ...]:
    """Records of a smoke state."""
    return ({"n": "smoke/ratio", "u": "/", "v": 0.41}, {"n": "smoke/state", "vs": state})


def status(
    *,
    boots: list[dict[str, Any]],
    boot: int = 7,
    up_ms: int = 60_000,
    heartbeat_s: int = 30,
    **more: Any,
) -> bytes:
    """A node's status message."""
    return json.dumps(
        {
            "v": 1,
            "state": "online",
            "fw": "0.1.0",
            "slot": "a",
            "he": EPOCH,
            "hb": boot,
            "reset": "power_on",
            "up_ms": up_ms,
            "heartbeat_s": heartbeat_s,
            "sensors": ["smoke"],
            "boots": boots,
        }
        | more
    ).encode()


def resolved_pack(*records: tuple[str, float], seq: int = 1) -> bytes:
    """A pack as the gateway keeps it: with its time, and a record for each (name, value)."""
    first = {"bver": 26, "bn": f"{SOURCE}:", "bt": 1764000000.25 + seq, "he": EPOCH}
    first |= {"hb": 7, "hs": seq, "hu": 1000 * seq}
    items: list[dict[str, Any]] = [{"n": name, "v": value} for name, value in records]
    return json.dumps([first | items[0], *items[1:]], separators=(",", ":")).encode()
