"""What the database needs now and then, a little at a time, so that no alarm waits for it."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from haidang_gateway.clock import Clock
from haidang_gateway.errors import StoreBroken, StoreError, StoreFull
from haidang_gateway.settings import StoreSettings
from haidang_gateway.store import age, check, fold, history, room
from haidang_gateway.store.store import Store

_log = logging.getLogger(__name__)

_REST_S = 1.0
# Between two steps while there is much to do: commits come first.
_BREATH_S = 0.02
# 4 ms on a PC. 100 at a time take 2.4 ms, but each of them costs three times as much and writes
# five times as much: the minutes of all nodes are written anew with every step.
_PACKS = 500
# The newest minutes of a chart come from the packs: seldom means fewer pages written.
_ROLL_UP_MS = 300_000
_ROLL_UP_PACKS = 5_000
_RESERVE_MS = 10_000
_NOTE_AGE_MS = 600_000
# A day more is old once a day.
_FOLD_MS = 3_600_000
_CARRY_MS = 60_000
_CARRY_PAGES = 1000
_CHECK_AFTER_MS = 60_000
_CHECK_AGAIN_MS = 3_600_000
_LONGEST_LOG_BYTES = 64 * 1024 * 1024
# How long a trouble is told after its last sign.
_FULL_MS = 600_000
_RENEWED_MS = 3_600_000
_FAILURES = 3
_CHECK_EVERY_MS = 7 * 86_400_000


class Care:
    """Rolls the history up, forgets what is old, keeps room free, checks the file.

    Its steps take a few milliseconds of the writer's time; what takes longer runs beside it.
    `on_word` is told how the database is whenever that changes: "rebuilt", "restored", "full",
    "failing", "ok".
    """

    def __init__(
        self,
        store: Store,
        settings: StoreSettings,
        clock: Clock,
        on_word: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        """Store the parts; the store must be open before `run`."""
        self._on_word = on_word
        self._told = ""
        self._room_made = 0
        self._full_ms: int | None = None
        self._store = store
        self._settings = settings
        self._clock = clock
        began_ms = clock.monotonic_ms()
        self._rolled_ms = self._reserved_ms = self._carried_ms = began_ms
        self._check_ms = began_ms + _CHECK_AFTER_MS
        self._look: asyncio.Task[None] | None = None
        self._carried_pages = 0
        self._age: age.Age | None = None
        self._age_noted_ms = 0
        self._fold_ms = began_ms
        self._failures = 0
        self.check_due = (
            store.opened.unclean or clock.now_ms() - store.opened.checked_ms > _CHECK_EVERY_MS
        )

    async def run(self) -> None:
        """Work until cancelled; StoreBroken where the database is damaged: the start mends it."""
        try:
            while True:
                more = await self._try_step()
                await self._tell()
                if self._store.broken:
                    raise StoreBroken(
                        f"the database is damaged: {self._store.broken}; start again"
                    )
                await asyncio.sleep(_BREATH_S if more else _REST_S)
        finally:
            await self._stop_looking()

    async def step(self) -> bool:
        """One small round; True if there is more to do at once."""
        now_ms, steady_ms = self._clock.now_ms(), self._clock.monotonic_ms()
        if steady_ms - self._reserved_ms >= _RESERVE_MS:
            self._reserved_ms = steady_ms
            await self._store.renew_reserve()
        gone = await self._store.keep_room(now_ms)
        self._note_room(steady_ms)
        rolled = 0 if gone else await self._roll_up(steady_ms)
        aged_ms = await self._aged_ms(now_ms, steady_ms)
        forgotten = await self._store.care(lambda c: room.forget_old(c, self._settings, aged_ms))
        folded = await self._fold(aged_ms, steady_ms)
        await self._carry_over(steady_ms)
        await self._look_on(steady_ms)
        much = rolled == _PACKS or forgotten >= room.ROWS or folded == fold.ROWS
        return bool(gone) or much

    def word(self) -> str:
        """How the database is now."""
        if self._failures >= _FAILURES:
            return "failing"
        steady_ms = self._clock.monotonic_ms()
        if self._full_ms is not None and steady_ms - self._full_ms < _FULL_MS:
            return "full"
        why, _, at_ms = self._store.opened.renewed.partition(" ")
        if why and self._clock.now_ms() - int(at_ms) < _RENEWED_MS:
            return why
        return "ok"

    def _note_room(self, steady_ms: int) -> None:
        if self._store.room_made > self._room_made:
            self._room_made, self._full_ms = self._store.room_made, steady_ms

    async def _tell(self) -> None:
        word = self.word()
        if word != self._told and self._on_word is not None:
            self._told = word
            await self._on_word(word)

    async def look_through(self) -> None:
        """Read the whole database; StoreBroken says what was found."""
        began_ms = self._clock.monotonic_ms()
        if found := await self._store.look_through():
            raise StoreBroken(f"the database is damaged: {found}; the next start rebuilds it")
        now_ms = self._clock.now_ms()
        await self._store.care(lambda c: check.passed(c, now_ms))
        self.check_due = False
        took_s = (self._clock.monotonic_ms() - began_ms) / 1000
        _log.info("the whole database was read and is sound (%.1f s)", took_s)

    async def _try_step(self) -> bool:
        try:
            more = await self.step()
        except StoreBroken:
            raise
        except StoreError as error:
            level = logging.DEBUG if self._failures else logging.WARNING
            _log.log(level, "the database is not looked after for now: %s", error)
            self._failures += 1
            return False
        except Exception:  # noqa: BLE001 (what can wait must not stop the alarms)
            if not self._failures:
                _log.exception("an error in the program: the database is not looked after for now")
            self._failures += 1
            return False
        self._failures = 0
        return more

    async def _look_on(self, steady_ms: int) -> None:
        """Begin the look through the database when it is due; hear what it has found."""
        if self._look is None:
            if self.check_due and steady_ms >= self._check_ms:
                self._check_ms = steady_ms + _CHECK_AGAIN_MS
                self._look = asyncio.create_task(
                    self.look_through(), name="look through the database"
                )
        elif self._look.done():
            look, self._look = self._look, None
            look.result()
        elif room.log_bytes(self._store.path) > _LONGEST_LOG_BYTES:
            # While it reads, the log cannot begin anew: with so much to write it comes later.
            await self._stop_looking()

    async def _stop_looking(self) -> None:
        if self._look is not None:
            self._look.cancel()
            await asyncio.gather(self._look, return_exceptions=True)
            self._look = None

    async def _roll_up(self, steady_ms: int) -> int:
        waiting = await self._store.read(history.not_rolled_up)
        if waiting < _ROLL_UP_PACKS and steady_ms - self._rolled_ms < _ROLL_UP_MS:
            return 0
        try:
            rolled = await self._store.care(lambda c: history.roll_up(c, _PACKS))
        except StoreFull:
            # Charts are not worth a single pack.
            return 0
        if rolled < _PACKS:
            self._rolled_ms = steady_ms
        return rolled

    async def _aged_ms(self, now_ms: int, steady_ms: int) -> int:
        """How far age has come; noted now and then, so that a start anew makes nothing older."""
        if self._age is None:
            mark_ms = await self._store.read(lambda c: age.mark(c, now_ms))
            self._age = age.Age(mark_ms, steady_ms)
            self._age_noted_ms = steady_ms - _NOTE_AGE_MS
        aged_ms, mark_ms = self._age.look(now_ms, steady_ms), self._age.mark_ms
        if steady_ms - self._age_noted_ms >= _NOTE_AGE_MS:
            # On a full disk the last note does for a while.
            with contextlib.suppress(StoreFull):
                await self._store.care(lambda c: age.note(c, mark_ms))
            self._age_noted_ms = steady_ms
        return aged_ms

    async def _fold(self, aged_ms: int, steady_ms: int) -> int:
        """Make some old days of the ledger years; how many rows."""
        if steady_ms < self._fold_ms:
            return 0
        keep_days = self._settings.ledger_days
        days = await self._store.read(lambda c: fold.old_days(c, keep_days, aged_ms))
        folded = len(days)
        if days:
            try:
                await self._store.care(lambda c: fold.fold(c, days))
            except StoreFull:
                # That can wait.
                folded = 0
        if folded < fold.ROWS:
            self._fold_ms = steady_ms + _FOLD_MS
        return folded

    async def _carry_over(self, steady_ms: int) -> None:
        held = await self._store.log_pages()
        if held < self._carried_pages:
            # It has begun anew.
            self._carried_pages = 0
        written = held - self._carried_pages
        if not written:
            return
        if written >= _CARRY_PAGES or steady_ms - self._carried_ms >= _CARRY_MS:
            self._carried_ms = steady_ms
            # On a full disk the file cannot grow before a commit has made room in it.
            with contextlib.suppress(StoreFull):
                self._carried_pages = await self._store.carry_over()
