"""How far one order is, as it is kept in memory and in the store."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from haidang_gateway.fleet.order import Order

# A trial lasts 300 s of a node's running time; a battery node runs little of the day.
TRIAL_MS = 24 * 3_600_000

State = Literal["waiting", "trial", "expired", "done"]


@dataclass(slots=True, kw_only=True)
class Standing:
    """An order and how far it is; `heard` is the node's last reply to it."""

    order: Order
    state: State
    ordered_ms: int
    until_ms: int
    answers: list[dict[str, Any]] = field(default_factory=list)
    heard: dict[str, Any] | None = None
    # Not stored: a gateway that starts anew sends at once what is open.
    sent_ms: int | None = None
    restored: bool = False

    def finish(self, state: State) -> None:
        """No more sending: a password among the arguments is kept no longer than it must."""
        self.state = state
        self.order = self.order.without_args()

    def to_doc(self) -> dict[str, Any]:
        """As JSON for the store."""
        doc = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        del doc["sent_ms"], doc["restored"]
        return doc | {"order": dataclasses.asdict(self.order)}

    @classmethod
    def from_doc(cls, doc: Mapping[str, Any]) -> "Standing":
        """Back from the store; unknown fields of a later version are ignored."""
        order = Order(**_known(Order, doc["order"]))
        return cls(**_known(cls, doc) | {"order": order, "restored": True})

    def is_not_the_end(self, reply: Mapping[str, Any]) -> bool:
        """Whether another reply will follow: a configuration on trial is not kept yet.

        A command that comes to the node twice is answered the second time by `again` alone, while
        the trial goes on, too.
        """
        if self.order.do != "config" or not reply["ok"]:
            return False
        out = reply.get("out") or {}
        trial_s = out.get("trial_s")
        if isinstance(trial_s, int) and not isinstance(trial_s, bool):
            return 0 < trial_s <= TRIAL_MS // 1000
        return trial_s is None and out.get("again") is True

    def silence(self) -> tuple[str, str]:
        """What to say, and to advise, when the time has run out."""
        if self.state == "trial":
            return (
                "the node has not told the outcome of its trial within a day",
                "ask for its log; `cfg` in its status names the configuration that it runs",
            )
        # What was sent before a restart is not known any more.
        if self.sent_ms is None and not self.restored:
            return (
                "the command could not be sent before it expired",
                "the gateway's broker was away or the node had too many commands; send it again",
            )
        return (
            "the node did not answer before the command expired",
            "it may be off or asleep, and may have carried the command out; look at its status",
        )


def _known(cls: type, doc: Mapping[str, Any]) -> dict[str, Any]:
    return {name: doc[name] for name in cls.__slots__ if name in doc}  # type: ignore[attr-defined]
