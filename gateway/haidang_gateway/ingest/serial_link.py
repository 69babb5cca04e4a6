"""All serial ports of a gateway, as one link beside the broker's."""

import asyncio
from collections.abc import Iterable, Sequence

from haidang_gateway.batch import BootKey
from haidang_gateway.clock import Clock
from haidang_gateway.inbox import Inbox
from haidang_gateway.ingest.arrival import Arrival
from haidang_gateway.ingest.node_link import NodeLink
from haidang_gateway.ingest.serial_line import OnSession, SerialLine
from haidang_gateway.model import Lane
from haidang_gateway.settings import SerialSettings

Figure = tuple[str, dict[str, str], float]


class SerialLink:
    """One line for each configured port; a line's trouble is no other line's."""

    def __init__(self, settings: Iterable[SerialSettings], *, clock: Clock, inbox: Inbox) -> None:
        """Store the arguments; `run` opens the ports."""
        self.lines = [SerialLine(one, clock=clock, inbox=inbox) for one in settings]

    @property
    def nodes(self) -> frozenset[str]:
        """The nodes that are polled."""
        return frozenset(node for line in self.lines for node in line.nodes)

    async def run(self, on_session: OnSession) -> None:
        """Keep all lines going until cancelled; `on_session(node)` for each new session."""
        async with asyncio.TaskGroup() as group:
            for line in self.lines:
                group.create_task(line.run(on_session), name=f"serial line {line.device}")

    def line_of(self, node: str) -> SerialLine | None:
        """The line on which a node has a session now."""
        return next((line for line in self.lines if line.is_open(node)), None)

    def figures(self) -> list[Figure]:
        """Name, labels, value; since the port was opened."""
        found: list[Figure] = []
        for line in self.lines:
            device = {"device": line.device}
            found += [
                ("haidang_serial_up", device, float(line.up)),
                ("haidang_serial_refused_messages_total", device, line.refused),
            ]
            if line.bus is not None:
                noise = line.bus.damaged + line.bus.strange
                found.append(("haidang_serial_noise_frames_total", device, noise))
            for node, peer in line.peers.items():
                found += [
                    ("haidang_serial_answers_missed_total", {"node": node}, peer.lost),
                    ("haidang_serial_frames_forged_total", {"node": node}, peer.refused),
                ]
        return found


class Links:
    """Where the pipeline's answers go: to a node's wire while it has a session there."""

    def __init__(self, broker: NodeLink, serial: SerialLink) -> None:
        """Store both links."""
        self._broker = broker
        self._serial = serial

    def acknowledge(self, arrivals: Sequence[Arrival]) -> None:
        """PUBACK arrivals; a wire knows none."""
        self._broker.acknowledge(arrivals)

    def publish_ack(self, key: BootKey, ranges: Sequence[Sequence[int]], lane: Lane) -> None:
        """Tell a node which packs are committed."""
        node, epoch, boot = key
        if line := self._serial.line_of(node):
            line.publish_ack(node, epoch, boot, ranges)
        else:
            self._broker.publish_ack(key, ranges, lane)

    def publish_heard(self, node: str, crc: int) -> None:
        """Tell a node which reply is committed."""
        if line := self._serial.line_of(node):
            line.publish_heard(node, crc)
        else:
            self._broker.publish_heard(node, crc)

    def publish_command(self, node: str, payload: bytes) -> bool:
        """Send a command; False where it cannot be sent now."""
        if line := self._serial.line_of(node):
            return line.publish_command(node, payload)
        if node in self._serial.nodes:
            # It goes when the node's next session begins.
            return False
        return self._broker.publish_command(node, payload)
