"""Changes of node.json over the air: merged, checked as a whole, written in one piece.

Loaded for the commands `config` and `calibrate`. `folder` is "" on a node. Each step is loaded for
itself and works on a file, so that one fits beside the node at work.
"""

import os

from haidang_node import loading
from haidang_node.errors import CommandError, ConfigError

_MERGING = "haidang_node.merging"


def perform(node, do: str, args: dict, order_id: str) -> tuple:
    """The commands config and calibrate: (out, after), as haidang_node.actions gives them."""
    from haidang_node.hal import esp32

    if do == "calibrate":
        return calibrate(node, args)
    out = propose("", esp32.Storage(), args, order_id)
    return out, lambda: node.restart("configuration " + order_id)


def propose(folder: str, storage, args: dict, order_id: str) -> dict:
    """Puts node.json with the JSON merge patch args["set"] (RFC 7396) on trial; then restart.

    The trial lasts args["trial_s"], 300 if not given. CommandError names all mistakes.
    """
    try:
        _checked(loading.call(_MERGING, "draft_trial", folder, args))
        return loading.call(_MERGING, "put_on_trial", folder, storage, args, order_id)
    finally:
        loading.forget("haidang_node.trial_files")


def calibrate(node, args: dict, folder: str = "") -> tuple:
    """The command calibrate: (out, after); what was found is written when its finder is gone."""
    out, change = loading.call("haidang_node.calibrating", "find", node, args, folder)
    out["cfg"] = amend(folder, change)
    return out, lambda: node.restart("calibrated " + args["sensor"])


def amend(folder: str, patch: dict) -> str:
    """Changes node.json at once, for calibration; the new file's CRC-32."""
    try:
        cfg = _checked(loading.call(_MERGING, "draft", folder, patch))
        loading.call(_MERGING, "put_in_force", folder)
        return cfg
    finally:
        loading.forget("haidang_node.trial_files")


def _checked(draft: str) -> str:
    # Its CRC-32.
    try:
        return loading.call("haidang_node.config", "proved", draft)
    except ConfigError as error:
        os.remove(draft)
        raise CommandError("; ".join(error.problems), "nothing was changed; send it again")
