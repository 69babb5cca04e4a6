"""The `socket` module of the virtual board: every name lookup goes through the world's Wi-Fi.

Runs in MicroPython. A connection is relayed by the rig, so that it stalls when Wi-Fi is down.
"""

import socket as _native

import rom_link as _link


def getaddrinfo(host, port, af=0, type=0, proto=0, flags=0):
    """Look a host up as the board's network sees it; OSError(-202) without a network."""
    answer = _link.ask("route", host, port)
    if not answer.isdigit():
        raise OSError(-202)  # what lwIP answers on an ESP32 without a network
    return _native.getaddrinfo("127.0.0.1", int(answer), 0, type or 1)


def __getattr__(name):
    return getattr(_native, name)
