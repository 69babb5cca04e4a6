"""How a boot gets its name: loaded once per start. See identity.Identity."""

from haidang_node import log

# As in identity.
_LOOSE_BITS = 6
_LOG = log.Log("identity")


def ended(storage) -> tuple | None:
    """Epoch, boot, numbers used and how many of them are unsure; see Identity.ended()."""
    try:
        epoch = storage.get("epoch")
        boot = storage.get("boot")
        if epoch is None or boot is None:
            return None
        state = storage.get(_key(boot)) or 0
    except OSError as error:
        _LOG.error("NVS cannot be read: %s", error)
        return None
    return _hex(epoch), boot, state >> _LOOSE_BITS, state & ((1 << _LOOSE_BITS) - 1)


def begin(storage, random_32) -> tuple[str, int]:
    """Epoch and number of the boot that begins; see Identity.begin()."""
    try:
        epoch, boot = _next_boot(storage, random_32)
    except OSError as error:
        _LOG.warning("writing to NVS failed: %s", error)
        epoch, boot = random_32(), 1
    return _hex(epoch), boot


def _next_boot(storage, random_32) -> tuple[int, int]:
    epoch = storage.get("epoch")
    boot = storage.get("boot")
    if epoch is None or boot is None:
        epoch, boot = _signed(random_32()), 0
        storage.put("epoch", epoch)
    storage.put(_key(boot + 1), 0)
    storage.put("boot", boot + 1)
    storage.commit()
    return epoch, boot + 1


def _key(boot: int) -> str:
    return "numbers%d" % (boot & 1)


def _hex(epoch: int) -> str:
    return "%08x" % (epoch & 0xFFFFFFFF)


def _signed(number: int) -> int:
    return number - (1 << 32) if number >> 31 else number
