"""A centre at a gateway's broker: reads, checks, acknowledges and commands."""

from typing import Any, Self

from haidang_wire import messages
from mqtt_peer import Peer
from specimens import GATEWAY
from waiting import DEADLINE_S, wait_until


class CentrePeer:
    """Reads everything of its gateways and acknowledges it after noting it down."""

    def __init__(self, peer: Peer) -> None:
        self.alarms: list[dict[str, Any]] = []
        self.packs: list[list[dict[str, Any]]] = []
        self.replies: list[dict[str, Any]] = []
        self.status: dict[str, Any] = {}
        self.ids: list[str] = []
        self._peer = peer

    def __enter__(self) -> Self:
        """Connect and subscribe."""
        self._peer.__enter__()
        self._peer.subscribe("hd/1/g/+/#")
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect."""
        self._peer.__exit__()

    def read(self, *, acknowledge: bool = True) -> None:
        """Take what has arrived, checked against the contract."""
        while not self._peer.messages.empty():
            message = self._peer.messages.get()
            kind = message.topic.split("/")[4]
            if kind == "alarm":
                document = messages.decode("alarm_message", bytes(message.payload))
                self._note(document, self.alarms, [document["alarm"]], acknowledge)
            elif kind == "data":
                document = messages.decode("data_message", bytes(message.payload))
                self._note(document, self.packs, document["packs"], acknowledge)
            elif kind == "reply":
                document = messages.decode("centre_reply", bytes(message.payload))
                self._note(document, self.replies, [document], acknowledge)
            elif kind == "status":
                self.status = messages.decode("gateway_status", bytes(message.payload))

    def wait_status(self) -> dict[str, Any]:
        """The gateway's status, as soon as there is one."""

        def there() -> bool:
            self.read()
            return bool(self.status)

        wait_until(there, "the gateway's status at the centre")
        return self.status

    def wait_alarms(self, count: int, timeout_s: float = DEADLINE_S) -> list[dict[str, Any]]:
        """The alarms' revisions so far, as soon as there are `count`."""

        def there() -> bool:
            self.read()
            return len(self.alarms) >= count

        wait_until(there, f"{count} alarms at the centre", timeout_s)
        return self.alarms

    def wait_packs(self, count: int) -> list[list[dict[str, Any]]]:
        """The packs so far, as soon as there are `count`."""

        def there() -> bool:
            self.read()
            return len(self.packs) >= count

        wait_until(there, f"{count} packs at the centre")
        return self.packs

    def wait_replies(self, count: int) -> list[dict[str, Any]]:
        """The answers to commands so far, as soon as there are `count`."""

        def there() -> bool:
            self.read()
            return len(self.replies) >= count

        wait_until(there, f"{count} replies at the centre")
        return self.replies

    def order(self, order_id: str, node: str, do: str, **args: object) -> None:
        """Send a command for a node to the gateway, to be answered."""
        wish = {"node": node, "do": do, "args": args, "by": "Trực ban 2"}
        document = {
            "id": order_id,
            "do": "node_cmd",
            "exp_ms": 2**45,
            "reply": f"hd/1/g/{GATEWAY}/reply",
            "args": wish,
        }
        self._peer.publish(f"hd/1/g/{GATEWAY}/cmd", messages.encode("centre_cmd", document))

    def command(self, do: str, **args: object) -> None:
        """Send a command to the gateway."""
        document = {"id": "c-1", "do": do, "exp_ms": 2**45, "args": args}
        self._peer.publish(f"hd/1/g/{GATEWAY}/cmd", messages.encode("centre_cmd", document))

    def _note(
        self, document: dict[str, Any], kept: list[Any], news: list[Any], acknowledge: bool
    ) -> None:
        if acknowledge:
            _, epoch, seq = document["id"].split("/")
            ack = {"epoch": epoch, "s": [[int(seq), int(seq)]]}
            self._peer.publish(f"hd/1/g/{GATEWAY}/ack", messages.encode("centre_ack", ack))
        if document["id"] not in self.ids:
            self.ids.append(document["id"])
            kept.extend(news)
