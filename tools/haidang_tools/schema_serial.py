"""The serial link's part of the reference page."""

import struct
from collections.abc import Callable, Iterator, Sequence

from haidang_wire import serial_frames as frames
from haidang_wire import serial_lanes as lanes
from haidang_wire import serial_session as session
from haidang_wire.frames import BODY_BYTES, Deframer
from haidang_wire.senml_cbor import LABELS
from haidang_wire.serial_master import SERIAL
from haidang_wire.serial_peer import Peer

Table = Callable[[tuple[str, ...], Sequence[tuple[str, ...]]], Iterator[str]]

_HEAD = f"""
## Serial link

For nodes without Wi-Fi: RS-485 (two wires, several nodes), a USB adapter, a transparent radio
modem. 8 data bits, no parity, 1 stop bit. The gateway is the master and polls the nodes that it
is configured with; a node never speaks first and answers only frames for its own address.

A frame is `00`, COBS of a body of at most {BODY_BYTES} bytes, `00`: at most
{SERIAL["frame_bytes"]} bytes. The leading `00` ends noise. Numbers are big-endian.

| body | bytes | |
| --- | --- | --- |
| kind | 1 | the highest bit is set in what a node sends: so an echo of own bytes is told |
| address | 6 | MAC of the node: the 12 hex digits of its id |
| counter | 4 | see the frames |
| content | 0 to {frames.CONTENT_BYTES} | see the frames |
| signature | {frames.TAG_BYTES} | first bytes of HMAC-SHA-256 over all before it |
"""

_FRAMES = (
    (
        "HELLO",
        frames.HELLO,
        f"master: 0, under the node's key; version ({frames.VERSION}), the master's challenge "
        f"({frames.CHALLENGE_BYTES} random bytes)",
    ),
    (
        "WELCOME",
        frames.WELCOME,
        "node: 0, under the node's key, signed with the master's challenge behind the frame; "
        "version, the node's challenge (a count of this boot's greetings (4) and 12 random "
        "bytes), he (4), hb (4)",
    ),
    (
        "POLL",
        frames.POLL,
        "master: rises by 1 from 1; how many frames the answer may have (1 to 4), receipts, "
        "a fragment where one is due",
    ),
    (
        "ANSWER",
        frames.ANSWER,
        "node: the poll's counter times 8 plus the frame's number in the answer; flags, "
        "receipts, a fragment where one is due",
    ),
)
_FLAGS = (
    (session.MORE, "more frames of this answer follow"),
    (session.URGENT_LEFT, "urgent messages found no room"),
    (session.ORDINARY_LEFT, "messages found no room"),
)
_MESSAGES = (
    (lanes.ALARM, "node", "urgent", "[pack](#pack) of the alarm lane"),
    (lanes.DATA, "node", "ordinary", "[pack](#pack), telemetry"),
    (lanes.STATUS, "node", "ordinary", "[status](#status)"),
    (lanes.REPLY, "node", "urgent", "[reply](#reply)"),
    (lanes.TIME, "both", "urgent", "[time_request](#time_request), [time_answer](#time_answer)"),
    (lanes.TAKEN, "node", "urgent", '`{"id":...}`: this command\'s id is saved; send it no more'),
    (lanes.ACK, "gateway", "urgent", "[ack](#ack), [reply_ack](#reply_ack)"),
    (lanes.COMMAND, "gateway", "ordinary", "[cmd](#cmd)"),
)
_RULES = {
    "frame_bytes": "longest frame, delimiters included",
    "window": "fragments of a lane, and packs of a node, that are on the way at most",
    "poll_ms": "pause between two polls of a node that has nothing to say",
    "gap_ms": "silence between two turns, for drivers that let go of the line late",
    "burst_ms": "what one answer may take of the air; longer where answers are far away",
    "silent_ms": "a node that was heard within it is busy: its session goes on",
    "absent_ms": "pause before an absent node is asked again",
    "absent_cap_ms": "the pause doubles up to this",
}
_SESSION = """
The session's key is HMAC-SHA-256 under the node's key over `haidang serial 1`, address, the
master's challenge, the node's challenge, he and hb: so each frame is signed over direction, node,
he, hb, counter and content. A node goes on with its present session until a POLL proves the new
one. A counter that does not rise is refused. The master greets anew at its start, after two polls
without an answer and a second of silence, and long before a counter could repeat; so a restart of
either side makes all recorded frames worthless.

Receipts are two bytes for the urgent lane and two for the ordinary one: the number of the next
fragment that is missing, and a bit for each of the three behind it that has come. A fragment is
one byte (0x80 ordinary lane, 0x40 last of its message, below that the message's kind), its number
in the lane, and up to {fragment} bytes. Whoever has the turn sends again what the other has not
got, urgent fragments first. Flags of an answer:
"""
_END = """
The master waits for an answer: the air time of what it sent, the mean of the measured delay plus
four times its spread (at first 1 s), the air time of one frame; doubled with each miss. An answer
that comes later is dropped: its counter is not the one of the present poll. A collision spoils
signatures and costs a poll. Nothing is retained: packs wait in the node until an ack names them,
and without polls they stay there.

A pack is SenML in CBOR (RFC 8428, section 6; whole numbers and decimal fractions, tag 4): the
same fields as in JSON, with the labels below and `he`, `hb`, `hs`, `hu` as text. All other
messages are the JSON of this page. A first byte of 0x80 to 0x9f tells CBOR from JSON, which a
node that once had another link may still hold.
"""
_EXAMPLE_NODE = "n-240ac4000001"


def serial(table: Table) -> Iterator[str]:
    """The section as Markdown lines; `table` writes one."""
    yield _HEAD
    rows = [(name, f"0x{kind:02x}", text) for name, kind, text in _FRAMES]
    yield from table(("frame", "kind", "from: counter; content"), rows)
    yield _SESSION.format(fragment=lanes.FRAGMENT_BYTES)
    yield from table(("flag", "meaning"), [(f"0x{bit:02x}", text) for bit, text in _FLAGS])
    yield "\nMessages:\n"
    kinds = [(str(kind), *rest) for kind, *rest in _MESSAGES]
    yield from table(("kind", "from", "lane", "message"), kinds)
    yield _END
    yield from table(("field", "label"), [(f"`{name}`", str(n)) for name, n in LABELS.items()])
    yield "\nRules of the master:\n"
    rules = [(f"`{rule}`", str(SERIAL[rule]), _RULES[rule]) for rule in SERIAL]
    yield from table(("rule", "value", "meaning"), rules)
    yield f"\nThe first frames of {_EXAMPLE_NODE} under the key `00 01 ... 1f`, with the random"
    yield "bytes `00 ... 00 01` and `00 ... 00 02`, he `9f3c01aa`, hb 7; the answer carries the"
    yield "data message `hello`:\n"
    yield from table(("frame", "bytes"), [(name, f"`{data.hex()}`") for name, data in _example()])


def _example() -> Iterator[tuple[str, bytes]]:
    key = bytes(range(frames.KEY_BYTES))
    peer = Peer(_EXAMPLE_NODE, key, lambda count: (1).to_bytes(count, "big"))
    node = session.NodeSession(
        peer.mac,
        frames.Key(key),
        struct.unpack(">I", bytes.fromhex("9f3c01aa"))[0],
        7,
        lambda count: (2).to_bytes(count, "big"),
        2048,
    )
    hello = peer.ask(1)
    yield "HELLO", hello
    node.receive(_body(hello))
    yield "WELCOME", node.greeting()
    peer.receive(_body(node.greeting()))
    poll = peer.ask(1)
    yield "POLL", poll
    node.receive(_body(poll))
    node.send(lanes.DATA, b"hello", lanes.ORDINARY)
    (answer,) = node.answer()
    yield "ANSWER", answer


def _body(frame: bytes) -> bytearray:
    (body,) = Deframer().feed(frame)
    return body
