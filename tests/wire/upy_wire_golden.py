# heap: 400K
"""Golden messages: both interpreters read them and write them back byte for byte."""

import json
import os

from haidang_wire import messages, senml
from haidang_wire.errors import WireError
from haidang_wire.mqtt5 import Decoder, encode
from haidang_wire.senml_reading import rewritten
from upy_wire_packets import PACKETS

GOLDEN = __file__.rsplit("/", 2)[0] + "/golden/"
NODE_KINDS = (
    "status",
    "offline",
    "ack",
    "reply_ack",
    "cmd",
    "reply",
    "time_request",
    "time_answer",
)
OTHER_KINDS = (
    "gw_status",
    "alarm",
    "alarm_message",
    "data_message",
    "gateway_status",
    "centre_ack",
    "centre_cmd",
    "centre_reply",
)


def files(folder):
    """(name without ending, bytes) of every golden file in a folder."""
    found = []
    for name in sorted(os.listdir(GOLDEN + folder)):  # noqa: PTH208 (no pathlib on MicroPython)
        with open(GOLDEN + folder + "/" + name, "rb") as file:  # noqa: PTH123
            found.append((name.rsplit(".", 1)[0], file.read()))
    return found


def test_packs_come_back_byte_for_byte():
    for name, data in files("packs"):
        pack = senml.decode_pack(data)
        if pack.unix_ms is None:
            assert b'"bt"' not in data, name
        else:
            assert rewritten(data, pack.unix_ms) == data, name
            assert senml.resolved(pack, pack.unix_ms) == data, name


def test_messages_come_back_byte_for_byte():
    seen = set()
    for name, data in files("messages"):
        kind = name.split(".")[0]
        doc = messages.decode(kind, data)
        if kind != "data_message":
            assert messages.encode(kind, doc) == data, name
        seen.add(kind)
    assert sorted(seen) == sorted(NODE_KINDS + OTHER_KINDS)


def test_packets_come_back_byte_for_byte():
    read = []
    for name, data in files("mqtt"):
        decoder = Decoder(8192)
        decoder.feed(data)
        packet = decoder.next()
        assert packet in PACKETS, name
        assert encode(packet) == data, name
        read.append(packet)
    assert len(read) == len(PACKETS)


def test_wrong_ones_are_refused_for_the_reason_written_beside_them():
    with open(GOLDEN + "refused/reasons.json") as file:  # noqa: PTH123
        reasons = json.load(file)
    cases = [(name, data) for name, data in files("refused") if name != "reasons"]
    assert len(cases) == len(reasons)
    for name, data in cases:
        told = ""
        try:
            read(name.split(".")[0], data)
        except WireError as problem:
            told = str(problem)
        assert told.startswith(reasons[name]), (name, told)


def read(kind, data):
    """Read a message, pack or packet."""
    if kind == "pack":
        return senml.decode_pack(data)
    if kind == "mqtt":
        decoder = Decoder(8192)
        decoder.feed(data)
        return decoder.next()
    return messages.decode(kind, data)
