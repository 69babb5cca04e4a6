"""What a battery node keeps through deep sleep, and when it connects; pure."""

import binascii
import io
import struct

from micropython import const

from haidang_node import finding, recording

# Mark, epoch, boot, next number, uptime, clock, planned sleep, last connection, next try,
# failures, wakes by the input in a row, how many of the packs are alarms, length of what was told;
# the CRC covers all before it.
_FORM = "<2s4sIIQQIQQBBBH"
_MARK = b"h["
_CRC_BYTES = const(4)
# An input that chatters may wake the node this often until the timer has waked it once.
_INPUT_WAKES = const(5)
_RETRY_MS = const(60000)
_DOUBLINGS = const(10)
# RTC memory holds about nine packs: with so many the node connects before flash is needed.
_PACKS = const(8)
# What the clock may be wrong by before the planned time is believed instead.
_CLOCK_SLACK_MS = const(60000)


class Nap:
    """The small state; `told` is what each sensor last told, as text."""

    def __init__(self) -> None:
        self.epoch = ""
        self.boot = 0
        self.following = 0
        self.up_ms = 0
        self.clock_ms = 0
        self.sleep_ms = 0
        self.connected_ms = 0
        self.retry_ms = 0
        self.failures = 0
        self.input_wakes = 0
        self.alarms = 0
        self.told = ""

    def slept_ms(self, clock_ms: int) -> int:
        """How long the sleep was, by the board's clock where it can be believed."""
        slept_ms = clock_ms - self.clock_ms
        if 0 <= slept_ms <= self.sleep_ms + self.sleep_ms // 20 + _CLOCK_SLACK_MS:
            return slept_ms
        return self.sleep_ms

    def input_may_wake(self) -> bool:
        """Whether the input is armed for the next sleep."""
        return self.input_wakes < _INPUT_WAKES

    def must_connect(self, now_ms: int, connect_ms: int, news: bool, alarms: bool, packs: int):
        """Whether to connect in this wake.

        news: an alarm pack was made in it; alarms: some wait; packs: how many wait in RTC memory.
        """
        if news:
            return True
        if self.failures and now_ms < self.retry_ms:
            return False
        return alarms or packs >= _PACKS or now_ms - self.connected_ms >= connect_ms

    def connected(self, now_ms: int) -> None:
        """Everything was delivered."""
        self.connected_ms = now_ms
        self.failures = 0

    def failed(self, now_ms: int, connect_ms: int) -> None:
        """Nobody was reached: tries come seldomer, to spare the battery."""
        self.retry_ms = now_ms + min(connect_ms, _RETRY_MS << min(self.failures, _DOUBLINGS))
        self.failures = min(self.failures + 1, 255)


def loose(outbox) -> list[tuple]:
    """What an Outbox has in RAM alone, as the arguments of its put()."""
    return [
        (held.lane,) + outbox.boots[held.key] + (held.seq, held.source, held.offset)
        for held in outbox.waiting
    ]


def resume(identity, epoch: str, boot: int, following: int) -> bool:
    """Goes on with the boot that fell asleep; False where the storage knows another one."""
    before = identity.ended()
    if before is None or before[:2] != (epoch, boot):
        return False
    identity.epoch = epoch
    identity.boot = boot
    identity.saved = before[2]
    identity.following = max(following, identity.saved)
    return True


def pack_most(nap: Nap, rows: list, limit_bytes: int) -> bytes:
    """As pack(); where not all fit the oldest readings stay behind, then the oldest alarms."""
    data = pack(nap, rows, limit_bytes)
    while data is None:
        readings = [row for row in rows if row[0] != "a"]
        rows.remove((readings or rows)[0])
        data = pack(nap, rows, limit_bytes)
    return data


def pack(nap: Nap, rows: list, limit_bytes: int) -> bytes | None:
    """Bytes for RTC memory; None where the packs (`rows` of loose()) do not fit."""
    alarms = [row for row in rows if row[0] == "a"]
    nap.alarms = len(alarms)
    told = nap.told.encode()
    head = struct.pack(
        _FORM,
        _MARK,
        binascii.unhexlify(nap.epoch),
        nap.boot,
        nap.following,
        nap.up_ms,
        nap.clock_ms,
        nap.sleep_ms,
        nap.connected_ms,
        nap.retry_ms,
        nap.failures,
        nap.input_wakes,
        nap.alarms,
        len(told),
    )
    head += told
    data = bytearray(head + struct.pack("<I", binascii.crc32(head)))
    for _, epoch, boot, seq, payload, _ in alarms + [row for row in rows if row[0] != "a"]:
        for piece in recording.frame(epoch, boot, seq, payload):
            data.extend(piece)
        if len(data) > limit_bytes:
            return None
    return bytes(data)


def unpack(data: bytes) -> tuple[Nap, list] | None:
    """The state and (epoch, boot, number, payload) of the packs, the alarms (nap.alarms) first;
    None where it is damaged.
    """
    size = struct.calcsize(_FORM)
    if len(data) < size + _CRC_BYTES or data[:2] != _MARK:
        return None
    nap = Nap()
    (
        _,
        epoch,
        nap.boot,
        nap.following,
        nap.up_ms,
        nap.clock_ms,
        nap.sleep_ms,
        nap.connected_ms,
        nap.retry_ms,
        nap.failures,
        nap.input_wakes,
        nap.alarms,
        length,
    ) = struct.unpack_from(_FORM, data)
    end = size + length
    if len(data) < end + _CRC_BYTES:
        return None
    if struct.unpack_from("<I", data, end)[0] != binascii.crc32(data[:end]) & 0xFFFFFFFF:
        return None
    nap.epoch = binascii.hexlify(epoch).decode()
    nap.told = data[size:end].decode()
    return nap, _packs(data, end + _CRC_BYTES)


def _packs(data: bytes, offset: int) -> list:
    file = io.BytesIO(data)
    packs = []
    found = finding.read(file, offset)
    while found:
        packs.append(found)
        named = finding.read_name(file, offset)
        offset += named[0] if named else len(data)
        found = finding.read(file, offset)
    return packs
