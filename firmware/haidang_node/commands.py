"""The file of executed commands and owed replies; loaded on demand."""

import json
import os

from micropython import const

from haidang_node import loading, log

_REMEMBERED = const(32)
_LOOK = "look whether it was done; if not, send it with a new id"
_LOG = log.Log("commands")


def accept(path: str, order_id: str, owed: list) -> dict | None:
    """Saves the id of a new command and returns None: execute it.

    Otherwise the reply to give instead: an empty one where the right one is owed already. A
    command whose id flash refuses is not executed: it could come again for ever. After a power
    cut in mid-execution the reply that is put into `owed` here is told.
    """
    ids = _read(path)
    for known, ok in ids:
        if known == order_id:
            _LOG.info("command %s came again", order_id)
            return {} if _is_owed(owed, order_id) else _again(order_id, ok)
    interrupted = _refusal(
        order_id,
        "the node restarted while it was at it",
        _LOOK,
    )
    ids.append([order_id, 0])
    owed.append(interrupted)
    try:
        _write(path, owed, ids[-_REMEMBERED:])
    except OSError as error:
        owed.pop()
        return _refusal(
            order_id,
            "flash refused to save the command: %s" % error,
            "look at the node's queue; replace the board if its flash is worn out",
        )
    except MemoryError:
        # It comes again: nothing may be told of it before.
        owed.pop()
        raise
    return None


def keep(path: str, owed: list, told: dict | None = None) -> None:
    """Saves what is owed; `told`: a reply that arrived, for commands that come again."""
    ids = _read(path)
    for item in ids:
        if told and item[0] == told["id"]:
            item[1] = 1 if told["ok"] else 2
    try:
        _write(path, owed, ids)
    except OSError as error:
        # At worst a reply is told twice or as interrupted.
        _LOG.warning("cannot write %s: %s", path, error)


def _refusal(*what) -> dict:
    return loading.call("haidang_node.refusals", "refusal", *what)


def _is_owed(owed: list, order_id: str) -> bool:
    return any([reply["id"] == order_id for reply in owed])


def _again(order_id: str, ok: int) -> dict:
    if ok == 1:
        return {"id": order_id, "ok": True, "out": {"again": True}}
    if ok == 2:
        return _refusal(order_id, "refused when it came first", "send it with a new id")
    # Its reply is gone: so many were owed, or flash took no word of it.
    return _refusal(order_id, "what became of it is not known any more", _LOOK)


def _read(path: str) -> list:
    # The ids with what became of them: 0 not told yet, 1 done, 2 refused.
    try:
        with open(path) as file:
            file.readline()
            return [[known, ok] for known, ok in json.loads(file.readline())]
    except (OSError, ValueError, TypeError):
        return []


def _write(path: str, owed: list, ids: list) -> None:
    # Two lines: Orders reads the first. A power cut leaves the old file or the new one.
    new = path + ".new"
    try:
        os.stat(path)
    except OSError:
        _make_folder(path.rpartition("/")[0])
    with open(new, "w") as file:
        for part in (owed, ids):
            json.dump(part, file)
            file.write("\n")
    os.rename(new, path)


def _make_folder(folder: str) -> None:
    # In safe mode the node's own parts may never have made it.
    try:
        os.mkdir(folder)
    except OSError as error:
        _LOG.debug("%s: %s", folder, error)
