"""A database that is not the one it was gets a new epoch: its numbers begin anew."""

import hashlib
import json
from typing import Any

from haidang_wire import messages
from haidang_wire.errors import WireError

from haidang_gateway.formats import cap
from haidang_gateway.store.payloads import kept, sent
from haidang_gateway.store.schema import Connection, new_epoch

# More revisions than any alarm has between a backup and its restoring.
_REVISIONS_AHEAD = 1000


def renew(connection: Connection, now_ms: int, why: str) -> None:
    """Give a new epoch and number the waiting messages from 1 under it.

    The centre knows a message by gateway, epoch and number: what it may have had under an old
    number comes again under a new one, and it tells doubles by the alarm's revision or the
    pack's name.
    """
    epoch = new_epoch()
    for key, value in (("epoch", epoch), ("renewed", f"{why} {now_ms}")):
        connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))
    rows = connection.execute(
        "SELECT destination, lane, topic, payload, packs, created_ms, low, high FROM outgoing"
        " ORDER BY destination, seq"
    ).fetchall()
    connection.execute("DELETE FROM outgoing")
    connection.execute("UPDATE destination SET next_seq=1")
    for destination, lane, topic, payload, *rest in rows:
        seq = _next(connection, destination)
        again = kept(lane, named(sent(lane, payload), epoch, seq))
        connection.execute(
            "INSERT INTO outgoing VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (destination, seq, lane, topic, again, *rest),
        )


def mend_rules(connection: Connection) -> None:
    """Bring alarms in the rules' states up to their newest stored revision.

    A torn database may have a later revision than the state that would write it once more.
    """
    for key, doc in _alarms(connection):
        alarm = doc["alarm"]
        row = connection.execute(
            "SELECT rev, sha256, document FROM revision WHERE alarm_id=?"
            " ORDER BY rev DESC LIMIT 1",
            (alarm["document"].get("id"),),
        ).fetchone()
        if row and row[0] > alarm["document"]["rev"]:
            newest = {**alarm, "document": json.loads(row[2]), "sha256": row[1]}
            _put(connection, key, {**doc, "alarm": newest})


def lead_revisions(connection: Connection) -> None:
    """Number the next revisions of open alarms far ahead.

    The centre may have revisions of after the backup, and would refuse other bytes under the
    same number.
    """
    for key, doc in _alarms(connection):
        document = doc["alarm"]["document"]
        document = {**document, "rev": document["rev"] + _REVISIONS_AHEAD}
        try:
            digest = hashlib.sha256(messages.encode("alarm", document)).hexdigest()
        except WireError:
            continue
        ahead = {**doc["alarm"], "document": document, "sha256": digest}
        _put(connection, key, {**doc, "alarm": ahead})


def count_from_now(connection: Connection, now_ms: int) -> None:
    """Answer for what nodes send from now on.

    What came between backup and restoring is neither received here nor lost.
    """
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('created_ms', ?)", (str(now_ms),))
    rows = connection.execute("SELECT node, epoch, boot, doc FROM boot").fetchall()
    for node, epoch, boot, doc in rows:
        fresh = json.dumps({**json.loads(doc), "first": None}, separators=(",", ":"))
        connection.execute(
            "UPDATE boot SET doc=? WHERE node=? AND epoch=? AND boot=?", (fresh, node, epoch, boot)
        )


def _alarms(connection: Connection) -> list[tuple[str, dict[str, Any]]]:
    rows = connection.execute("SELECT key, doc FROM rule_state").fetchall()
    docs = ((key, json.loads(doc)) for key, doc in rows)
    return [(key, doc) for key, doc in docs if isinstance(doc, dict) and doc.get("alarm")]


def _put(connection: Connection, key: str, doc: object) -> None:
    text = json.dumps(doc, ensure_ascii=False, separators=(",", ":"))
    connection.execute("UPDATE rule_state SET doc=? WHERE key=?", (text, key))


def _next(connection: Connection, destination: str) -> int:
    connection.execute(
        "INSERT INTO destination VALUES (?, 1, 0) ON CONFLICT DO NOTHING", (destination,)
    )
    (seq,) = connection.execute(
        "UPDATE destination SET next_seq = next_seq + 1 WHERE name=? RETURNING next_seq - 1",
        (destination,),
    ).fetchone()
    return int(seq)


def named(payload: bytes, epoch: str, seq: int) -> bytes:
    """The message under its new id: JSON begins with `{"id":"<gateway>/<epoch>/<seq>"`."""
    if payload.startswith(b"<?xml"):
        return cap.renamed(payload, epoch, seq)
    head, quote, tail = payload.partition(b'{"id":"')[2].partition(b'"')
    if not quote:
        return payload
    gateway = head.split(b"/")[0]
    return b'{"id":"%s/%s/%d"' % (gateway, epoch.encode(), seq) + tail
