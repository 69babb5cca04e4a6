"""The outbox on LittleFS, the power cut at flash operations of one busy run.

Arguments: image file, packs, step between cut points, "honest" or "forgetful" (no flush: the
control), which part of the run is cut, of how many. The run is done once on the flash model and
every operation is written down; for each cut the flash is made as it was at that operation, torn,
and started from: every operation of the run is cut, not of a run that resembles it. Prints one
JSON object.
"""

import gc
import json
import sys

import vfs
from flash import ERASE
from flash_model import FlashModel
from haidang_node import loading, log, storing
from haidang_node.identity import Identity
from haidang_node.ledger import Ledger
from haidang_node.outbox import ALARM, DATA, Outbox, Place

log.start(log.ERROR + 1, lambda: 0)
# Loading modules anew for each of thousands of starts would take minutes.
loading.forget = lambda *_: None
_PATH, _PACKS, _STEP, _MODE = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
_PART, _PARTS = int(sys.argv[5]), int(sys.argv[6])
_BLOCK = 4096
_BLOCKS = 48
_LIMIT_BYTES = 20480
_EPOCH = "1234abcd"
_TORN = (0, 1, 2, 4)
_KINDS = (
    "cut_points", "lost", "corrupt", "unexplained", "repeated", "unwritable", "file_systems_lost",
)  # fmt: skip
# Acknowledgements: none in the middle third (telemetry is dropped), else this far behind.
_LAG = 12
_opened = []


class _Storage:
    """The NVS partition: not what is tested here."""

    def __init__(self, kept):
        self.kept = kept

    def get(self, key):
        return self.kept.get(key)

    def put(self, key, value):
        self.kept[key] = value

    def commit(self):
        pass


class _Recorder(FlashModel):
    """Writes every operation down, with what had been promised when it began."""

    def __init__(self, path, blocks, story):
        super().__init__(path, blocks)
        self.done = []
        self._story = story

    def writeblocks(self, block, buf, offset=None):
        assert offset is not None, "LittleFS erases and programs apart"
        self.done.append((block * _BLOCK + offset, bytes(buf), self._story.now()))
        super().writeblocks(block, buf, offset)

    def ioctl(self, op, arg):
        if op == ERASE:
            self.done.append((arg * _BLOCK, None, self._story.now()))
        return super().ioctl(op, arg)


class _Ram:
    """A flash without a model's checks: what is left after a cut."""

    def __init__(self, image):
        self.image = image

    def readblocks(self, block, buf, offset=0):
        at = block * _BLOCK + offset
        buf[:] = memoryview(self.image)[at : at + len(buf)]

    def writeblocks(self, block, buf, offset=0):
        at = block * _BLOCK + offset
        self.image[at : at + len(buf)] = buf

    def ioctl(self, op, arg):
        if op == ERASE:
            self.image[arg * _BLOCK : (arg + 1) * _BLOCK] = b"\xff" * _BLOCK
        return {4: _BLOCKS, 5: _BLOCK}.get(op, 0)


class _Story:
    """What the run had promised, freed and stored at each moment; lists only grow."""

    def __init__(self):
        self.storage = _Storage({})
        self.promised = []
        self.acked = []
        self.dropped = []
        self._storages = [{}]

    def now(self):
        if self._storages[-1] != self.storage.kept:
            self._storages.append(self.storage.kept.copy())
        counts = (len(self.promised), len(self.acked), len(self.dropped))
        return len(self._storages) - 1, counts

    def at(self, moment):
        number, counts = moment
        storage = _Storage(self._storages[number].copy())
        lists = (self.promised, self.acked, self.dropped)
        return storage, [set(names[:count]) for names, count in zip(lists, counts)]  # noqa: B905


class _Telling(Ledger):
    """Tells the story what is dropped, before it is."""

    story = None

    def drop(self, epoch, boot, lost, cause):
        if self.story:
            for lo, hi in lost:
                self.story.dropped.extend([(boot, seq) for seq in range(lo, hi + 1)])
        super().drop(epoch, boot, lost, cause)


def _payload(boot, seq):
    own = b'"he":"%s","hb":%d,"hs":%d' % (_EPOCH.encode(), boot, seq)
    head = b'[{"bver":26,"bn":"urn:dev:mac:240ac4fffe000001:","bt":1764000000.250,'
    tail = b',"hu":%d,"n":"flood/level","u":"mm","v":%d}]%s' % (seq * 10000, seq, b"." * 150)
    return head + own + tail


def _start(storage, story=None):
    identity = Identity(storage, lambda: 0x1234ABCD)
    ended = identity.ended()
    ledger = _Telling("/f/outbox/ledger")
    ledger.open()
    ledger.story = story
    outbox = Outbox("/f/outbox", _LIMIT_BYTES, ledger)
    _opened.append(outbox)
    outbox.open(ended)
    identity.begin()
    return identity, outbox, ledger


def _work(story):
    # A pack is promised once it is no longer in RAM alone.
    identity, outbox, _ = _start(story.storage, story)
    waiting = []
    sent = []
    for n in range(_PACKS):
        if n == _PACKS // 2:
            outbox.close()
            story.promised.extend(waiting)
            waiting = []
            identity, outbox, _ = _start(story.storage, story)
        seq = identity.take()
        lane = ALARM if n % 5 == 2 else DATA
        if lane == ALARM or n % 3 == 0:
            identity.save(outbox.lowest_loose())
        name = (identity.boot, seq)
        waiting.append(name)
        sent.append(name)
        outbox.put(lane, _EPOCH, identity.boot, seq, _payload(*name), 1000 * n)
        outbox.flush_due(1000 * n)
        loose = [(outbox.boots[held.key][1], held.seq) for held in outbox.waiting]
        story.promised.extend([name for name in waiting if name not in loose])
        waiting = [name for name in waiting if name in loose]
        if n % 3 == 0 and not _PACKS // 3 < n < 2 * _PACKS // 3:
            for name in sent[: -_LAG or None][:24]:
                sent.remove(name)
                story.acked.append(name)
                outbox.acknowledge(_EPOCH, name[0], [[name[1], name[1]]])
    return outbox


def _check(storage, promised, acked, dropped, result):
    used = {}
    boot = storage.get("boot") or 0
    for number in (boot - 1, boot):
        used[number] = (storage.get("numbers%d" % (number & 1)) or 0) >> 6
    identity, outbox, ledger = _start(storage)
    found = set()
    for lane in (ALARM, DATA):
        place = Place()
        held = outbox.next(lane, place)
        while held:
            name = (outbox.boots[held.key][1], held.seq)
            if outbox.payload(held) != _payload(*name):
                result["corrupt"] += 1
            found.add(name)
            held = outbox.next(lane, place)
    result["corrupt"] += outbox.corrupt
    result["lost"] += len(promised - acked - dropped - found)
    result["repeated"] += len(found & acked)
    named = set()
    for row in ledger.boots(_EPOCH, identity.boot, 0, outbox.held(_EPOCH)):
        for lo, hi, _ in row["dropped"]:
            named.update([(row["hb"], seq) for seq in range(lo, hi + 1)])
    for boot, following in used.items():
        names = {(boot, seq) for seq in range(following)}
        result["unexplained"] += len(names - found - acked - named)
    outbox.put(ALARM, _EPOCH, identity.boot, 0, b"again", 0)
    if outbox.lowest_loose() is not None:
        result["unwritable"] += 1


def _unmount():
    # Nothing open may outlive its file system: closing it later would crash LittleFS.
    while _opened:
        for lane in _opened.pop().lanes.values():
            lane.close()
    vfs.umount("/f")


def _apply(image, at, data):
    image[at : at + (_BLOCK if data is None else len(data))] = (
        b"\xff" * _BLOCK if data is None else data
    )


def _torn(image, at, data, torn):
    # As the flash model tears: a part is done, one byte is half done.
    data = b"\xff" * _BLOCK if data is None else data
    done = len(data) * torn // 4
    image[at : at + done] = data[:done]
    if 0 < done < len(data):
        image[at + done] = data[done] | 0x55


def _cut(image, story, moment):
    result = dict.fromkeys(_KINDS, 0)
    result["cut_points"] = 1
    storage, (promised, acked, dropped) = story.at(moment)
    try:
        vfs.mount(vfs.VfsLfs2(_Ram(bytearray(image))), "/f")
    except OSError:
        result["file_systems_lost"] = 1
        return result
    _check(storage, promised, acked, dropped, result)
    _unmount()
    return result


def _cuts(image, story, operation, result, last):
    # A tear that leaves the same bytes behind, with the same promised, has the same outcome.
    at, data, moment = operation
    outcomes = [last]
    for torn in _TORN:
        left = bytearray(image)
        _torn(left, at, data, torn)
        known = [row for row in outcomes if row[0] == moment and row[1] == left]
        outcome = known[0] if known else (moment, left, _cut(left, story, moment))
        outcomes.append(outcome)
        for kind in _KINDS:
            result[kind] += outcome[2][kind]
    return outcomes[-1]


def _forget(lane):
    if lane.all[-1].size_bytes >= 8192:
        lane.close()


def _run():
    result = dict.fromkeys(_KINDS, 0)
    story = _Story()
    vfs.VfsLfs2.mkfs(FlashModel(_PATH, _BLOCKS))
    with open(_PATH, "rb") as file:
        image = bytearray(file.read())
    flush = storing._flush
    if _MODE == "forgetful":
        storing._flush = _forget
    device = _Recorder(_PATH, _BLOCKS, story)
    vfs.mount(vfs.VfsLfs2(device), "/f")
    _work(story)
    storing._flush = flush
    operations = device.done
    result["operations"] = len(operations)
    result["dropped"] = len(story.dropped)
    result["bad_programs"] = device.bad
    _unmount()
    first = len(operations) * _PART // _PARTS
    end = len(operations) * (_PART + 1) // _PARTS
    last = (None, None, None)
    for number, operation in enumerate(operations[:end]):
        if number >= first and number % _STEP == 0:
            last = _cuts(image, story, operation, result, last)
            gc.collect()
        _apply(image, *operation[:2])
        if number % 200 == 0:
            print(number, len(operations), file=sys.stderr)
    print(json.dumps(result))


_run()
