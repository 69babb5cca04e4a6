"""The table of one sensor of node.json; loaded for self-test and calibration."""

from haidang_node import loading


def load(path: str, kind: str) -> dict:
    """The values of sensors.<kind> in a file that the node has started with; {} without it.

    All tables with their defaults do not fit beside the node at work.
    """
    document, _ = loading.call("haidang_node.config", "read", path)
    given = document["sensors"].get(kind) if isinstance(kind, str) else None
    del document
    if given is None:
        # A contact on a battery node's wake input has no table.
        return {}
    try:
        check = "haidang_node.config_sensors"
        return loading.call(check, "check", {kind: given}, [], True)[kind]
    finally:
        # The tables' common part.
        loading.forget("haidang_node.config")
