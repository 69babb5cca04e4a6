"""Telemetry in the zlib format (RFC 1950) for destinations that can read it."""

import dataclasses
import zlib

from haidang_gateway.batch import Outgoing

CONTENT_TYPE = "application/zlib"
# 50 packs of five readings, 15 kB: level 6 leaves 1.3 kB in 0.39 ms, level 1 1.5 kB in 0.27 ms.
_LEVEL = 6
# What is shorter gains nothing.
_LEAST_BYTES = 256
# Every zlib stream of ours begins so; no JSON and no XML does.
_MARK = b"\x78"


def deflated(message: Outgoing) -> Outgoing:
    """The message as it is sent; alarms and answers stay readable by eye."""
    if message.lane != "data" or len(message.payload) < _LEAST_BYTES:
        return message
    return dataclasses.replace(message, payload=zlib.compress(message.payload, _LEVEL))


def content_type(topic: str, payload: bytes) -> str:
    """MQTT 5's content type; empty for the contract's JSON."""
    if payload[:1] == _MARK:
        return CONTENT_TYPE
    kind = topic.split("/")[4:5]
    if kind == ["cap"]:
        return "application/cap+xml"
    return "application/ld+json" if kind == ["ngsi"] else ""
