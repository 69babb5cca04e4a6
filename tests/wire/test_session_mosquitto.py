"""The session against a real broker: what mosquitto says is what the session tells."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from haidang_wire.mqtt5 import (
    Acknowledged,
    Closed,
    Connected,
    Message,
    Pong,
    Session,
    Subscribed,
    Will,
)
from waiting import DEADLINE_S, wait_until

_CONFIGURATION = """
listener {port} 127.0.0.1
allow_anonymous true
acl_file {acl}
persistence false
max_packet_size 4096
max_keepalive 20
user {user}
"""
_ACCESS = "topic readwrite open/#\ntopic read closed/#\n"


class Link:
    """A session on a socket."""

    def __init__(self, port: int, name: str, **settings: Any) -> None:
        self.session = Session(name, **settings)
        self._events: list[Any] = []
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
        try:
            self._socket.sendall(self.session.connect())
            self.connected: Connected = self.until(Connected)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self._socket.sendall(data)

    def until(self, kind: Callable[..., Any]) -> Any:
        """The next event of this kind; others wait for their turn."""
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            for event in self._events:
                if type(event) is kind:
                    self._events.remove(event)
                    return event
            data = self._socket.recv(4096)
            if not data:
                raise ConnectionResetError("the broker closed the connection")
            self._events += self.session.receive(data)
        raise TimeoutError(kind)

    def subscribe(self, *filters: str) -> tuple[int, ...]:
        """Subscribe; the reasons granted."""
        packet_id, data = self.session.subscribe(filters)
        self.send(data)
        event = self.until(Subscribed)
        assert event.packet_id == packet_id
        reasons: tuple[int, ...] = event.reasons
        return reasons

    def publish(self, topic: str, payload: bytes, **settings: Any) -> int:
        """Publish with QoS 1; the broker's reason."""
        packet_id, data = self.session.publish(topic, payload, **settings)
        self.send(data)
        event = self.until(Acknowledged)
        assert event.packet_id == packet_id
        reason: int = event.reason
        return reason


@pytest.fixture
def broker(tmp_path: Path, free_port: int) -> Iterator[int]:
    """Port of a mosquitto of this test."""
    program = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")
    if program is None:
        pytest.fail("mosquitto is not installed: run make system")
    acl = tmp_path / "acl"
    acl.write_text(_ACCESS)
    acl.chmod(0o644)
    configuration = tmp_path / "mosquitto.conf"
    user = "root" if os.geteuid() == 0 else "nobody"
    configuration.write_text(_CONFIGURATION.format(port=free_port, acl=acl, user=user))
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([program, "-c", configuration], stdout=log, stderr=log)
    try:
        _wait_for(free_port, process)
        yield free_port
    finally:
        process.terminate()
        process.wait(DEADLINE_S)


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    def listens() -> bool:
        assert process.poll() is None, "mosquitto did not start"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            return False
        return True

    wait_until(listens, "mosquitto listens")


def test_limits_of_the_broker_are_told(broker: int) -> None:
    with Link(broker, "a") as link:
        assert link.connected.maximum_packet_bytes == 4096
        assert link.connected.keepalive_s == 20
        assert link.connected.receive_maximum > 0
        assert not link.connected.session_present


def test_a_message_comes_back_and_is_acknowledged(broker: int) -> None:
    with Link(broker, "a") as link:
        assert link.subscribe("open/+/x", "open/y") == (1, 1)
        assert link.publish("open/ga Huế/x", b"\x00\xff", expiry_s=60) == 0
        message = link.until(Message)
        assert (message.topic, message.payload, message.qos) == ("open/ga Huế/x", b"\x00\xff", 1)
        link.send(link.session.acknowledge(message.packet_id))
        ping = link.session.ping(0) or link.session.ping(10_000)
        assert ping is not None
        link.send(ping)
        assert link.until(Pong) == Pong()


def test_nobody_subscribed_and_not_allowed_are_told_apart(broker: int) -> None:
    with Link(broker, "a") as link:
        assert link.publish("open/lonely", b"x") == 0x10
        assert link.publish("closed/door", b"x") == 0x87
        link.subscribe("open/heard")
        assert link.publish("open/heard", b"x") == 0


def test_many_unacknowledged_messages_stop_at_our_receive_maximum(broker: int) -> None:
    with Link(broker, "a", receive_maximum=3) as taker, Link(broker, "b") as giver:
        taker.subscribe("open/many")
        for n in range(10):
            giver.publish("open/many", b"%d" % n)
        taken = []
        for _ in range(10):
            message = taker.until(Message)
            taken.append(message.payload)
            taker.send(taker.session.acknowledge(message.packet_id))
        assert taken == [b"%d" % n for n in range(10)]


def test_the_last_will_is_published_when_the_connection_breaks(broker: int) -> None:
    will = Will("open/status", b'{"v":1,"state":"offline"}', 1, True, 0)
    with Link(broker, "watcher") as watcher:
        watcher.subscribe("open/status")
        with Link(broker, "a", will=will):
            pass
        message = watcher.until(Message)
        assert (message.payload, message.retain) == (will.payload, False)
    with Link(broker, "late") as late:
        late.subscribe("open/status")
        assert late.until(Message).retain


def test_a_farewell_leaves_no_last_will(broker: int) -> None:
    will = Will("open/status", b"gone", 1, False, 0)
    with Link(broker, "watcher") as watcher:
        watcher.subscribe("open/status")
        with Link(broker, "a", will=will) as link:
            link.send(link.session.disconnect())
        watcher.publish("open/status", b"still here")
        assert watcher.until(Message).payload == b"still here"


def test_a_session_that_is_away_finds_its_messages(broker: int) -> None:
    with Link(broker, "a") as link:
        link.subscribe("open/ack")
    with Link(broker, "b") as other:
        assert other.publish("open/ack", b"waiting") == 0
    with Link(broker, "a") as link:
        assert link.connected.session_present
        message = link.until(Message)
        assert message.payload == b"waiting"
        link.send(link.session.acknowledge(message.packet_id))
    with Link(broker, "a", clean_start=True) as link:
        assert not link.connected.session_present


def test_a_second_connection_of_the_same_name_takes_over(broker: int) -> None:
    # MQTT 5 wants DISCONNECT 0x8E here; mosquitto 2.0.11 only closes the old connection.
    with Link(broker, "a") as first, Link(broker, "a") as second:
        try:
            reason = first.until(Closed).reason
        except ConnectionResetError:
            reason = 0x8E
        assert reason == 0x8E
        assert second.publish("open/lonely", b"x") == 0x10
