"""A long life of a store with two destinations, played by chance, and what must hold in it.

Kills, rebuilt and restored databases, full disks, refusals, a destination that comes and goes.
What a destination has been told, and what was dropped by name or count, is all that was committed.
"""

import functools
import json
import random
import shutil
from pathlib import Path

from feed_kit import OTHER, compose, feed_of
from haidang_gateway.batch import CENTRE, Batch, Outgoing
from haidang_gateway.model import Revision
from haidang_gateway.outgoing import alarm_draft, data_draft
from haidang_gateway.settings import StoreSettings
from haidang_gateway.store import backup, check, dead_letters, drop, feed, history, room
from haidang_gateway.store.store import Store
from node_packs import START_MS, resolved_pack
from store_kit import packs, row

_ALARM = "gw-01-5f3a9c1e-0001"
_DAY = "2026-11-25"
_PACKS_A_LETTER = 50
# How often what happens, against each other.
_CHANCES = {
    "commit": 12,
    "alarm": 6,
    "compose": 8,
    "feed": 8,
    "deliver": 10,
    "bound": 2,
    "room": 2,
    "forget": 4,
    "roll_up": 4,
    "pass_time": 4,
    "bury": 2,
    "resend": 1,
    "toggle": 1,
    "reopen": 1,
    "kill": 2,
    "rebuild": 1,
    "back_up": 3,
    "restore": 2,
}


class Story:
    """What was committed for a destination, and what it was told."""

    def __init__(self) -> None:
        self.packs: set[int] = set()
        self.alarms: set[int] = set()
        self.told_packs: set[int] = set()
        self.told_alarms: set[int] = set()


class StoreLife:
    """`live` plays some steps, then delivers all that waits and compares."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._chance = random.Random(seed)
        self._folder = folder
        self._path = folder / "store" / "haidang.db"
        self._now_ms = START_MS
        self._stories = {CENTRE: Story(), OTHER: Story()}
        self._has_other = False
        self._payloads: dict[tuple[str, str, int], bytes] = {}
        self._next, self._rev = 1, 0
        self._backup: tuple[Path, set[int], set[int]] | None = None
        self._destination = feed_of()

    async def live(self, steps: int) -> None:
        """AssertionError where something was lost without a word, or a number meant two things."""
        await self._open()
        try:
            for what in self._chance.choices(list(_CHANCES), list(_CHANCES.values()), k=steps):
                await getattr(self, f"_{what}")()
            await self._compare()
        finally:
            await self._store.close()

    async def _open(self) -> None:
        keep = self._chance.choice((20, 1000))
        self._store = Store(self._path.parent, "gw-01", StoreSettings(keep_packs=keep))
        await self._store.open(self._now_ms)
        await self._adopt()

    async def _adopt(self) -> None:
        names = [CENTRE, OTHER] if self._has_other else [CENTRE]
        await self._store.care(lambda c: feed.adopt(c, names, self._now_ms))

    async def _commit(self) -> None:
        seqs = range(self._next, self._next + self._chance.randint(1, 120))
        self._next = seqs.stop
        lane = self._chance.choice(("data", "data", "data", "alarm"))
        rows = (row(n, resolved_pack(("flood/level", n), seq=n), lane=lane) for n in seqs)  # type: ignore[arg-type]
        await self._store.commit(packs(*rows))
        for story in self._listening():
            story.packs.update(seqs)

    async def _alarm(self) -> None:
        self._rev += 1
        news = Revision(
            alarm_id=_ALARM,
            rev=self._rev,
            document=b'{"rev":%d}' % self._rev,
            sha256=f"{self._rev:064x}",
            decided_ms=self._now_ms,
        )
        names = [CENTRE, OTHER] if self._has_other else [CENTRE]
        drafts = tuple(alarm_draft("gw-01", name, news) for name in names)
        await self._store.commit(Batch(now_ms=self._now_ms, revisions=(news,), drafts=drafts))
        for story in self._listening():
            story.alarms.add(self._rev)

    async def _compose(self) -> None:
        await self._store.compose_data(data_draft("gw-01", CENTRE), self._now_ms)

    async def _feed(self) -> None:
        if self._has_other:
            await compose(self._store, self._destination, self._now_ms)

    async def _deliver(self, likely: float = 0.5) -> None:
        """Some of what waits arrives; of some the acknowledgement comes back, too."""
        for name, story in self._stories.items():
            waiting = [
                *await self._store.pending(name, "alarm", 0, 300),
                *await self._store.pending(name, "data", 0, 300),
            ]
            acknowledged = []
            for message in waiting:
                self._check_number(message)
                if self._chance.random() < likely:
                    _hear(story, message)
                    if self._chance.random() < likely + 0.2:
                        acknowledged.append([message.seq, message.seq])
            await self._store.confirm(name, self._store.epoch, acknowledged)

    def _check_number(self, message: Outgoing) -> None:
        key = (message.destination, self._store.epoch, message.seq)
        assert self._payloads.setdefault(key, message.payload) == message.payload, key
        named = json.loads(message.payload)["id"]
        assert named == f"gw-01/{self._store.epoch}/{message.seq}"

    async def _bound(self) -> None:
        if self._has_other:
            await self._store.care(lambda c: feed.bound(c, OTHER, packs=100, alarms=20_000))

    async def _room(self) -> None:
        await self._store.care(lambda c: room.make_room(c, _DAY, self._now_ms))

    async def _forget(self) -> None:
        settings = self._store._settings
        await self._store.care(lambda c: room.forget_old(c, settings, self._now_ms))

    async def _roll_up(self) -> None:
        limit = self._chance.choice((10, 100))
        await self._store.care(lambda c: history.roll_up(c, limit))

    async def _pass_time(self) -> None:
        nine_days = 9 * 86_400_000
        self._now_ms += self._chance.choice((1000, 60_000, 4_000_000, nine_days, -100_000))

    async def _bury(self) -> None:
        for name in self._stories:
            if waiting := await self._store.pending(name, "data", 0, 5):
                seq = self._chance.choice(waiting).seq
                bury = functools.partial(
                    dead_letters.bury, destination=name, seq=seq, reason="", now_ms=self._now_ms
                )
                await self._store.care(bury)

    async def _resend(self) -> None:
        names = (CENTRE, OTHER) if self._has_other else (CENTRE,)
        await self._store.commit(Batch(now_ms=self._now_ms, resend=names))

    async def _toggle(self) -> None:
        """The other destination is taken out of the configuration, or comes back."""
        self._has_other = not self._has_other
        self._stories[OTHER] = Story()
        await self._adopt()

    async def _reopen(self) -> None:
        await self._store.close()
        await self._open()

    async def _kill(self) -> None:
        """What the files hold now is what the next start finds."""
        parts = [self._path.with_name(self._path.name + end) for end in ("", "-wal")]
        left = {part: part.read_bytes() for part in parts if part.exists()}
        await self._store.close()
        self._remove()
        for part, content in left.items():
            part.write_bytes(content)
        await self._open()

    async def _rebuild(self) -> None:
        check.mark(self._path.parent, "told so by a test")
        await self._reopen()
        sums = await self._store.ledger_sums()
        assert "dropped:database_broken" not in sums, "nothing was damaged"

    async def _back_up(self) -> None:
        copy = self._folder / f"{len(list(self._folder.iterdir()))}.db"
        backup.back_up(self._path, copy, self._now_ms)
        centre = self._stories[CENTRE]
        self._backup = (copy, set(centre.packs), set(centre.alarms))

    async def _restore(self) -> None:
        """By the command or by hand; what came after the backup is nobody's any more."""
        if self._backup is None:
            return
        copy, centre_packs, centre_alarms = self._backup
        await self._store.close()
        if self._chance.random() < 0.5:
            backup.restore(copy, self._path, self._now_ms)
        else:
            self._remove()
            shutil.copy(copy, self._path)
        self._stories[CENTRE].packs = set(centre_packs)
        self._stories[CENTRE].alarms = set(centre_alarms)
        self._stories[OTHER] = Story()
        await self._open()

    def _remove(self) -> None:
        for end in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + end).unlink(missing_ok=True)

    def _listening(self) -> list[Story]:
        return [self._stories[name] for name in (CENTRE, OTHER)[: 1 + self._has_other]]

    async def _compare(self) -> None:
        await self._resend()
        for _ in range(500):
            await self._compose()
            await self._feed()
            await self._deliver(1.0)
            left = [await self._store.backlog(name) for name in (CENTRE, OTHER)]
            if not any(one.packs + one.data + one.alarms for one in left[: 1 + self._has_other]):
                break
        named = {
            seq
            for one in await self._store.read(drop.dropped)
            for seq in range(one.low, one.high + 1)
        }
        counters = await self._store.counters()
        sums = await self._store.ledger_sums()
        uncertain = counters.get(dead_letters.FORGOTTEN, 0) * _PACKS_A_LETTER
        allowed = {
            CENTRE: uncertain + sums.get("dropped:database_broken", 0),
            OTHER: uncertain + counters.get(feed.dropped_packs(OTHER), 0),
        }
        for name, story in self._stories.items():
            lost = story.packs - story.told_packs - named
            assert len(lost) <= allowed[name], (name, sorted(lost))
        centre, other = self._stories[CENTRE], self._stories[OTHER]
        assert not centre.alarms - centre.told_alarms
        gone = counters.get(feed.dropped_alarms(OTHER), 0)
        assert len(other.alarms - other.told_alarms) <= gone


def _hear(story: Story, message: Outgoing) -> None:
    document = json.loads(message.payload)
    if message.lane == "alarm":
        story.told_alarms.add(document["alarm"]["rev"])
    else:
        story.told_packs.update(pack[0]["hs"] for pack in document["packs"])
