"""One table of node.json checked field by field; loaded with the tables of the fields."""

_WORDS = {
    bool: "true or false",
    int: "a whole number",
    str: "a text",
    list: "a list",
    dict: "an object in { }",
}


def table(where: str, fields, given: object, problems: list[str], further=None) -> dict:
    """The values of one table of node.json; mistakes are added to `problems`.

    fields: gives (name, type, default, least, greatest) each; a default of None: it must be given.
    further(values, problems) is called where each value for itself is sound.
    """
    if not isinstance(given, dict):
        problems.append("%s must be an object in { }" % where)
        return {}
    checked = {}
    first = len(problems)
    unknown = list(given)
    for name, kind, default, least, greatest in fields:
        value = given.get(name, default)
        if name in unknown:
            unknown.remove(name)
        if value is None:
            problems.append("%s: %s is missing" % (where, name))
            continue
        wrong = _mistake(kind, value, least, greatest)
        if wrong:
            problems.append("%s: %s %s" % (where, name, wrong))
        checked[name] = value
    for name in reversed(unknown):
        problems.insert(first, "%s: %s is not a field; check the spelling" % (where, name))
    if further and len(problems) == first:
        further(checked, problems)
    return checked


def _mistake(kind: type, value, least: int, greatest: int) -> str:
    if kind is bool and isinstance(value, bool):
        return ""
    if not isinstance(value, kind) or isinstance(value, bool):
        return "must be %s" % _WORDS[kind]
    size = value if kind is int else len(value)
    if kind is dict and greatest == 0:
        return ""
    if least <= size <= greatest:
        return ""
    if kind is int:
        return "is %d, must be %d to %d" % (size, least, greatest)
    return "has %d entries or characters, must have %d to %d" % (size, least, greatest)
