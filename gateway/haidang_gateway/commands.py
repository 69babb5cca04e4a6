"""Commands of the operations centre: checked, judged by their expiry, turned into facts."""

import logging

from haidang_wire import messages
from haidang_wire.errors import WireError

from haidang_gateway.model import AckAlarm

_log = logging.getLogger(__name__)


def fact_of_command(payload: bytes, now_ms: int) -> AckAlarm | None:
    """The fact a command stands for; None, with a word in the log, where there is none.

    An expired command is refused: the situation it was meant for is over.
    """
    try:
        command = messages.decode("centre_cmd", payload)
    except WireError as error:
        _log.warning("a command of the operations centre is not readable: %s", error)
        return None
    if command["exp_ms"] <= now_ms:
        _log.warning("command %s of the operations centre came too late", command["id"])
        return None
    if command["do"] != "ack_alarm":
        _log.warning("this version does not know how to %s (%s)", command["do"], command["id"])
        return None
    wish = command["args"]
    return AckAlarm(alarm_id=wish["alarm_id"], by=wish["by"], at_ms=now_ms, received_ms=now_ms)
