"""Samples to packs: state changes and snapshots into the alarm lane, telemetry into the other."""

from micropython import const

from haidang_node import log
from haidang_node.outbox import ALARM, DATA
from haidang_wire.senml_text import Pack, Record

# While a state is not normal the whole picture is repeated, so that a rebuilt gateway learns it.
_SNAPSHOT_MS = const(60000)
# A number's write to NVS is worth it once its pack is not acknowledged within this: NVS lasts 12
# years with a write per pack. What a power cut takes sooner counts as not measured.
_UNSAVED_MS = const(3000)
_WRAP_MS = const(1 << 30)
_LOG = log.Log("report")


class Reporter:
    """Names packs, keeps them in the outbox and says by `wake` that there is something to send.

    `encode_pack` gives a pack's bytes: JSON or CBOR, whichever the link carries.
    """

    def __init__(
        self, node: str, clock, identity, outbox, ledger, sensors: list, wake, encode_pack
    ) -> None:
        self._node = node
        self._clock = clock
        self._identity = identity
        self._outbox = outbox
        self._ledger = ledger
        self._sensors = sensors
        self._wake = wake
        self._encode_pack = encode_pack
        self._snapshot_ms = 0
        # Whether a change may have been lost on its way to the outbox, for want of memory.
        self._untold = False

    def sample(self, sensor) -> None:
        """One sampling step of a sensor; a changed state or health is kept as an alarm pack."""
        sensor.sample(self._clock.ticks_ms())
        if sensor.changed():
            before, self._untold = self._untold, True
            seq = self._keep(ALARM, sensor.state_records())
            self._untold = before
            # Behind its flush: a power cut takes no decision that the console has told.
            _LOG.info("%s: %s, health %s, pack %s", sensor.kind, sensor.state, sensor.health, seq)

    def telemetry(self) -> None:
        """A pack of all sensors' readings."""
        records = []
        for sensor in self._sensors:
            records.extend(sensor.records())
        self._keep(DATA, records)

    def figures(self, records: list) -> None:
        """The node's own figures in a pack of their own: one large pack needs a large buffer."""
        self._keep(DATA, records)

    def snapshot(self) -> None:
        """The whole picture in the alarm lane; asked for after each connect."""
        self._snapshot_ms = self._clock.uptime_ms()
        records = []
        for sensor in self._sensors:
            records.extend(sensor.state_records())
        self._keep(ALARM, records)

    def repeat(self) -> None:
        """A snapshot once a minute while something is not normal; call while connected."""
        late = self._clock.uptime_ms() - self._snapshot_ms >= _SNAPSHOT_MS
        if late and not all([sensor.normal for sensor in self._sensors]):
            self.snapshot()

    def turn(self, now_ms: int) -> None:
        """What waits too long in RAM goes to flash; call each second, behind the readings."""
        if self._untold:
            self.snapshot()
            self._untold = False
        if self._outbox.flush_due(now_ms) >= _UNSAVED_MS:
            self._identity.save(self._outbox.lowest_loose())

    def _keep(self, lane: str, records: list) -> int | None:
        # The pack's number; None where there is no pack.
        if not records:
            return None
        identity = self._identity
        uptime_of = self._clock.uptime_of
        if self._clock.uptime_ms() >= _WRAP_MS:
            # Samples carry wrapping times.
            records = [Record(name, value, uptime_of(at_ms)) for name, value, at_ms in records]
        up_ms = records[0].up_ms
        seq = identity.take()
        if lane == ALARM:
            identity.save(self._outbox.lowest_loose())
        try:
            payload = self._encode_pack(
                Pack(
                    self._node,
                    identity.epoch,
                    identity.boot,
                    seq,
                    up_ms,
                    self._clock.unix_ms(up_ms),
                    records,
                )
            )
        except (ValueError, TypeError) as error:
            _LOG.error("a reading does not fit the contract: %s", error)
            self._ledger.drop(identity.epoch, identity.boot, [(seq, seq)], "fault")
            return None
        except MemoryError:
            # No number without a pack or a name.
            self._ledger.drop(identity.epoch, identity.boot, [(seq, seq)], "fault")
            raise
        now_ms = self._clock.uptime_ms()
        self._outbox.put(lane, identity.epoch, identity.boot, seq, payload, now_ms)
        self._wake.set()
        return seq
