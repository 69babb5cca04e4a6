"""A node's status: checked, but words of a later version do not cost the rest of it."""

from typing import Any

from haidang_wire import messages
from haidang_wire.errors import MessageError
from haidang_wire.jsontext import read
from haidang_wire.words import NODE_MODES, SENSORS

_WORD_LENGTH = 16


def read_status(payload: bytes) -> dict[str, Any]:
    """The status; MessageError or NewerVersion.

    `mode` may be a word that this version does not know, and unknown sensors are left out: a
    status carries the losses and is the sign of life, whatever a newer node says besides.
    """
    doc: dict[str, Any] = read(payload, messages.NODE_MESSAGE_BYTES, MessageError)
    later = {}
    if isinstance(doc, dict):
        if _is_new_word(doc.get("mode"), NODE_MODES):
            later["mode"] = doc.pop("mode")
        if isinstance(doc.get("sensors"), list):
            doc["sensors"] = [word for word in doc["sensors"] if not _is_new_word(word, SENSORS)]
    messages.check("status", doc)
    return doc | later


def _is_new_word(word: object, known: tuple[str, ...]) -> bool:
    return isinstance(word, str) and 0 < len(word) <= _WORD_LENGTH and word not in known
