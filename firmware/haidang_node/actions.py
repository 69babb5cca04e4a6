"""What the commands do; loaded for each command, then forgotten."""

from haidang_node.errors import CommandError


def perform(node, do: str, args: dict, order_id: str) -> tuple:
    """(out, after) of a command; CommandError where it cannot be done."""
    del args, order_id
    if do == "identify":
        node.lamp.identify()
        return {}, None
    if do == "reboot":
        return {}, node.restart
    raise CommandError(
        "%s is not supported by this firmware yet" % do, "update the firmware or do it by USB"
    )
