"""Dead letters: messages that a destination refused again and again, kept to be sent once more."""

from haidang_gateway.store import messages
from haidang_gateway.store.counters import count_up
from haidang_gateway.store.payloads import kept, sent
from haidang_gateway.store.renew import named
from haidang_gateway.store.schema import Connection
from haidang_gateway.store.tables import ANY_LANE

KEPT = 1000
FORGOTTEN = "dead_letters_forgotten"
_ONE = f"WHERE destination=? AND {ANY_LANE} AND seq=?"


def bury(connection: Connection, destination: str, seq: int, reason: str, now_ms: int) -> None:
    """Set a numbered message aside; telemetry beyond 1,000 letters goes first, then the oldest."""
    row = connection.execute(
        f"SELECT lane, topic, packs, created_ms FROM outgoing {_ONE}",  # noqa: S608 (our words)
        (destination, seq),
    ).fetchone()
    if row is None:
        # Its acknowledgement has overtaken the last refusal.
        return
    lane, topic, packs, created_ms = row
    payload = kept(lane, messages.payload(connection, destination, lane, seq))
    connection.execute(
        "INSERT INTO dead_letter (destination, seq, lane, topic, payload, packs, created_ms,"
        " died_ms, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (destination, seq, lane, topic, payload, packs, created_ms, now_ms, reason),
    )
    connection.execute(f"DELETE FROM outgoing {_ONE}", (destination, seq))  # noqa: S608
    count_up(connection, buried(destination), 1)
    gone = connection.execute(
        "DELETE FROM dead_letter WHERE id IN (SELECT id FROM dead_letter"
        " ORDER BY lane='alarm' DESC, id DESC LIMIT -1 OFFSET ?)",
        (KEPT,),
    ).rowcount
    count_up(connection, FORGOTTEN, gone)


def resend(connection: Connection, destination: str, epoch: str, now_ms: int) -> int:
    """Queue a destination's dead letters under new numbers; how many."""
    rows = connection.execute(
        "SELECT id, lane, topic, payload, packs FROM dead_letter WHERE destination=? ORDER BY id",
        (destination,),
    ).fetchall()
    for row_id, lane, topic, payload, packs in rows:
        (seq,) = connection.execute(
            "UPDATE destination SET next_seq = next_seq + 1 WHERE name=? RETURNING next_seq - 1",
            (destination,),
        ).fetchone()
        again = kept(lane, named(sent(lane, payload), epoch, seq))
        connection.execute(
            "INSERT INTO outgoing VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL)",
            (destination, seq, lane, topic, again, packs, now_ms),
        )
        connection.execute("DELETE FROM dead_letter WHERE id=?", (row_id,))
    return len(rows)


def give_up(connection: Connection, limit: int) -> int:
    """On a full disk: the oldest letters with telemetry go; how many."""
    gone = connection.execute(
        "DELETE FROM dead_letter WHERE id IN"
        " (SELECT id FROM dead_letter WHERE lane='data' ORDER BY id LIMIT ?)",
        (limit,),
    ).rowcount
    count_up(connection, FORGOTTEN, gone)
    return gone


def letters(connection: Connection) -> list[tuple[str, int, str, str, str, int]]:
    """All dead letters: destination, number, lane, topic, reason, when (Unix ms)."""
    return connection.execute(
        "SELECT destination, seq, lane, topic, reason, died_ms FROM dead_letter ORDER BY id"
    ).fetchall()


def count(connection: Connection, destination: str) -> int:
    """How many dead letters a destination has."""
    (number,) = connection.execute(
        "SELECT count(*) FROM dead_letter WHERE destination=?", (destination,)
    ).fetchone()
    return int(number)


def buried(destination: str) -> str:
    """The counter of messages that a destination refused for good."""
    return f"dead_letters:{destination}"
