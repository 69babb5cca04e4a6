"""Valid messages of a gateway for tests: alarm revisions with their chain, and packs."""

import hashlib
import json
from typing import Any

from haidang_tools.centre_check import Checker, Message
from haidang_wire import documents, messages, senml
from haidang_wire.senml import Fixed, Pack, Record

EPOCH = "5f3a9c1e"
GATEWAY = "gw-01"
ALARM_TOPIC = f"hd/1/g/{GATEWAY}/alarm/{GATEWAY}-{EPOCH}-0001"
DATA_TOPIC = f"hd/1/g/{GATEWAY}/data"
RECEIVED_MS = 1_795_353_322_000


def alarm_document(
    number: int = 1, rev: int = 1, before: bytes | None = None, **fields: Any
) -> bytes:
    """The exact bytes of one revision; `before` are those of the revision before it."""
    document = {
        "v": 1,
        "id": f"{GATEWAY}-{EPOCH}-{number:04d}",
        "rev": rev,
        "prev": None if before is None else f"sha256:{hashlib.sha256(before).hexdigest()}",
        "status": "Actual",
        "hazard": "fire",
        "state": "suspected" if rev == 1 else "confirmed",
        "ack": None,
        "severity": "Severe",
        "urgency": "Immediate",
        "certainty": "Possible",
        "place": {
            "id": "market-3",
            "name": "Chợ Cột Đỏ",
            "lat": 19.742,
            "lon": 105.902,
            "radius_m": 60,
        },
        "onset": "2026-11-22T20:15:00.000+07:00",
        "updated": "2026-11-22T20:15:21.250+07:00",
        "cleared": None,
        "evidence": [
            {
                "source": "urn:dev:mac:240ac4fffe000001",
                "kind": "smoke",
                "name": "smoke/ratio",
                "value": 0.41,
                "unit": "/",
                "time": "2026-11-22T20:15:21.250+07:00",
            }
        ],
        "health": {"smoke": "ok"},
        "headline": {"vi": "Cháy tại Chợ Cột Đỏ", "en": "Fire at Cot Do market"},
    } | fields
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def alarm_message(seq: int, document: bytes, epoch: str = EPOCH) -> bytes:
    """An alarm revision under its message id."""
    return bytes(documents.wrap_alarm(f"{GATEWAY}/{epoch}/{seq}", document))


def pack(seq: int) -> bytes:
    """A pack of one node, its time resolved."""
    records = [Record("smoke/ratio", Fixed(98, 2), 5000), Record("smoke/state", "normal", 5000)]
    return bytes(
        senml.encode_pack(
            Pack("n-240ac4000001", "9f3c01aa", 7, seq, 5000, 1_764_000_000_250, records)
        )
    )


def data_message(seq: int, packs: int = 2, epoch: str = EPOCH) -> bytes:
    """A data message of some packs."""
    return bytes(
        documents.wrap_packs(f"{GATEWAY}/{epoch}/{seq}", [pack(n) for n in range(1, packs + 1)])
    )


def offline() -> bytes:
    """A gateway's last will."""
    return bytes(messages.encode("offline", {"v": 1, "state": "offline"}))


def judged(checker: Checker, topic: str, payload: bytes) -> Message:
    """A message that the centre does not refuse, as it reads it."""
    message = checker.judge(topic, payload, RECEIVED_MS)
    assert isinstance(message, Message), message
    return message


def revision(checker: Checker, seq: int, document: bytes) -> Message:
    """An alarm revision as the centre reads it."""
    return judged(checker, ALARM_TOPIC, alarm_message(seq, document))
