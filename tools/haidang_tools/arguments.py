"""Kinds of command line arguments that argparse lacks; a wrong one is told in one line."""

import argparse
import re


def tcp_port(text: str) -> int:
    """A TCP port, 0 to 65535."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port; give a number up to 65535")
    return int(text)


def count(text: str) -> int:
    """A number of things, at least one."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of them; give 1 or more")
    return int(text)


def mac_address(text: str) -> str:
    """A MAC address as 12 hex digits, returned in small letters."""
    if not re.fullmatch("[0-9A-Fa-f]{12}", text):
        raise argparse.ArgumentTypeError(f"{text} is no MAC address; give 12 hex digits")
    return text.lower()


def heap_size(text: str) -> str:
    """A heap as the interpreter takes it, at least 64 KiB: less does not start."""
    found = re.fullmatch("([0-9]{1,6})([KM])", text)
    if not found or int(found[1]) * {"K": 1, "M": 1024}[found[2]] < 64:
        raise argparse.ArgumentTypeError(f"{text} is no heap; give for example 160K, at least 64K")
    return text
