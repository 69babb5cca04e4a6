"""The journal gets fields; where it does not take them, the line still comes out."""

import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from haidang_gateway.journal import JournalHandler


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record.getMessage())


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    logger = logging.getLogger("test.journal")
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    yield logger
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.propagate = True


def _fields(datagram: bytes) -> dict[str, str]:
    """As journald reads its native protocol."""
    found: dict[str, str] = {}
    while datagram:
        line, _, datagram = datagram.partition(b"\n")
        name, is_plain, value = line.partition(b"=")
        if not is_plain:
            size = int.from_bytes(datagram[:8], "little")
            value, datagram = datagram[8 : 8 + size], datagram[9 + size :]
        found[name.decode()] = value.decode()
    return found


def test_a_record_becomes_fields_with_its_traceback_and_its_extras(
    tmp_path: Path, log: logging.Logger
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(tmp_path / "socket"))
        journal.settimeout(5)
        fallback = Lines()
        log.addHandler(JournalHandler(tmp_path / "socket", fallback))
        log.warning("node %s is silent", "n-1", extra={"hd_node": "n-1", "other": 1})
        first = _fields(journal.recv(65536))
        try:
            raise ValueError("two\nlines")
        except ValueError:
            log.exception("it broke")
        second = _fields(journal.recv(65536))
    assert first["MESSAGE"] == "node n-1 is silent"
    assert (first["PRIORITY"], first["SYSLOG_IDENTIFIER"]) == ("4", "haidang-gateway")
    assert (first["HD_NODE"], first["LOGGER"]) == ("n-1", "test.journal")
    assert "OTHER" not in first
    assert second["PRIORITY"] == "3"
    assert second["MESSAGE"].startswith("it broke\nTraceback")
    assert second["MESSAGE"].endswith("ValueError: two\nlines")
    assert fallback.seen == []


def test_without_a_journal_the_lines_come_out_all_the_same(
    tmp_path: Path, log: logging.Logger
) -> None:
    fallback = Lines()
    log.addHandler(JournalHandler(tmp_path / "absent", fallback))
    log.error("no journal %s", 7)
    assert fallback.seen == ["no journal 7"]
