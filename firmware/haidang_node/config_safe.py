"""Of node.json what safe mode needs; loaded for it."""

from haidang_node.config import check, read

_LINK = ("v", "wifi", "broker", "serial", "heartbeat_s", "led_pin", "outbox")


def load_link(path: str) -> dict:
    """config.load() of a file whose other fields may be wrong: link, lamp and heartbeat alone."""
    document, cfg = read(path)
    if isinstance(document, dict):
        document = {name: document[name] for name in _LINK if name in document}
        # A field that safe mode does not need and check() does.
        document["sensors"] = {"footfall": {"uart": 3 - _uart(document)}}
    settings = check(document)
    settings["cfg"] = cfg
    return settings


def _uart(document: dict) -> int:
    serial = document.get("serial")
    return 2 if isinstance(serial, dict) and serial.get("uart") == 2 else 1
