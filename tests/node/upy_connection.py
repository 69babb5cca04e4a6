# heap: 400K
"""The connection's reader: TLS records in pieces, a broker that says goodbye or dies."""

import asyncio

from haidang_node.broker import Connection
from haidang_node.errors import LinkError
from haidang_wire.packets import Disconnect, Pingresp, Publish, encode
from haidang_wire.packets_opening import Connack
from haidang_wire.session import Pong, Session


class _Reader:
    """A stream that hands out given pieces; None where a TLS record is not whole yet."""

    def __init__(self, pieces):
        self._pieces = list(pieces)

    async def readinto(self, buffer):
        piece = self._pieces.pop(0)
        if piece is None:
            return None
        buffer[: len(piece)] = piece
        return len(piece)


def _read(*pieces):
    events = []
    session = Session("n-240ac4000001")
    session.connect()
    connection = Connection({}, None, session, events.append)
    reader = _Reader(pieces)
    asyncio.run(connection._read(reader))
    return connection, events, reader


def test_a_record_that_is_not_whole_yet_is_no_end_of_the_connection() -> None:
    connack, pong = encode(Connack(False, 0, {})), encode(Pingresp())
    connection, events, _ = _read(connack, None, pong, None, None, pong, b"")
    assert len([event for event in events if isinstance(event, Pong)]) == 2
    assert isinstance(connection.failure, EOFError)


def test_a_goodbye_of_the_broker_ends_the_connection_at_once() -> None:
    # Its FIN may be lost: without an end here the session would neither send nor ping any more.
    goodbye = encode(Disconnect(0x8B))
    connection, _, reader = _read(encode(Connack(False, 0, {})), goodbye, encode(Pingresp()))
    assert connection.failure is not None
    assert len(reader._pieces) == 1


def test_what_came_in_one_piece_with_a_goodbye_is_heard_before_the_end() -> None:
    connack, message = (
        encode(Connack(False, 0, {})),
        encode(Publish("t", b"{}", 0, False, False, 0, {})),
    )
    for before in (message, encode(Pingresp()), b""):
        connection, events, _ = _read(connack, before + encode(Disconnect(0x8B)), b"")
        assert "goodbye (0x8b)" in str(connection.failure)
        assert len(events) == (4 if before else 3), "those, the end, and the reader's last word"


class _Full:
    """A session whose server never frees a place."""

    can_publish = True

    def ping(self, now_ms):
        return None


def test_a_broker_that_acknowledges_nothing_is_left_after_20_s() -> None:
    session = _Full()
    connection = Connection({}, None, session, lambda event: None)
    asyncio.run(connection.keep_alive(1000))
    session.can_publish = False
    asyncio.run(connection.keep_alive(21000))
    session.can_publish = True
    asyncio.run(connection.keep_alive(22000))
    session.can_publish = False
    asyncio.run(connection.keep_alive(42000))
    message = ""
    try:
        asyncio.run(connection.keep_alive(42001))
    except LinkError as error:
        message = str(error)
    assert "acknowledges nothing" in message
