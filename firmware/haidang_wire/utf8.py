"""Strict UTF-8 on both interpreters."""


def _settle() -> bool:
    # MicroPython decodes overlong forms and surrogates, CPython refuses them.
    try:
        b"\xc0\x80".decode()
    except UnicodeError:
        return False
    return True


_LENIENT = _settle()


def text_of(data: bytes) -> str:
    """The text of UTF-8 bytes; UnicodeError if they are not strictly UTF-8."""
    if _LENIENT and not _strict(data):
        raise UnicodeError("not UTF-8")
    return data.decode()


def _strict(data: bytes) -> bool:
    at = 0
    end = len(data)
    while at < end:
        if data[at] < 0x80:
            at += 1
            continue
        length = _sequence_length(data, at, end)
        if length == 0:
            return False
        at += length
    return True


def _sequence_length(data: bytes, at: int, end: int) -> int:
    # Well-formed sequences by Unicode 15, table 3-7; 0 for any other.
    first = data[at]
    if 0xC2 <= first <= 0xDF:
        length = 2
    elif 0xE0 <= first <= 0xEF:
        length = 3
    elif 0xF0 <= first <= 0xF4:
        length = 4
    else:
        return 0
    if at + length > end:
        return 0
    low = {0xE0: 0xA0, 0xF0: 0x90}.get(first, 0x80)
    high = {0xED: 0x9F, 0xF4: 0x8F}.get(first, 0xBF)
    if not low <= data[at + 1] <= high:
        return 0
    for i in range(at + 2, at + length):
        if not 0x80 <= data[i] <= 0xBF:
            return 0
    return length
