"""Looks for addresses and network names of phones in everything that a node has or tells."""

import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

_WRITTEN = re.compile(rb"[0-9a-f]{2}(?:[:-]?[0-9a-f]{2}){5,}")


def found(places: Mapping[str, bytes], addresses: Iterable[bytes], names: Iterable[bytes]) -> int:
    """How often secrets lie in the places: raw, raw backwards, as hex with or without marks."""
    secrets = {order for address in addresses for order in (address, address[::-1])}
    names = list(names)
    total = 0
    for data in places.values():
        total += _raw(data, secrets) + sum(data.count(name) for name in names)
        for text in _WRITTEN.findall(data.lower()):
            total += _hex(text, secrets)
    return total


def _hex(text: bytes, secrets: set[bytes]) -> int:
    digits = re.sub(rb"[:-]", b"", text).decode()
    return sum(bytes.fromhex(digits[at : at + 12]) in secrets for at in range(len(digits) - 11))


def _raw(data: bytes, secrets: set[bytes]) -> int:
    # Four bytes at once over all places, then the six where those four fit.
    heads = np.array([int.from_bytes(secret[:4], "little") for secret in secrets], np.uint32)
    count = 0
    for shift in range(min(4, len(data))):
        words = np.frombuffer(data, "<u4", (len(data) - shift) // 4, shift)
        for at in np.flatnonzero(np.isin(words, heads)):
            begin = int(at) * 4 + shift
            count += data[begin : begin + 6] in secrets
    return count


def memory_of(process_id: int) -> bytes:
    """Every writable page of a process, its heap among them."""
    pages = []
    maps = Path(f"/proc/{process_id}/maps").read_text("ascii", errors="replace")
    with Path(f"/proc/{process_id}/mem").open("rb", buffering=0) as memory:
        for row in maps.splitlines():
            span, rights = row.split()[:2]
            if not rights.startswith("rw") or "[v" in row:
                continue
            begin, end = (int(part, 16) for part in span.split("-"))
            memory.seek(begin)
            pages.append(memory.read(end - begin))
    return b"".join(pages)


def interpreter_on(image: Path) -> int:
    """The process of the board whose flash lies in `image`."""
    done = subprocess.run(
        ["pgrep", "-f", re.escape(str(image))], capture_output=True, text=True, check=True
    )
    return int(done.stdout.split()[0])
