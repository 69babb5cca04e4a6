"""Evidence is bounded, and deleted in time with a note."""

import asyncio
from hashlib import sha256

from evidence_kit import DAY_MS, NOW_MS, burning, event, folders, kept_with_seconds_before, watch
from haidang_gateway.settings import EvidenceSettings
from haidang_gateway.store import age
from haidang_gateway.vision import evidence_care
from haidang_gateway.vision.evidence import EvidenceFolder
from haidang_gateway.vision.evidence_care import EvidenceCare, Kept, doomed, look
from haidang_gateway.vision.witness import Witness
from store_kit import open_store


def kept(tmp_path, days, size=1000):
    return Kept(tmp_path / f"{NOW_MS - int(days * DAY_MS)}-aa", NOW_MS - int(days * DAY_MS), size)


def test_old_events_expire_and_the_oldest_overflow_first(tmp_path):
    events = [kept(tmp_path, days, size=4_000_000) for days in (31, 5, 1, 3)]
    gone = doomed(events, EvidenceSettings(keep_days=30, max_mb=10), NOW_MS)
    assert [e.at_ms for e in gone["expired"]] == [events[0].at_ms]
    assert [e.at_ms for e in gone["overflow"]] == [events[1].at_ms]


def test_what_followed_an_alarm_is_counted_and_deleted_with_it(tmp_path):
    class At:
        def now_ms(self):
            return NOW_MS + 31 * DAY_MS

    data = tmp_path / "evidence"
    witness = Witness("east", EvidenceFolder(data))
    burning(witness)
    (folder,) = folders(data)
    (before,) = look(data, NOW_MS)
    watch(witness, 12)
    (kept,) = look(data, NOW_MS)
    assert kept.size_bytes > before.size_bytes

    async def clear():
        async with open_store(tmp_path / "store") as store:
            care = EvidenceCare(data, EvidenceSettings(), store, At())
            await care.step()
            return await store.read(lambda c: c.execute("SELECT subject FROM audit").fetchall())

    assert [tuple(row) for row in asyncio.run(clear())] == [(kept.subject,)]
    assert not folder.exists()


def test_what_is_deleted_is_in_the_audit_chain_and_the_rest_stays(tmp_path):
    class At:
        def now_ms(self):
            return NOW_MS

    data = tmp_path / "evidence"
    EvidenceFolder(data).keep(event(NOW_MS - 31 * DAY_MS, picture=b"old"))
    EvidenceFolder(data).keep(event(NOW_MS - DAY_MS))

    async def clear():
        async with open_store(tmp_path / "store") as store:
            care = EvidenceCare(data, EvidenceSettings(), store, At())
            await care.step()
            rows = await store.read(
                lambda c: c.execute("SELECT kind, subject, digest FROM audit").fetchall()
            )
            return care, rows

    care, rows = asyncio.run(clear())
    old = sha256(b"old").hexdigest()[:16]
    subject = f"east/{NOW_MS - 31 * DAY_MS}-{old}"
    assert ("evidence_expired", subject, old) in [tuple(row) for row in rows]
    assert [e.at_ms for e in look(data, NOW_MS)] == [NOW_MS - DAY_MS]
    assert care.deleted == {"expired": 1, "overflow": 0}


def test_a_clock_that_is_years_ahead_deletes_no_picture(tmp_path):
    class At:
        def now_ms(self):
            return NOW_MS + 14 * 365 * DAY_MS

    data = tmp_path / "evidence"
    EvidenceFolder(data).keep(event(NOW_MS - 31 * DAY_MS))
    EvidenceFolder(data).keep(event(NOW_MS - DAY_MS))

    async def clear():
        async with open_store(tmp_path / "store") as store:
            await store.care(lambda c: age.note(c, NOW_MS))
            await EvidenceCare(data, EvidenceSettings(), store, At()).step()

    asyncio.run(clear())
    assert [e.at_ms for e in look(data, NOW_MS)] == [NOW_MS - DAY_MS]


def test_an_event_that_cannot_be_deleted_is_noted_once_and_keeps_no_other(tmp_path, monkeypatch):
    class At:
        def now_ms(self):
            return NOW_MS

    data = tmp_path / "evidence"
    for at_ms in (1, 2, 3):
        EvidenceFolder(data).keep(event(at_ms, picture=b"%d" % at_ms))
    held, *_ = folders(data)
    remove = evidence_care.shutil.rmtree

    def rmtree(path, **options):
        if path == held:
            raise PermissionError(13, "Permission denied", str(path))
        remove(path, **options)

    monkeypatch.setattr(evidence_care.shutil, "rmtree", rmtree)

    async def clear():
        async with open_store(tmp_path / "store") as store:
            care = EvidenceCare(data, EvidenceSettings(), store, At())
            for _ in range(3):
                await care.step()
            return care, await store.read(
                lambda c: c.execute("SELECT subject FROM audit").fetchall()
            )

    care, rows = asyncio.run(clear())
    assert folders(data) == [held]
    assert len(rows) == 3
    assert (care.kept, care.deleted["expired"]) == (1, 2)
    assert care.kept_bytes > 0


def test_files_that_go_while_they_are_counted_are_not_counted(tmp_path):
    folder = kept_with_seconds_before(tmp_path)
    (before,) = look(tmp_path, NOW_MS)
    for gone in (folder / ".after-00500-ms.jpg", folder.parent / ".gone"):
        gone.symlink_to(tmp_path / "nowhere")
    assert look(tmp_path, NOW_MS) == [before]


def test_what_a_crash_left_half_written_is_cleared_up_later(tmp_path):
    half = tmp_path / "east" / ".1764000000000-aa-bb"
    half.mkdir(parents=True)
    now_ms = int(half.stat().st_mtime * 1000)
    assert look(tmp_path, now_ms + 60_000) == []
    assert half.exists()
    look(tmp_path, now_ms + 2 * 3_600_000)
    assert not half.exists()
