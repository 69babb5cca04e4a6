"""The last warnings and errors, and why the node last restarted: kept over resets.

They live in RTC memory, which every reset but a power cut leaves alone; orderly restarts, and
errors once an hour, leave a copy on flash. Loaded for each call: `hal` has ring_read() and
ring_write(data) for its BYTES of RTC memory.
"""

import binascii

from micropython import const

# The first piece of RTC memory; the rest belongs to the sleeper.
BYTES = const(384)
_PATH = "/ring"
_HEAD_BYTES = const(6)
_LINE_CHARS = const(90)
_NOTE_CHARS = const(80)
_SAVE_S = const(3600)
# What comes before the lines: the note for the next start, this boot's number, the uptime of the
# last copy to flash, why this start came.
_NOTE, _BOOT, _SAVED, _WHY, _LINES = 0, 1, 2, 3, 4


def start(hal, boot: int, path: str = _PATH) -> str:
    """Begins a boot's lines; what the node noted before this start ("" for nothing)."""
    kept = _unpacked(hal.ring_read())
    if kept is None:
        kept = _from_flash(path)
        kept[_NOTE] = ""
    kept[_WHY], kept[_NOTE], kept[_BOOT], kept[_SAVED] = kept[_NOTE], "", str(boot), ""
    hal.ring_write(_packed(kept))
    return kept[_WHY]


def note(hal, text: str) -> None:
    """Why the node is about to restart; "" where it will not after all."""
    kept = _kept(hal)
    kept[_NOTE] = _plain(text)[:_NOTE_CHARS]
    hal.ring_write(_packed(kept))


def keep(hal, now_ms: int, line: str, grave: bool, path: str = _PATH) -> None:
    """Adds a line; a grave one reaches flash too, once an hour."""
    kept = _kept(hal)
    now_s = now_ms // 1000
    kept.append(_plain("%s/%d %s" % (kept[_BOOT], now_s, line))[:_LINE_CHARS])
    due = grave and (not kept[_SAVED] or now_s - int(kept[_SAVED]) >= _SAVE_S)
    if due:
        kept[_SAVED] = str(now_s)
    hal.ring_write(_packed(kept))
    if due:
        save(hal, path)


def told(hal) -> dict:
    """For the command log: boot/second, level, area and text of each line, oldest first."""
    kept = _kept(hal)
    return {"why": kept[_WHY], "lines": kept[_LINES:]}


def save(hal, path: str = _PATH) -> None:
    """Copies the ring to flash, for an orderly restart."""
    try:
        with open(path, "wb") as file:
            file.write(hal.ring_read())
    except OSError:
        # Nothing to tell it to: this is the log.
        return


def _kept(hal) -> list[str]:
    return _unpacked(hal.ring_read()) or ["", "0", "", ""]


def _from_flash(path: str) -> list[str]:
    try:
        with open(path, "rb") as file:
            return _unpacked(file.read()) or ["", "0", "", ""]
    except OSError:
        return ["", "0", "", ""]


def _plain(text: str) -> str:
    # One byte a character, no line ends.
    return "".join([c if " " <= c <= "~" else "?" for c in text])


def _packed(kept: list) -> bytes:
    body = "\n".join(kept).encode()
    while len(body) > BYTES - _HEAD_BYTES and len(kept) > _LINES:
        del kept[_LINES]
        body = "\n".join(kept).encode()
    size = len(body).to_bytes(2, "little")
    return size + binascii.crc32(size + body).to_bytes(4, "little") + body


def _unpacked(data) -> list[str] | None:
    # None where it is not a ring: after a power cut.
    size = int.from_bytes(data[:2], "little")
    body = bytes(data[_HEAD_BYTES : _HEAD_BYTES + size])
    if len(data) < _HEAD_BYTES or len(body) != size:
        return None
    crc = int.from_bytes(data[2:_HEAD_BYTES], "little")
    if binascii.crc32(bytes(data[:2]) + body) != crc:
        return None
    kept = body.decode().split("\n")
    return kept if len(kept) >= _LINES else None
