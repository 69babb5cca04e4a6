"""Reading SenML packs in CBOR: they become the JSON that the node would have sent."""

import struct

from haidang_wire.errors import PackError
from haidang_wire.jsontext import write
from haidang_wire.senml import MAXIMUM_PACK_BYTES, MAXIMUM_RECORDS, Fixed, decimal_text
from haidang_wire.senml_cbor import (
    ARRAY,
    DECIMAL_FRACTION,
    LABELS,
    MAP,
    NEGATIVE,
    SIMPLE,
    TAG,
    TEXT,
    UNSIGNED,
)
from haidang_wire.utf8 import text_of

_NAMES = {label: name for name, label in LABELS.items()}
_FLOATS = {25: ">e", 26: ">f", 27: ">d"}
_MAXIMUM_FIELDS = 32
_FALSE_CODE, _TRUE_CODE = 20, 21
_HUGE = float("inf")


def is_cbor(data: bytes) -> bool:
    """Whether `data` starts like a CBOR array, as no JSON does."""
    return len(data) > 0 and 0x80 <= data[0] <= 0x9F


def json_of(data: bytes) -> bytes:
    """The pack in `data` as JSON, field by field; PackError where it is no SenML in CBOR.

    What its fields may be is for the reader of the JSON to say.
    """
    if len(data) > MAXIMUM_PACK_BYTES:
        raise PackError("%d bytes, at most %d allowed" % (len(data), MAXIMUM_PACK_BYTES))
    reader = _Reader(data)
    count = reader.size(ARRAY, "a pack is a list of 1 to %d records" % MAXIMUM_RECORDS)
    if not 1 <= count <= MAXIMUM_RECORDS:
        raise PackError("a pack is a list of 1 to %d records" % MAXIMUM_RECORDS)
    text = "[" + ",".join([_record(reader, i) for i in range(count)]) + "]"
    if reader.at != len(data):
        raise PackError("%d bytes behind the pack" % (len(data) - reader.at))
    return text.encode()


def first_fields(data: bytes) -> "dict[str, int | float | bool | str | Fixed]":
    """The fields of the first record as far as they can be read; a name found twice counts once.

    For a pack that is no SenML in CBOR: whoever sent it must be told that it is kept.
    """
    fields: dict[str, int | float | bool | str | Fixed] = {}
    reader = _Reader(data)
    try:
        reader.size(ARRAY, "no list")
        for _ in range(min(reader.size(MAP, "no record"), _MAXIMUM_FIELDS)):
            name = _label(reader, 0)
            fields.setdefault(name, reader.value())
    except PackError:
        return fields
    return fields


def _record(reader: "_Reader", i: int) -> str:
    count = reader.size(MAP, "record %d is no object" % i)
    if count > _MAXIMUM_FIELDS:
        raise PackError("record %d has %d fields" % (i, count))
    names: list[str] = []
    members: list[str] = []
    for _ in range(count):
        name = _label(reader, i)
        if name in names:
            raise PackError("record %d: field %s comes twice" % (i, repr(name)[:40]))
        names.append(name)
        members.append(write(name) + ":" + _text(reader.value()))
    return "{" + ",".join(members) + "}"


def _label(reader: "_Reader", i: int) -> str:
    label = reader.value()
    if isinstance(label, str):
        if label in LABELS:
            raise PackError("record %d: %s is written as a number in CBOR" % (i, label))
        return label
    if isinstance(label, int) and not isinstance(label, bool):
        return _NAMES.get(label, str(label))
    raise PackError("record %d: a field's name is %s" % (i, repr(label)[:40]))


def _text(value: "int | float | bool | str | Fixed") -> str:
    if isinstance(value, Fixed):
        return decimal_text(value.mantissa, value.decimals)
    return write(value)


class _Reader:
    """Definite lengths only; every length is checked against what is there."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def size(self, major: int, otherwise: str) -> int:
        """The count of an array or map; PackError `otherwise`."""
        found, _, argument = self._head()
        if found != major:
            raise PackError(otherwise)
        return argument

    def value(self) -> "int | float | bool | str | Fixed":
        """The next plain value."""
        major, code, argument = self._head()
        if major == UNSIGNED:
            return argument
        if major == NEGATIVE:
            return -1 - argument
        if major == TEXT:
            return self._string(argument)
        if major == TAG and argument == DECIMAL_FRACTION:
            return self._decimal()
        if major == SIMPLE:
            return self._simple(code, argument)
        raise PackError("CBOR type %d has no place in a pack" % major)

    def _simple(self, code: int, argument: int) -> "float | bool":
        if code in (_FALSE_CODE, _TRUE_CODE):
            return code == _TRUE_CODE
        if code not in _FLOATS:
            raise PackError("CBOR value %d has no place in a pack" % code)
        number: float = struct.unpack(_FLOATS[code], argument.to_bytes(1 << (code - 24), "big"))[0]
        if not -_HUGE < number < _HUGE:
            raise PackError("a number is not finite")
        return number

    def _string(self, length: int) -> str:
        try:
            return text_of(self._take(length))
        except UnicodeError as cause:
            raise PackError("text is not UTF-8") from cause

    def _decimal(self) -> Fixed:
        size = self.size(ARRAY, "a decimal fraction is a list of two")
        exponent = self._whole() if size == 2 else None
        if exponent is None or not -9 <= exponent <= 0:
            raise PackError("a decimal fraction has 0 to 9 places here")
        return Fixed(self._whole(), -exponent)

    def _whole(self) -> int:
        major, _, argument = self._head()
        if major not in (UNSIGNED, NEGATIVE):
            raise PackError("a decimal fraction is made of whole numbers")
        return -1 - argument if major == NEGATIVE else argument

    def _head(self) -> "tuple[int, int, int]":
        first = self._take(1)[0]
        code = first & 0x1F
        if code < 24:
            return first >> 5, code, code
        if code > 27:
            raise PackError("CBOR of indefinite or unknown length")
        return first >> 5, code, int.from_bytes(self._take(1 << (code - 24)), "big")

    def _take(self, count: int) -> bytes:
        if count > len(self._data) - self.at:
            raise PackError("the pack ends early")
        self.at += count
        return self._data[self.at - count : self.at]
