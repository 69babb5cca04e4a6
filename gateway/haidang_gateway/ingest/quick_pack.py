"""Packs in the very words in which our nodes write them, read ten times faster than any SenML.

One pattern is the whole grammar of haidang_wire.senml_text; a pack that differs in one character
is left to haidang_wire.senml, which knows all of the contract. What is read here is read the same
there (tests/gateway/test_quick_pack.py).
"""

import functools
import re

import msgspec
from haidang_wire import vocabulary
from haidang_wire.senml import (
    BVER,
    MAXIMUM_PACK_BYTES,
    MAXIMUM_RECORDS,
    MAXIMUM_UNIX_MS,
    MAXIMUM_UPTIME_MS,
    MAXIMUM_VALUE,
    seconds_text,
)
from haidang_wire.senml_text import reading_text

from haidang_gateway.batch import BootKey
from haidang_gateway.ingest.facts import Sample, Value

_UINT32 = 0xFFFFFFFF
_WHOLE = rb"(0|[1-9][0-9]{0,15})"
_PACK = re.compile(
    rb'\[\{"bver":%d,"bn":"urn:dev:mac:([0-9a-f]{6}fffe[0-9a-f]{6}):",' % BVER
    + rb'(?:"bt":((?:0|[1-9][0-9]{0,10})\.[0-9]{3}),)?"he":"([0-9a-f]{8})",'
    + rb'"hb":%s,"hs":%s,"hu":%s,(.*)\}\]' % (_WHOLE, _WHOLE, _WHOLE),
    re.DOTALL,
)
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]{0,15})(\.[0-9]{1,9})?")
_BETWEEN = b"},{"
_TRUTHS: dict[bytes, bool | str] = {b"true": True, b"false": False}
# By all that stands before the colon of a value: its name, and its words; None for a number.
_NAMES: dict[bytes, tuple[str, dict[bytes, bool | str] | None]] = {
    reading_text(name, unit, field, "").encode()[:-1]: (
        name,
        {
            "v": None,
            "vb": _TRUTHS,
            "vs": {b'"%s"' % word.encode(): word for word in words or ()},
        }[field],
    )
    for name, (unit, field, words) in vocabulary.NAMES.items()
}
_UNKNOWN: tuple[str, dict[bytes, bool | str]] = ("", {})
# The longest number has 27 characters; what is remembered of nonsense stays small.
_LONGEST_READING = max(map(len, _NAMES)) + 40
# More boots than a gateway can have nodes; a reading at rest says the same few values all day.
_KEYS = 10_000
_READINGS = 4096
# So do all readings of one sample; what is remembered of longer ones would be much.
_SAMPLES, _SHORT = 1024, 256


class QuickPack(msgspec.Struct, frozen=True, gc=False):
    """A pack of one sample.

    `up_ms` is the sample's uptime, `unix_ms` the node's own time of it.
    """

    key: BootKey
    seq: int
    up_ms: int
    unix_ms: int | None
    samples: tuple[Sample, ...]
    payload: bytes

    def resolved(self, unix_ms: int) -> bytes:
        """The pack with `unix_ms` as its time, otherwise byte for byte as it came."""
        if self.unix_ms == unix_ms:
            return self.payload
        end = self.payload.index(b'"he":')
        start = end if self.unix_ms is None else self.payload.index(b'"bt":')
        time = b'"bt":%s,' % seconds_text(unix_ms).encode()
        return self.payload[:start] + time + self.payload[end:]


def read(payload: bytes) -> QuickPack | None:
    """The pack, or None where it takes the general reader to read or to refuse it."""
    found = _PACK.fullmatch(payload)
    if found is None or len(payload) > MAXIMUM_PACK_BYTES:
        return None
    address, time, epoch, boot, seq, up, readings = found.groups()
    key, number, up_ms = _key(address, epoch, boot), int(seq), int(up)
    unix_ms = None if time is None else int(time.replace(b".", b""))
    if key is None or number > _UINT32 or up_ms > MAXIMUM_UPTIME_MS:
        return None
    if unix_ms is not None and unix_ms > MAXIMUM_UNIX_MS:
        return None
    values = _values_at_rest(readings) if len(readings) <= _SHORT else _values(readings)
    if values is None:
        return None
    return QuickPack(key, number, up_ms, unix_ms, ((up_ms, values),), payload)


@functools.lru_cache(maxsize=_KEYS)
def _key(address: bytes, epoch: bytes, boot: bytes) -> BootKey | None:
    """The boot that a pack names, one value for all packs of it; None where its number is wrong.

    `address` is the EUI-64 behind the base name.
    """
    number = int(boot)
    if number > _UINT32:
        return None
    return f"n-{address[:6].decode()}{address[10:].decode()}", epoch.decode(), number


def _values(text: bytes) -> dict[str, Value] | None:
    """The readings by name, which nobody changes; a name's last one counts."""
    readings = text.split(_BETWEEN)
    if len(readings) > MAXIMUM_RECORDS:
        return None
    values: dict[str, Value] = {}
    for reading in readings:
        found = _reading(reading) if len(reading) <= _LONGEST_READING else None
        if found is None:
            return None
        values[found[0]] = found[1]
    return values


@functools.lru_cache(maxsize=_SAMPLES)
def _values_at_rest(text: bytes) -> dict[str, Value] | None:
    return _values(text)


@functools.lru_cache(maxsize=_READINGS)
def _reading(text: bytes) -> tuple[str, Value] | None:
    """Name and value of one reading; no value holds a colon."""
    before, _, after = text.rpartition(b":")
    name, words = _NAMES.get(before, _UNKNOWN)
    value = _number(after) if words is None else words.get(after)
    return None if value is None else (name, value)


def _number(text: bytes) -> int | float | None:
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    value = float(text) if found.group(1) else int(text)
    return value if -MAXIMUM_VALUE <= value <= MAXIMUM_VALUE else None
