"""Forms of text in documents: times, ids, hashes; never loaded on a node."""

from haidang_wire.naming import is_epoch, is_node_id, only
from haidang_wire.topics import is_gateway_id

_HEX = "0123456789abcdef"


def iso_time(text: str) -> bool:
    """`2026-11-22T20:15:21.250+07:00`: ISO 8601, up to ms, with its offset from UTC."""
    return _is_date(text[:19]) and _is_offset(_after_fraction(text[19:]))


def message_id(text: str) -> bool:
    """`<gateway>/<epoch>/<seq>`."""
    parts = text.split("/")
    if len(parts) != 3 or not (is_gateway_id(parts[0]) and is_epoch(parts[1])):
        return False
    return _is_number(parts[2]) and len(parts[2]) <= 15 and parts[2][0] != "0"


def alarm_id(text: str) -> bool:
    """`<gateway>-<epoch>-<number of at least 4 digits>`."""
    parts = text.rsplit("-", 2)
    if len(parts) != 3 or not (is_gateway_id(parts[0]) and is_epoch(parts[1])):
        return False
    return _is_number(parts[2]) and 4 <= len(parts[2]) <= 9


def sha256_name(text: str) -> bool:
    """`sha256:` and 64 lower-case hex digits."""
    return len(text) == 71 and text[:7] == "sha256:" and only(text[7:], _HEX)


def epoch(text: str) -> bool:
    """8 lower-case hex digits, random per database."""
    return is_epoch(text)


def node(text: str) -> bool:
    """`n-` and 12 lower-case hex digits."""
    return is_node_id(text)


def _is_number(text: str) -> bool:
    return bool(text) and only(text, "0123456789")


_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _is_date(text: str) -> bool:
    # yyyy-mm-ddThh:mm:ss
    if len(text) != 19 or text[4] + text[7] + text[10] + text[13] + text[16] != "--T::":
        return False
    fields = (text[:4], text[5:7], text[8:10], text[11:13], text[14:16], text[17:])
    if not all(_is_number(field) for field in fields):
        return False
    year, month, day, hour, minute, second = [int(field) for field in fields]
    if year < 1970 or not 1 <= month <= 12 or hour > 23 or minute > 59 or second > 59:
        return False
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 1 <= day <= _MONTH_DAYS[month - 1] + leap


def _after_fraction(text: str) -> str:
    if text[:1] != ".":
        return text
    end = 1
    while end < len(text) and text[end] in "0123456789":
        end += 1
    return text[end:] if 2 <= end <= 4 else ""


def _is_offset(text: str) -> bool:
    if text == "Z":
        return True
    if len(text) != 6 or text[0] not in "+-" or text[3] != ":":
        return False
    hour, minute = text[1:3], text[4:]
    return _is_number(hour + minute) and int(hour) <= 14 and int(minute) <= 59
