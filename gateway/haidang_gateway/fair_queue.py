"""A bounded queue of many owners who are served in turn: nobody waits behind one who floods."""

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Each owner's items in their order, the owners a few each in turn.

    Overflow rule: the owner with the most gives up its newest item, which may be the one that
    was just put.
    """

    def __init__(self, limit: int, in_turn: int = 1) -> None:
        """`limit` counts items; what is pushed counts and is never refused.

        `in_turn`: so many at most of one owner before the next one's.
        """
        self._limit = limit
        self._in_turn = in_turn
        self._total = 0
        self._queues: dict[str, deque[T]] = {}
        self._turns: deque[str] = deque()
        self._kept: set[str] = set()

    def __len__(self) -> int:
        """How many items wait."""
        return self._total

    def count(self, owner: str) -> int:
        """How many of an owner's items wait."""
        return len(self._queues.get(owner, ()))

    def put(self, owner: str, item: T) -> T | None:
        """Queue an item; the one that found no room, None where there was room."""
        if self._total < self._limit:
            self._append(owner, item)
            return None
        own = self.count(owner)
        # Who has its fair share is not the poorest; the search is for those who have less.
        if own * len(self._queues) >= self._limit:
            return item
        others = [name for name in self._queues if name not in self._kept]
        most = max(others, key=self.count, default=owner)
        if self.count(most) <= own + 1:
            return item
        displaced = self._queues[most].pop()
        self._total -= 1
        self._append(owner, item)
        return displaced

    def push(self, owner: str, item: T) -> None:
        """Queue an item of an owner whose items are never given up; it keeps a bound itself."""
        self._kept.add(owner)
        self._append(owner, item)

    def take(self, limit: int) -> list[T]:
        """Up to `limit` items, a few of each owner in turn."""
        taken: list[T] = []
        while self._turns and len(taken) < limit:
            owner = self._turns.popleft()
            queue = self._queues[owner]
            few = min(self._in_turn, len(queue), limit - len(taken))
            taken.extend(queue.popleft() for _ in range(few))
            if queue:
                self._turns.append(owner)
            else:
                del self._queues[owner]
        self._total -= len(taken)
        return taken

    def _append(self, owner: str, item: T) -> None:
        if owner not in self._queues:
            self._queues[owner] = deque()
            self._turns.append(owner)
        self._queues[owner].append(item)
        self._total += 1
