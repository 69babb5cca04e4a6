"""The contract's topics, session rules, SenML fields and names, told in words."""

from typing import NamedTuple


class Topic(NamedTuple):
    """One row of the topic table; `messages` are kinds, empty for formats of others."""

    address: str
    ends: tuple[str, str]
    qos: int
    retained: bool
    messages: tuple[str, ...]
    meaning: str


TOPICS = (
    Topic(
        "hd/1/n/{node}/alarm",
        ("node", "gateway"),
        1,
        False,
        ("pack",),
        "state changes, sensor faults and state snapshots: the alarm lane",
    ),
    Topic(
        "hd/1/n/{node}/data",
        ("node", "gateway"),
        1,
        False,
        ("pack",),
        "telemetry: one or more samples",
    ),
    Topic(
        "hd/1/n/{node}/status",
        ("node", "gateway"),
        1,
        True,
        ("status", "offline"),
        "sign of life and ledger of sequences; the last will says offline",
    ),
    Topic(
        "hd/1/n/{node}/ack",
        ("gateway", "node"),
        1,
        False,
        ("ack", "reply_ack"),
        "exactly these packs, or this reply, are committed; only now may the node delete them",
    ),
    Topic(
        "hd/1/n/{node}/cmd",
        ("gateway", "node"),
        1,
        False,
        ("cmd",),
        "a command, executed once",
    ),
    Topic(
        "hd/1/n/{node}/reply",
        ("node", "gateway"),
        1,
        False,
        ("reply",),
        "what became of a command",
    ),
    Topic(
        "hd/1/n/{node}/time",
        ("both", "both"),
        0,
        False,
        ("time_request", "time_answer"),
        "sets a node's clock before it sends any backlog",
    ),
    Topic(
        "hd/1/gw/status",
        ("gateway", "node"),
        1,
        True,
        ("gw_status", "offline"),
        "nodes hold back while the gateway is away",
    ),
    Topic(
        "hd/1/g/{gateway}/alarm/{alarm}",
        ("gateway", "centre"),
        1,
        False,
        ("alarm_message",),
        "one message per revision of an alarm",
    ),
    Topic(
        "hd/1/g/{gateway}/cap/{alarm}",
        ("gateway", "centre"),
        1,
        False,
        (),
        "the same revision as CAP 1.2 XML, where switched on; the message id is the parameter "
        "`haidang:message`, content type `application/cap+xml`",
    ),
    Topic(
        "hd/1/g/{gateway}/data",
        ("gateway", "centre"),
        1,
        False,
        ("data_message",),
        "packs of many nodes, their times resolved; for a destination with `deflate` in the zlib "
        "format (first byte 0x78), content type `application/zlib`",
    ),
    Topic(
        "hd/1/g/{gateway}/ngsi",
        ("gateway", "centre"),
        1,
        False,
        (),
        "an NGSI-LD notification of Smart Data Models entities, where switched on; its id ends in "
        "the message id, content type `application/ld+json`",
    ),
    Topic(
        "hd/1/g/{gateway}/status",
        ("gateway", "centre"),
        1,
        True,
        ("gateway_status", "offline"),
        "the gateway's health and sums; the last will says offline",
    ),
    Topic(
        "hd/1/g/{gateway}/ack",
        ("centre", "gateway"),
        1,
        False,
        ("centre_ack",),
        "exactly these messages are committed; only now does the cursor move",
    ),
    Topic(
        "hd/1/g/{gateway}/cmd",
        ("centre", "gateway"),
        1,
        False,
        ("centre_cmd",),
        "a command of the operations centre",
    ),
    Topic(
        "hd/1/g/{gateway}/reply",
        ("gateway", "centre"),
        1,
        False,
        ("centre_reply",),
        "what became of a command that named this topic, or one level below it, in `reply`",
    ),
)

# Fields of a SenML record
RECORD = {
    "bver": "SenML version 10 with the feature secondary units (RFC 9100); first record only",
    "bn": "base name of the node: `urn:dev:mac:<EUI-64>:` (RFC 9039); first record only",
    "bt": "Unix time in s of this and the next records; absent while the clock is not set",
    "he": "epoch of the node, 8 hex digits; first record only",
    "hb": "boot count; first record only",
    "hs": "sequence of the boot; first record only",
    "hu": "uptime in ms when this and the next records were taken",
    "n": "name",
    "u": "unit",
    "v": "number",
    "vs": "word",
    "vb": "true or false",
}

# SenML name: meaning
NAMES = {
    "smoke/mv": "sensor output",
    "smoke/ratio": "resistance of the sensor against clean air, Rs/R0",
    "smoke/contact": "relay contact of a certified detector",
    "smoke/state": "state of the smoke sensor",
    "smoke/health": "health of the smoke sensor",
    "flood/level": "water above the gauge's zero or the street surface",
    "flood/rate": "rate of rise, smoothed over about a minute and a half",
    "flood/to_next": "time to the next level at this rate, where rising",
    "flood/float": "float switch",
    "flood/state": "level of the node's own settings that is reached; báo động I, II, III are "
    "judged by the gateway",
    "flood/health": "health of the flood sensor",
    "footfall/devices": "distinct devices estimated in the window; "
    "absent where they may be fewer than 5",
    "footfall/low": "lower end of the estimate",
    "footfall/high": "upper end of the estimate",
    "footfall/suppressed": "perhaps fewer than 5 devices: the number is withheld",
    "footfall/frames": "probe requests heard",
    "footfall/window": "length of the window",
    "footfall/source": "how devices are heard",
    "footfall/health": "health of the footfall sensor",
    "env/temp": "air temperature, where fitted",
    "env/rh": "relative humidity, where fitted",
    "env/health": "health of the environment sensor",
    "node/heap_free": "free heap of the interpreter",
    "node/heap_min": "its lowest value since boot",
    "node/idf_free": "free heap of the system",
    "node/idf_largest": "largest free block of the system",
    "node/rssi": "strength of the radio link",
    "node/queue": "packs held",
    "node/dropped": "packs dropped since boot; alarm packs only where alarms alone fill the flash",
    "node/supply": "supply or battery",
    "node/power": "the supply is out of its limits, or back within them; not told while it is ok",
}

# Session rule (haidang_wire.session_events.SESSION): meaning
SESSION_RULES = {
    "keepalive_s": "MQTT keepalive of a node",
    "session_expiry_s": "how long the broker keeps acks and commands for a node that is away",
    "receive_maximum": "unacknowledged messages that a node takes at once",
    "maximum_packet_bytes": "largest packet that a node takes",
    "will_delay_s": "how long a node may be away before its last will is published",
    "window": "packs that a node has outstanding at most",
    "alarm_places": "places of the window kept free for alarms",
    "resend_ms": "first delay before a missing pack is sent again",
    "resend_cap_ms": "the delay doubles up to this",
}
