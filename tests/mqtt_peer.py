"""A plain MQTT 5 client for tests: one certificate, what it was told, what it received."""

import queue
import socket
import ssl
import threading
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from waiting import DEADLINE_S

_BROKEN_OFF = 0xFF


class Peer:
    """Connects with the certificate `name` of `ca_dir`; a context manager."""

    def __init__(
        self,
        ca_dir: Path,
        name: str | None,
        port: int,
        *,
        client_id: str = "",
        trust: Path | None = None,
    ) -> None:
        self.messages: queue.Queue[paho.MQTTMessage] = queue.Queue()
        self.client_id = client_id
        self._port = port
        self._reasons: dict[int | None, int] = {}
        self._changed = threading.Condition()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id or (name or ""), protocol=paho.MQTTv5
        )
        context = ssl.create_default_context(cafile=str((trust or ca_dir) / "ca.pem"))
        if name is not None:
            context.load_cert_chain(ca_dir / f"{name}.pem", ca_dir / f"{name}.key")
        self._client.tls_set_context(context)
        # An answer behind a PUBACK would wait 40 ms for its confirmation.
        self._client.on_socket_open = _without_delay
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = lambda _c, _u, mid, reason, _p: self._note(mid, reason.value)
        self._client.on_subscribe = lambda _c, _u, mid, reasons, _p: self._note(
            mid, reasons[0].value
        )
        self._client.on_message = lambda _c, _u, message: self.messages.put(message)

    def __enter__(self) -> Self:
        """Connect; raises OSError (also ConnectionRefusedError) when the broker refuses us."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 0
        self._client.connect("127.0.0.1", self._port, clean_start=True, properties=properties)
        self._client.loop_start()
        try:
            refused = self._reason(None)
        except TimeoutError:
            self.__exit__()
            raise
        if refused:
            self.__exit__()
            raise ConnectionRefusedError(refused)
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect and end the network thread."""
        self._client.disconnect()
        self._client.loop_stop()
        self._let_go()

    def kill(self) -> None:
        """Vanish without a word, as a killed process does."""
        connection = self._client.socket()
        self._client.loop_stop()
        if connection is not None:
            connection.close()
        self._let_go()

    def publish(self, topic: str, payload: bytes = b"x", *, retain: bool = False) -> int:
        """Reason code of the broker's PUBACK."""
        return self._reason(self._client.publish(topic, payload, qos=1, retain=retain).mid)

    def send(self, topic: str, payload: bytes) -> None:
        """Publish without waiting for the broker's word."""
        self._client.publish(topic, payload, qos=1)

    def subscribe(self, topic: str) -> int:
        """Reason code of the broker's SUBACK."""
        _result, mid = self._client.subscribe(topic, qos=1)
        return self._reason(mid)

    def next(self, timeout_s: float = DEADLINE_S) -> paho.MQTTMessage:
        """The next message received."""
        return self.messages.get(timeout=timeout_s)

    def _on_connect(
        self, _client: Any, _user: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        self._note(None, reason.value)

    def _on_disconnect(self, *_: Any) -> None:
        # With TLS 1.3 a client learns only after the handshake that its certificate is refused.
        if None not in self._reasons:
            self._note(None, _BROKEN_OFF)

    def _let_go(self) -> None:
        # paho closes the pair that wakes its thread only when the collector comes by.
        self._client._reset_sockets()

    def _note(self, mid: int | None, reason: int) -> None:
        with self._changed:
            self._reasons[mid] = reason
            self._changed.notify_all()

    def _reason(self, mid: int | None) -> int:
        with self._changed:
            if not self._changed.wait_for(lambda: mid in self._reasons, DEADLINE_S):
                raise TimeoutError(f"no answer from the broker for {mid}")
            return self._reasons[mid]


def _without_delay(_client: Any, _user: Any, connection: Any) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
