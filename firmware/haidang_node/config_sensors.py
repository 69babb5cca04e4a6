"""The sensors in node.json; loaded by haidang_node.config.

The table of each kind is a module of its own, loaded when it is checked: a node at work has no
room for all of them at once.
"""

from haidang_node import loading
from haidang_node.config import table

_KINDS = ("env", "flood", "footfall", "smoke")


def check(sensors: dict, problems: list[str]) -> dict:
    """The checked values of each table of `sensors`."""
    settings = {}
    for kind, given in sensors.items():
        if kind not in _KINDS:
            known = ", ".join(_KINDS)
            problems.append("sensors: %s is not a sensor kind; known: %s" % (kind, known))
            continue
        before = len(problems)
        path = "haidang_node.config_" + kind
        fields = loading.call(path, "fields")
        settings[kind] = table("sensors." + kind, fields, given, problems)
        if len(problems) == before:
            loading.call(path, "check", settings[kind], problems)
    return settings
