"""Which numbers of which boot were dropped and why: told to the gateway in every status."""

import json
import os

from micropython import const

from haidang_node import log
from haidang_wire import ranges

# A status must stay far below the 8 KiB packet limit.
_BOOTS = const(4)
_RANGES = const(16)
# Older boots stay while something of theirs was dropped: when the mains flicker, many boots pass
# before one of them reaches the gateway.
_OLDER_BOOTS = const(12)
_OLDER_RANGES = const(2)
_LOG = log.Log("ledger")


class Ledger:
    """Dropped numbers of the newest boots and of older ones, kept in one small file.

    An entry is [epoch, boot, next, [[lo, hi, cause], ...]]; `next` is 0 while the boot runs.
    A number named as dropped may have been received after all: receipt counts before this ledger.
    Causes: "full" (telemetry, outbox full), "alarm_full" (outbox full of alarms), "power" (in RAM
    at a power cut), "flash" (flash refused it), "corrupt" (flash lost it), "fault" (no pack of the
    contract). What flash lost is named by its neighbours, so with numbers that were received.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._boots: list = []
        self.dropped = 0

    def open(self) -> None:
        """Reads the file; an unreadable one starts anew."""
        try:
            with open(self._path) as file:
                self._boots = json.load(file)
        except OSError:
            self._boots = []
        except ValueError:
            _LOG.error("%s is damaged: causes of earlier losses are unknown", self._path)
            self._boots = []

    def end(self, epoch: str, boot: int, following: int) -> None:
        """Notes the first number that an ended boot did not use; safe after save()."""
        self._entry(epoch, boot)[2] = following

    def following(self, epoch: str, boot: int) -> int:
        """The first number that an ended boot did not use; 0 where that is not known."""
        for entry in self._boots:
            if entry[0] == epoch and entry[1] == boot:
                return entry[2]
        return 0

    def name(self, epoch: str, boot: int, lost: list, cause: str) -> None:
        """Names pairs of numbers as dropped; safe after save()."""
        dropped = self._entry(epoch, boot)[3]
        for lo, hi in lost:
            _name(dropped, lo, hi, cause)

    def drop(self, epoch: str, boot: int, lost: list, cause: str) -> None:
        """Names pairs of numbers as dropped, on flash when this returns, and counts them."""
        self.name(epoch, boot, lost, cause)
        total = sum([hi - lo + 1 for lo, hi in lost])
        self.dropped += total
        _LOG.warning("%d packs from %d of boot %d dropped: %s", total, lost[0][0], boot, cause)
        self.save()

    def save(self) -> None:
        """Writes the file whole beside the old one, then takes its place."""
        new = self._path + ".new"
        try:
            with open(new, "w") as file:
                json.dump(self._boots, file)
            os.rename(new, self._path)
        except OSError as error:
            _LOG.error("cannot write %s: %s", self._path, error)

    def boots(self, epoch: str, boot: int, following: int, held: dict) -> list:
        """The status field `boots`: numbers of this epoch's boots, oldest first.

        held: ranges by boot. Packs of an older epoch are sent too, but a status speaks of one.
        """
        rows = {number: [0, []] for number in held}
        for of_epoch, number, end, dropped in self._boots:
            if of_epoch == epoch:
                rows[number] = [end, dropped]
        rows[boot] = [following, rows[boot][1] if boot in rows else []]
        told = []
        newest = sorted(rows)[-_BOOTS - 1 :]
        for number in sorted(rows):
            end, dropped = rows[number]
            if not dropped and number not in newest:
                continue
            mine = held.get(number, [])
            told.append(
                {
                    "hb": number,
                    "next": max(end, mine[-1][1] + 1 if mine else 0),
                    "held": _bound([list(piece) for piece in mine], _RANGES),
                    "dropped": dropped,
                }
            )
        return told

    def _entry(self, epoch: str, boot: int) -> list:
        for entry in self._boots:
            if entry[0] == epoch and entry[1] == boot:
                return entry
        entry = [epoch, boot, 0, []]
        self._boots.append(entry)
        older = [entry for entry in self._boots[:-_BOOTS] if entry[3]][-_OLDER_BOOTS:]
        for _, _, _, dropped in older:
            _bound(dropped, _OLDER_RANGES)
        self._boots = older + self._boots[-_BOOTS:]
        return entry


def _name(dropped: list, lo: int, hi: int, cause: str) -> None:
    # A number keeps the first cause that was named for it; the list stays rising and apart.
    for first, last in ranges.gaps([item[:2] for item in dropped], lo, hi + 1):
        dropped.append([first, last, cause])
    dropped.sort(key=lambda item: item[0])
    at = 1
    while at < len(dropped):
        before, item = dropped[at - 1], dropped[at]
        if before[2] == item[2] and before[1] + 1 == item[0]:
            before[1] = item[1]
            del dropped[at]
        else:
            at += 1
    _bound(dropped, _RANGES)


def _bound(pieces: list, most: int) -> list:
    # Too many pieces: the closest are told as one. A number between two of them was received,
    # which counts before this ledger, or will be told rightly once the pieces are fewer.
    while len(pieces) > most:
        at = min(range(1, len(pieces)), key=lambda n: pieces[n][0] - pieces[n - 1][1])
        pieces[at - 1][1] = pieces[at][1]
        del pieces[at]
    return pieces
