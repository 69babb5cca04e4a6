"""SenML packs (RFC 8428, units of RFC 8798): encode and decode."""

from collections import namedtuple

# unit comes from NAMES; value: int, bool, str or Fixed; up_ms: uptime at its sampling
Record = namedtuple("Record", ("name", "value", "up_ms"))
# mantissa / 10**decimals: Fixed(41, 2) is 0.41, without a float on the node
Fixed = namedtuple("Fixed", ("mantissa", "decimals"))
# epoch: 8 hex digits; unix_ms: time of up_ms, None while the clock is not anchored
Pack = namedtuple("Pack", ("node", "epoch", "boot", "seq", "up_ms", "unix_ms", "records"))

# name: (unit or None, value field)
NAMES: dict[str, tuple["str | None", str]] = {}


def encode_pack(pack: Pack) -> bytes:
    """Compact JSON of a pack; PackError on an unknown name or a wrong kind of value."""
    raise NotImplementedError


def decode_pack(data: bytes) -> Pack:
    """The pack in `data` (at most 8 KiB, 100 records); PackError with the reason."""
    raise NotImplementedError


def resolved(pack: Pack, unix_ms: int) -> bytes:
    """The same pack with its time set."""
    raise NotImplementedError
