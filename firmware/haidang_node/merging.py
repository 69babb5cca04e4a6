"""A JSON merge patch for node.json (RFC 7396): drafted as a file, then put in its place.

Loaded for each of these steps. `folder` is "" on a node.
"""

import json
import os

from micropython import const

from haidang_node.errors import CommandError
from haidang_node.trial_files import ACTIVE, LEFT, ORDER, TRIAL, is_on

_TRIAL_S = const(300)
_TRIAL_LEAST_S = const(30)
_TRIAL_MOST_S = const(3600)
_DRAFT = "/node.new"


def draft_trial(folder: str, args: dict) -> str:
    """The path of a draft from the arguments of the command config; CommandError."""
    trial_s = args.get("trial_s", _TRIAL_S)
    if not isinstance(args.get("set"), dict) or not isinstance(trial_s, int):
        raise CommandError('args must be {"set": {...}}', "give the fields of node.json to change")
    if not _TRIAL_LEAST_S <= trial_s <= _TRIAL_MOST_S:
        raise CommandError(
            "trial_s must be %d to %d" % (_TRIAL_LEAST_S, _TRIAL_MOST_S), "300 if not given"
        )
    return draft(folder, args["set"])


def draft(folder: str, patch: dict) -> str:
    """The path of a draft: node.json with the patch; CommandError while another is on trial."""
    if is_on(folder):
        raise CommandError("a configuration is on trial", "wait for its second reply")
    document = merged(_present(folder + ACTIVE), patch)
    path = folder + _DRAFT
    with open(path, "w") as file:
        json.dump(document, file)
    return path


def put_on_trial(folder: str, storage, args: dict, order_id: str) -> dict:
    """The draft is what the next start tries out."""
    trial_s = args.get("trial_s", _TRIAL_S)
    with open(folder + ORDER, "w") as file:
        file.write(order_id)
    storage.put(LEFT, trial_s)
    storage.commit()
    os.rename(folder + _DRAFT, folder + TRIAL)
    return {"trial_s": trial_s}


def put_in_force(folder: str) -> None:
    """The draft becomes node.json; a power cut leaves the old file or the new one."""
    os.rename(folder + _DRAFT, folder + ACTIVE)


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


def _present(path: str) -> dict:
    try:
        with open(path) as file:
            return json.load(file)
    except (OSError, ValueError):
        # Then the patch must be a whole node.json, and its check says what is missing.
        return {}
