"""The table of one sensor of node.json; loaded for self-test and calibration."""

import json

from haidang_node import loading


def load(path: str, kind: str) -> dict:
    """The values of sensors.<kind> in a file that the node has started with; {} without it.

    All tables with their defaults do not fit beside the node at work.
    """
    with open(path) as file:
        given = json.load(file)["sensors"].get(kind)
    if given is None:
        # A contact on a battery node's wake input has no table.
        return {}
    try:
        return loading.call("haidang_node.config_" + kind, "check", given, [])
    finally:
        # What all tables load.
        loading.forget("haidang_node.config_table")
