"""The sensors in node.json; loaded by haidang_node.config.

The table of each kind is a module of its own, loaded when it is checked: a node at work has no
room for all of them at once.
"""

from haidang_node import loading

_KINDS = ("env", "flood", "footfall", "smoke")


def check(sensors: dict, problems: list[str], keep: bool) -> dict:
    """The checked values of each table of `sensors`.

    keep=False: of what was checked only what is wired stays, which other tables ask for.
    """
    settings = {}
    for kind in list(sensors):
        given = sensors[kind] if keep else sensors.pop(kind)
        if kind not in _KINDS:
            known = ", ".join(_KINDS)
            problems.append("sensors: %s is not a sensor kind; known: %s" % (kind, known))
            continue
        before = len(problems)
        path = "haidang_node.config_" + kind
        checked = loading.call(path, "check", given, problems)
        if kind == "flood" and len(problems) == before:
            # The largest table: its rules for themselves.
            loading.forget("haidang_node.config_table")
            loading.call(path + "_rules", "check", checked, problems)
        if not keep:
            checked = {
                name: value
                for name, value in checked.items()
                if name in ("uart", "source", "driver") or name.endswith("pin")
            }
        settings[kind] = checked
    return settings
