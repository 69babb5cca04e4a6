"""The ledger's and the status' rare work: loaded when a pack is dropped and for each status."""

import json
import os

from micropython import const

from haidang_node import log

# Ranges told per boot; the newest boots of a status, which must stay far below the 8 KiB limit.
_RANGES = const(16)
_BOOTS = const(5)
# Older boots stay while something of theirs was dropped: when the mains flicker, many boots pass
# before one of them reaches the gateway.
_OLDER_BOOTS = const(12)
_OLDER_RANGES = const(2)
_ENDED_RANGES = const(4)
_LOG = log.Log("ledger")


def held(outbox, epoch: str) -> dict:
    """Held numbers of an epoch's newest boots as ranges by boot, both lanes together.

    Of many ranges the newest are told as one: what was received counts before this.
    """
    # The ledger's work needs none of it.
    from haidang_node.number_ranges import together

    boots = {}
    told = [key for key in range(len(outbox.boots)) if outbox.boots[key][0] == epoch]
    for key in told[-_BOOTS:]:
        alarms, data = [_pieces(outbox, lane, key) for lane in ("a", "d")]
        pieces = together(alarms, data, _RANGES)
        if pieces:
            boots[outbox.boots[key][1]] = pieces
    return boots


def read(path: str) -> list:
    """The ledger's entries; none where it cannot be read."""
    try:
        with open(path) as file:
            return json.load(file)
    except OSError:
        return []
    except ValueError:
        _LOG.error("%s is damaged: causes of earlier losses are unknown", path)
        return []


def entries(ledger) -> list:
    """All entries, from flash where they are safe: seventeen boots would take 5 KB of heap."""
    return read(ledger.path) if ledger.entries is None else ledger.entries


def save(ledger) -> None:
    """Writes the file whole beside the old one, then takes its place; memory keeps no copy of it
    unless flash refuses.
    """
    if ledger.entries is None:
        return
    new = ledger.path + ".new"
    try:
        with open(new, "w") as file:
            json.dump(ledger.entries, file)
        os.rename(new, ledger.path)
    except OSError as error:
        _LOG.error("cannot write %s: %s", ledger.path, error)
        return
    ledger.entries = None


def drop(ledger, epoch: str, boot: int, lost: list, cause: str) -> None:
    """Names pairs of numbers as dropped, on flash when this returns, and counts them."""
    name(ledger, epoch, boot, lost, cause)
    total = sum([hi - lo + 1 for lo, hi in lost])
    ledger.dropped += total
    _LOG.warning("%d packs from %d of boot %d dropped: %s", total, lost[0][0], boot, cause)
    save(ledger)


def name(ledger, epoch: str, boot: int, lost: list, cause: str) -> None:
    """Names pairs of numbers as dropped; safe after save()."""
    dropped = _entry(ledger, epoch, boot)[3]
    for lo, hi in lost:
        _name(dropped, lo, hi, cause)


def end(ledger, epoch: str, boot: int, following: int) -> None:
    """Notes the first number that an ended boot did not use; safe after save()."""
    _entry(ledger, epoch, boot)[2] = following


def boots(ledger, epoch: str, boot: int, following: int, held: dict) -> list:
    """The status field `boots`, see Ledger.boots()."""
    rows = {number: [0, []] for number in held}
    for of_epoch, number, end, dropped in entries(ledger):
        if of_epoch == epoch:
            rows[number] = [end, dropped]
    rows[boot] = [following, rows[boot][1] if boot in rows else []]
    told = []
    newest = sorted(rows)[-_BOOTS:]
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


def _pieces(outbox, lane: str, key: int):
    from haidang_node import number_ranges

    for segment in outbox.lanes[lane].all:
        yield from number_ranges.each(segment.parts, key)
    for one in outbox.waiting:
        if one.lane == lane and one.key == key:
            yield one.seq, one.seq


def _entry(ledger, epoch: str, boot: int) -> list:
    known = ledger.entries = entries(ledger)
    for entry in known:
        if entry[0] == epoch and entry[1] == boot:
            return entry
    entry = [epoch, boot, 0, []]
    known = known + [entry]  # noqa: RUF005 - not in MicroPython
    newest = 1 - _BOOTS
    older = [one for one in known[:newest] if one[3]][-_OLDER_BOOTS:]
    for _, _, _, dropped in older:
        _bound(dropped, _OLDER_RANGES)
    for _, _, _, dropped in known[newest:]:
        _bound(dropped, _ENDED_RANGES)
    ledger.entries = older + known[newest:]
    return entry


def _name(dropped: list, lo: int, hi: int, cause: str) -> None:
    # A number keeps the first cause that was named for it; the list stays rising and apart.
    for first, last in _gaps(dropped, lo, hi):
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


def _gaps(dropped: list, lo: int, hi: int) -> list:
    # What of lo..hi has no name yet.
    gaps = []
    for first, last, _ in dropped:
        if lo < first <= hi:
            gaps.append((lo, first - 1))
        if first <= hi:
            lo = max(lo, last + 1)
    if lo <= hi:
        gaps.append((lo, hi))
    return gaps


def _bound(pieces: list, most: int) -> list:
    # Too many pieces: the closest are told as one. A number between two of them was received,
    # which counts before this ledger, or will be told rightly once the pieces are fewer.
    while len(pieces) > most:
        at = min(range(1, len(pieces)), key=lambda n: pieces[n][0] - pieces[n - 1][1])
        pieces[at - 1][1] = pieces[at][1]
        del pieces[at]
    return pieces
