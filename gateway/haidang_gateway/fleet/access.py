"""Who may do what: the role in a certificate's name, and the brokers' access lists."""

import re
from collections.abc import Iterable
from typing import Literal

from haidang_gateway.errors import PkiError

Role = Literal["node", "gateway", "gateway-alarm", "centre", "broker"]
Side = Literal["gateway", "centre"]

NAME_FORMS = (
    "n-<12 hex digits> for a node, gw-<name> and gw-<name>-alarm for a gateway, "
    "centre-<name> for an operations centre, broker-<name> for a broker"
)

_WORDS = r"[a-z0-9]+(?:-[a-z0-9]+)*"
# The first pattern that fits gives the role, so the alarm certificate stands before the gateway.
_ROLES: tuple[tuple[Role, re.Pattern[str]], ...] = (
    ("node", re.compile(r"n-[0-9a-f]{12}")),
    ("gateway-alarm", re.compile(rf"gw-{_WORDS}-alarm")),
    ("gateway", re.compile(rf"gw-{_WORDS}")),
    ("centre", re.compile(rf"centre-{_WORDS}")),
    ("broker", re.compile(rf"broker-{_WORDS}")),
)
# X.520 allows 64 characters in a common name.
_NAME_LIMIT = 64

_NODE_RULES = (
    "pattern write hd/1/n/%u/alarm",
    "pattern write hd/1/n/%u/data",
    "pattern write hd/1/n/%u/status",
    "pattern write hd/1/n/%u/reply",
    "pattern readwrite hd/1/n/%u/time",
    "pattern read hd/1/n/%u/ack",
    "pattern read hd/1/n/%u/cmd",
    # Without %u on purpose (mosquitto warns): every node may know whether the gateway is there.
    "pattern read hd/1/gw/status",
)
_USER_RULES: dict[tuple[Side, Role], tuple[str, ...]] = {
    ("gateway", "gateway-alarm"): (
        "topic read hd/1/n/+/alarm",
        "topic read hd/1/n/+/status",
        "topic write hd/1/n/+/ack",
        "topic write hd/1/gw/status",
    ),
    ("gateway", "gateway"): (
        "topic read hd/1/n/+/data",
        "topic read hd/1/n/+/reply",
        "topic readwrite hd/1/n/+/time",
        "topic write hd/1/n/+/ack",
        "topic write hd/1/n/+/cmd",
        "topic write hd/1/gw/status",
    ),
    ("centre", "gateway"): (
        "topic write hd/1/g/{name}/alarm/+",
        "topic write hd/1/g/{name}/cap/+",
        "topic write hd/1/g/{name}/data",
        "topic write hd/1/g/{name}/ngsi",
        "topic write hd/1/g/{name}/status",
        "topic write hd/1/g/{name}/reply/#",
        "topic read hd/1/g/{name}/ack",
        "topic read hd/1/g/{name}/cmd",
    ),
    ("centre", "centre"): (
        "topic read hd/1/g/+/alarm/+",
        "topic read hd/1/g/+/cap/+",
        "topic read hd/1/g/+/data",
        "topic read hd/1/g/+/ngsi",
        "topic read hd/1/g/+/status",
        "topic read hd/1/g/+/reply/#",
        "topic write hd/1/g/+/ack",
        "topic write hd/1/g/+/cmd",
    ),
}


def role_of(name: str) -> Role:
    """Role that a certificate's common name stands for.

    Raises PkiError for a name of no known form: a certificate without a role has no rights.
    """
    if len(name) <= _NAME_LIMIT:
        for role, pattern in _ROLES:
            if pattern.fullmatch(name):
                return role
    message = f"{name!r} is not a name that can have a certificate; use {NAME_FORMS}"
    raise PkiError(message)


def access_list(side: Side, names: Iterable[str]) -> str:
    """mosquitto access list of the gateway's or the centre's broker.

    `names` are all certificates that are in force; nodes need no entry, their rights follow
    the name in the certificate (%u).
    """
    lines = [
        f"# Access list of the {side}'s broker, made by `haidang-gateway ca acl --side {side}`.",
        "# User name = name in the client certificate. What is not allowed here is refused.",
    ]
    if side == "gateway":
        lines += ["", *_NODE_RULES]
    for name in sorted(set(names)):
        rules = _USER_RULES.get((side, role_of(name)), ())
        if rules:
            lines += ["", f"user {name}", *(rule.format(name=name) for rule in rules)]
    return "\n".join(lines) + "\n"
