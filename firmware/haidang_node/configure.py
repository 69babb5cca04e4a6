"""Changes of node.json over the air: merged, checked as a whole, written in one piece.

Loaded for the commands `config` and `calibrate`. `folder` is "" on a node.
"""

import binascii
import json
import os

from micropython import const

from haidang_node import config, trial_files
from haidang_node.errors import CommandError, ConfigError

_TRIAL_S = const(300)
_TRIAL_LEAST_S = const(30)
_TRIAL_MOST_S = const(3600)


def propose(folder: str, storage, args: dict, order_id: str) -> dict:
    """Puts node.json with the JSON merge patch args["set"] (RFC 7396) on trial; then restart.

    The trial lasts args["trial_s"], 300 if not given. CommandError names all mistakes.
    """
    trial_s = args.get("trial_s", _TRIAL_S)
    if not isinstance(args.get("set"), dict) or not isinstance(trial_s, int):
        raise CommandError('args must be {"set": {...}}', "give the fields of node.json to change")
    if not _TRIAL_LEAST_S <= trial_s <= _TRIAL_MOST_S:
        raise CommandError(
            "trial_s must be %d to %d" % (_TRIAL_LEAST_S, _TRIAL_MOST_S), "300 if not given"
        )
    if trial_files.is_on(folder):
        raise CommandError("another configuration is on trial", "wait for its second reply")
    document = merged(_present(folder), args["set"])
    _check(document)
    with open(folder + trial_files.ORDER, "w") as file:
        file.write(order_id)
    storage.put(trial_files.LEFT, trial_s)
    storage.commit()
    _write(folder + trial_files.TRIAL, document)
    return {"trial_s": trial_s}


def amend(folder: str, patch: dict) -> str:
    """Changes node.json at once, for calibration; the new file's CRC-32."""
    if trial_files.is_on(folder):
        raise CommandError("a configuration is on trial", "wait for its second reply")
    document = merged(_present(folder), patch)
    _check(document)
    return _write(folder + trial_files.ACTIVE, document)


def merged(target, patch):
    """`target` with a JSON merge patch: null removes a field, objects merge, all else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def _present(folder: str) -> dict:
    try:
        with open(folder + trial_files.ACTIVE) as file:
            return json.load(file)
    except (OSError, ValueError):
        # Then the patch must be a whole node.json, and the check below says what is missing.
        return {}


def _check(document: dict) -> None:
    try:
        config.check(document)
    except ConfigError as error:
        raise CommandError("; ".join(error.problems), "nothing was changed; send it again")


def _write(path: str, document: dict) -> str:
    # A power cut leaves the old file or the new one.
    data = json.dumps(document).encode()
    new = path + ".new"
    with open(new, "wb") as file:
        file.write(data)
    os.rename(new, path)
    return "%08x" % binascii.crc32(data)
