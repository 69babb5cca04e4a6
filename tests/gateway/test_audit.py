"""The audit chain: whatever is changed, removed, moved or cut off is found and named."""

import asyncio
import hashlib
import json
import shutil
import sqlite3
import time
from pathlib import Path

import pytest
from haidang_gateway.__main__ import main
from haidang_gateway.audit import GENESIS, AuditRow, Head, chain_link, head_of, problems
from haidang_gateway.batch import AuditNote, Batch
from haidang_gateway.model import Revision
from haidang_gateway.store import queries
from haidang_gateway.store.schema import reading
from node_packs import START_MS
from store_kit import open_store

ALARM = "gw-01-5f3a9c1e-0001"


def _revision(rev: int, last: str | None) -> Revision:
    prev = f"sha256:{last}" if last else None
    document = json.dumps({"rev": rev, "prev": prev}).encode()
    digest = hashlib.sha256(document).hexdigest()
    return Revision(
        alarm_id=ALARM, rev=rev, document=document, sha256=digest, decided_ms=START_MS + rev
    )


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Six revisions and an acknowledgement, written by the real store."""

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            last = None
            for rev in range(1, 7):
                revision = _revision(rev, last)
                note = AuditNote(kind="ack", subject=f"{ALARM} by Lan", digest="")
                audits = (note,) if rev == 3 else ()
                await store.commit(Batch(now_ms=START_MS, revisions=(revision,), audits=audits))
                last = revision.sha256

    asyncio.run(scenario())
    copy = tmp_path / "copy" / "haidang.db"
    copy.parent.mkdir()
    for suffix in ("", "-wal", "-shm"):
        part = tmp_path / f"haidang.db{suffix}"
        if part.exists():
            shutil.copy(part, copy.with_name(part.name))
    return copy


def _tamper(database: Path, *statements: str) -> None:
    with sqlite3.connect(database) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def _verify(database: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str]:
    status = main(["audit", "verify", "--database", str(database), *more])
    return status, capsys.readouterr().out


def test_an_untouched_chain_is_whole_and_its_head_is_told(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = _verify(database, capsys)
    assert status == 0
    assert "7 rows and 6 revisions are as they were written" in said
    assert main(["audit", "head", "--database", str(database)]) == 0
    head = capsys.readouterr().out.strip()
    assert f"head {head}" in said
    assert _verify(database, capsys, "--head", head)[0] == 0
    with reading(database) as connection:
        told = queries.audit_head(connection)
    assert str(told) == head, "what the status tells the centre"
    assert _verify(database, capsys, "--head", head.replace(":", ":sha256:"))[0] == 0


@pytest.mark.parametrize(
    ("statements", "finding"),
    [
        (["UPDATE audit SET subject = subject || ' Hoa' WHERE n = 4"], "row 4 (ack"),
        (["UPDATE audit SET at_ms = at_ms + 1 WHERE n = 2"], "row 2 (revision"),
        (["DELETE FROM audit WHERE n = 4"], "row 4 is missing before row 5"),
        (["DELETE FROM audit WHERE n = 1"], "row 1 is missing before row 2"),
        (["DELETE FROM audit WHERE n IN (3, 4)"], "rows 3 to 4 are missing before row 5"),
        (
            [
                "UPDATE audit SET n = 99 WHERE n = 2",
                "UPDATE audit SET n = 2 WHERE n = 3",
                "UPDATE audit SET n = 3 WHERE n = 99",
            ],
            f"row 2 (revision {ALARM}/3) was moved: it was written as row 3",
        ),
        (
            ["DELETE FROM audit WHERE n = 6", "UPDATE audit SET n = 6 WHERE n = 7"],
            "row 6 (revision",
        ),
        (
            ["UPDATE revision SET document = CAST('{}' AS BLOB) WHERE rev = 2"],
            f"the document of alarm {ALARM}, revision 2, was changed",
        ),
        (
            ["DELETE FROM revision WHERE rev = 5"],
            f"revision 5 of alarm {ALARM} is missing, and no deletion is noted",
        ),
        (
            ["INSERT INTO revision SELECT alarm_id, 9, sha256, 0, document FROM revision LIMIT 1"],
            f"revision 9 of alarm {ALARM} is not in the chain",
        ),
        (["DELETE FROM audit WHERE n = 7"], f"revision 6 of alarm {ALARM} is not in the chain"),
    ],
)
def test_each_kind_of_tampering_is_found_and_named(
    database: Path, capsys: pytest.CaptureFixture[str], statements: list[str], finding: str
) -> None:
    _tamper(database, *statements)
    status, said = _verify(database, capsys)
    assert status == 1
    assert finding in said


def test_a_chain_cut_off_at_its_end_does_not_fit_a_head_noted_before(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["audit", "head", "--database", str(database)])
    head = capsys.readouterr().out.strip()
    _tamper(database, "DELETE FROM audit WHERE n = 7", "DELETE FROM revision WHERE rev = 6")
    assert _verify(database, capsys)[0] == 0
    status, said = _verify(database, capsys, "--head", head)
    assert status == 1
    assert "row 7, noted earlier" in said


def _long_chain(count: int) -> list[AuditRow]:
    rows: list[AuditRow] = []
    chain = GENESIS
    for n in range(1, count + 1):
        about = {"at_ms": n, "kind": "order", "subject": f"c-{n}", "digest": "ab" * 32}
        chain = chain_link(chain, n, **about)  # type: ignore[arg-type]
        rows.append((n, n, "order", f"c-{n}", "ab" * 32, chain))
    return rows


def test_a_hundred_thousand_rows_are_checked_in_seconds() -> None:
    rows = _long_chain(100_000)
    began = time.process_time()
    assert problems(rows, ()) == []
    assert time.process_time() - began < 10


def test_a_row_removed_and_the_rest_renumbered_is_found() -> None:
    rows = _long_chain(300)
    renumbered = [*rows[:100], *((n - 1, *rest) for n, *rest in rows[101:])]
    found = problems(renumbered, ())  # type: ignore[arg-type]
    assert found[0].startswith("row 101 (order c-102) was changed, or the row before it")
    assert found[1] == "row 102 (order c-103) was moved: it was written as row 103"
    assert len(found) == 199


def test_an_empty_chain_is_whole() -> None:
    assert problems([], (), [head_of([])]) == []
    assert problems([], (), [Head(3, "ab" * 32)]) != []
