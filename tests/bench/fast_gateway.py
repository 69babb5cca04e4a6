"""A gateway without rules and database: keeps packs in memory, acknowledges at once."""

import json
import random
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from haidang_wire import messages, senml, topics
from paho.mqtt.enums import CallbackAPIVersion

# Node, epoch, boot, sequence.
Key = tuple[str, str, int, int]
# Told of each arrival: pack, lane, host time in seconds. Runs in a network thread.
Listener = Callable[[senml.Pack, str, float], None]

_SUBSCRIPTIONS = {"gw-01": ("data", "time", "reply"), "gw-01-alarm": ("alarm", "status")}
_CONNECTED_S = 10.0


@dataclass(slots=True)
class Delivered:
    """One pack as it came first, and how often it came."""

    pack: senml.Pack
    lane: str
    copies: int = 1


class FastGateway:
    """Two MQTT clients with the gateway's own certificates; they reconnect by themselves.

    A share of `dropped_acks` (0 to 1) acknowledgements is never sent, chosen by `chance`.
    """

    def __init__(
        self,
        ca: Path,
        port: int,
        *,
        dropped_acks: float = 0.0,
        chance: random.Random | None = None,
        listener: Listener | None = None,
    ) -> None:
        """Keep the arguments; `with` connects."""
        self.delivered: dict[Key, Delivered] = {}
        self.statuses: dict[str, list[dict[str, Any]]] = {}
        self.bad: list[str] = []
        # The newest telemetry pack as it came, for a bench that sends the like.
        self.payload = b""
        self._port = port
        self._dropped_acks = dropped_acks
        self._chance = chance or random.Random(1)
        self._listener = listener
        self._lock = threading.Lock()
        self._up = threading.Event()
        self._clients = {name: self._client(ca, name) for name in _SUBSCRIPTIONS}

    def __enter__(self) -> "FastGateway":
        """Connect both clients and say that the gateway is online."""
        for client in self._clients.values():
            client.connect("127.0.0.1", self._port)
            client.loop_start()
        if not self._up.wait(_CONNECTED_S):
            raise TimeoutError("the bench's gateway was not connected in time")
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect both."""
        for client in self._clients.values():
            client.disconnect()
            client.loop_stop()

    def keys(self) -> set[Key]:
        """The names of all packs that came."""
        with self._lock:
            return set(self.delivered)

    def _client(self, ca: Path, name: str) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=name, protocol=paho.MQTTv5, userdata=name
        )
        context = ssl.create_default_context(cafile=str(ca / "ca.pem"))
        context.load_cert_chain(ca / f"{name}.pem", ca / f"{name}.key")
        client.tls_set_context(context)
        client.reconnect_delay_set(1, 1)
        client.on_connect = self._connected
        client.on_message = self._message
        return client

    def _connected(self, client: paho.Client, name: str, *_: object) -> None:
        client.subscribe([(topics.node_filter(kind), 1) for kind in _SUBSCRIPTIONS[name]])
        if name == "gw-01":
            client.publish(topics.GW_STATUS, b'{"v":1,"state":"online"}', qos=1, retain=True)
            self._up.set()

    def _message(self, client: paho.Client, _name: str, message: paho.MQTTMessage) -> None:
        arrived_s = time.monotonic()
        payload = bytes(message.payload)
        try:
            topic = topics.parse(message.topic)
            if topic.kind in ("alarm", "data"):
                self._take(client, topic.owner, topic.kind, payload, arrived_s)
            elif topic.kind == "status":
                status = messages.decode("status", payload)
                self.statuses.setdefault(topic.owner, []).append(status)
            elif topic.kind == "time":
                self._answer_time(client, message)
        except ValueError as error:
            self.bad.append(f"{message.topic}: {error}")

    def _take(
        self, client: paho.Client, node: str, lane: str, payload: bytes, arrived_s: float
    ) -> None:
        pack = senml.decode_pack(payload)
        key = (node, pack.epoch, pack.boot, pack.seq)
        if lane == "data":
            self.payload = payload
        with self._lock:
            known = self.delivered.setdefault(key, Delivered(pack, lane, copies=0))
            known.copies += 1
            dropped = self._chance.random() < self._dropped_acks
        if known.pack.records != pack.records:
            self.bad.append(f"{key}: a copy differs from the first")
        if not dropped:
            ack = {"he": pack.epoch, "hb": pack.boot, "s": [[pack.seq, pack.seq]]}
            client.publish(topics.node_topic(node, "ack"), messages.encode("ack", ack), qos=1)
        if self._listener is not None:
            self._listener(pack, lane, arrived_s)

    def _answer_time(self, client: paho.Client, message: paho.MQTTMessage) -> None:
        question = json.loads(message.payload)
        if "up_ms" in question:
            answer = {"nonce": question["nonce"], "unix_ms": time.time_ns() // 1_000_000}
            client.publish(message.topic, messages.encode("time_answer", answer))
