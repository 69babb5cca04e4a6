"""The tables of the stand-in centre's ledger, and what is asked of the newest one."""

TABLES = """
CREATE TABLE message (
    gateway TEXT, epoch TEXT, seq INTEGER, kind TEXT NOT NULL, topic TEXT NOT NULL,
    received_ms INTEGER NOT NULL, alarm_id TEXT, rev INTEGER, payload BLOB NOT NULL,
    PRIMARY KEY (gateway, epoch, seq)) WITHOUT ROWID;
CREATE TABLE revision (
    alarm_id TEXT, rev INTEGER, prev TEXT, sha256 TEXT NOT NULL,
    gateway TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (alarm_id, rev)) WITHOUT ROWID;
CREATE TABLE refused (
    n INTEGER PRIMARY KEY, received_ms INTEGER NOT NULL, topic TEXT NOT NULL,
    reason TEXT NOT NULL, gateway TEXT, epoch TEXT, seq INTEGER, payload BLOB NOT NULL);
CREATE INDEX refused_number ON refused (gateway, epoch, seq);
"""
# Newer than the version: a ledger of before gets it.
HEADS = """
CREATE TABLE IF NOT EXISTS head (
    gateway TEXT, epoch TEXT, n INTEGER NOT NULL, chain TEXT NOT NULL,
    PRIMARY KEY (gateway, epoch)) WITHOUT ROWID;
"""
READ_HEAD = "SELECT gateway, epoch, n, chain FROM head WHERE gateway=? AND epoch=?"
WRITE_HEAD = "INSERT OR REPLACE INTO head VALUES (?, ?, ?, ?)"
