"""The keys of wired nodes: files of 32 bytes that `haidang provision` made, ours alone."""

from haidang_wire.serial_frames import KEY_BYTES

from haidang_gateway.settings import SerialSettings

_OTHERS = 0o007


def read_key(settings: SerialSettings, node: str) -> tuple[bytes, str]:
    """A node's key, or no bytes and what is wrong with its file and what to do."""
    path = settings.keys / f"{node}.serial.key"
    try:
        key = path.read_bytes()
        mode = path.stat().st_mode
    except OSError as error:
        return b"", (
            f"{path}: {error.strerror}; copy it from the folder of `haidang provision --ca`"
        )
    if len(key) != KEY_BYTES:
        return b"", f"{path} has {len(key)} bytes, a key has {KEY_BYTES}; copy it again"
    if mode & _OTHERS:
        return b"", f"others may read the key {path}; run `chmod 600 {path}`"
    return key, ""
