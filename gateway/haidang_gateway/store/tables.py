"""The database's tables, by the version that brought them; a released step never changes."""

# Version 1 is the first that was ever installed.
_VERSION_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
-- AUTOINCREMENT: a deleted id is never given again, since a cursor walks over them.
CREATE TABLE pack (
    id INTEGER PRIMARY KEY AUTOINCREMENT, node TEXT NOT NULL, epoch TEXT NOT NULL,
    boot INTEGER NOT NULL, seq INTEGER NOT NULL, lane TEXT NOT NULL,
    received_ms INTEGER NOT NULL, at_low_ms INTEGER NOT NULL, at_high_ms INTEGER NOT NULL,
    body BLOB NOT NULL);
CREATE TABLE boot (
    node TEXT, epoch TEXT, boot INTEGER, doc TEXT NOT NULL,
    PRIMARY KEY (node, epoch, boot)) WITHOUT ROWID;
CREATE TABLE ledger_day (
    node TEXT, day TEXT, what TEXT, count INTEGER NOT NULL,
    PRIMARY KEY (node, day, what)) WITHOUT ROWID;
CREATE TABLE rule_state (key TEXT PRIMARY KEY, doc TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE revision (
    alarm_id TEXT, rev INTEGER, sha256 TEXT NOT NULL, decided_ms INTEGER NOT NULL,
    document BLOB NOT NULL, PRIMARY KEY (alarm_id, rev));
CREATE TABLE audit (
    n INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,
    digest TEXT NOT NULL, chain TEXT NOT NULL);
-- pack_cursor: packs up to this id are in numbered messages.
CREATE TABLE destination (
    name TEXT PRIMARY KEY, next_seq INTEGER NOT NULL, pack_cursor INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE outgoing (
    destination TEXT, seq INTEGER, lane TEXT NOT NULL, topic TEXT NOT NULL,
    payload BLOB NOT NULL, packs INTEGER NOT NULL, created_ms INTEGER NOT NULL,
    PRIMARY KEY (destination, seq));
CREATE INDEX outgoing_lane ON outgoing (destination, lane, seq);
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY AUTOINCREMENT, received_ms INTEGER NOT NULL, topic TEXT NOT NULL,
    reason TEXT NOT NULL, payload BLOB NOT NULL);
"""
_VERSION_2 = """
-- What a node declares of itself: a restart must not forget how seldom a sleeping one speaks.
CREATE TABLE node (id TEXT PRIMARY KEY, doc TEXT NOT NULL) WITHOUT ROWID;
-- Kept until the reply came, and a while longer to know a command that comes again.
CREATE TABLE command (id TEXT PRIMARY KEY, doc TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE counter (name TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
"""
_VERSION_3 = """
-- Nodes and names of readings, so that the history repeats a number of one byte.
CREATE TABLE history_name (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
-- All readings of one node in one minute or hour. The time comes before the node in the key: what
-- is new lies together at the end, and a memory card writes few pages.
CREATE TABLE history (
    span_s INTEGER, at INTEGER, node INTEGER, doc BLOB NOT NULL,
    PRIMARY KEY (span_s, at, node)) WITHOUT ROWID;
"""
_VERSION_4 = """
-- Messages that a destination refused again and again, so that they hold up no others.
CREATE TABLE dead_letter (
    id INTEGER PRIMARY KEY AUTOINCREMENT, destination TEXT NOT NULL, seq INTEGER NOT NULL,
    lane TEXT NOT NULL, topic TEXT NOT NULL, payload BLOB NOT NULL, packs INTEGER NOT NULL,
    created_ms INTEGER NOT NULL, died_ms INTEGER NOT NULL, reason TEXT NOT NULL);
"""
_VERSION_5 = """
-- Packs that a full disk gave up before any destination had them, by name, in ranges of numbers.
CREATE TABLE dropped (
    node TEXT, epoch TEXT, boot INTEGER, low INTEGER, high INTEGER NOT NULL, lane TEXT NOT NULL,
    day TEXT NOT NULL, PRIMARY KEY (node, epoch, boot, low)) WITHOUT ROWID;
"""
# A program of version 5 calls a database broken that has no table `pack` and sets it aside, and it
# looks at both ends of `outgoing` by row number, before it finds that the version is a later one.
_VERSION_6 = """
-- Packs with the ids from `first` to `last`, deflated, and when the latest of them came.
CREATE TABLE bundle (
    first INTEGER PRIMARY KEY, last INTEGER NOT NULL, lane TEXT NOT NULL,
    received_ms INTEGER NOT NULL, packs BLOB NOT NULL);
-- One tree: each further index is a page more in every commit. A message with `low` and `high` has
-- no bytes of its own: it is made of the packs with these ids whenever it is sent.
-- What waits comes over in steps (messages.py), which need no such index.
DROP INDEX outgoing_lane;
ALTER TABLE outgoing RENAME TO outgoing_before;
CREATE TABLE outgoing (
    destination TEXT, seq INTEGER, lane TEXT NOT NULL, topic TEXT NOT NULL,
    payload BLOB NOT NULL, packs INTEGER NOT NULL, created_ms INTEGER NOT NULL,
    low INTEGER, high INTEGER, rowid INTEGER AS (seq),
    PRIMARY KEY (destination, lane, seq)) WITHOUT ROWID;
"""
STEPS = (_VERSION_1, _VERSION_2, _VERSION_3, _VERSION_4, _VERSION_5, _VERSION_6)
SCHEMA_VERSION = len(STEPS)
# In the key of `outgoing` the lane comes before the number.
ANY_LANE = "lane IN ('alarm', 'data', 'reply')"
# Few rows, without which no alarm can be decided, numbered or sent.
VITAL = (
    "meta",
    "rule_state",
    "destination",
    "node",
    "command",
    "counter",
    "boot",
    "ledger_day",
    "history_name",
)
