"""The start of log and settings: which node.json is in force, and what the status tells of it.

Loaded once, then forgotten.
"""

from haidang_node import loading, log, trial, trial_files
from haidang_node.config import load
from haidang_node.errors import ConfigError
from haidang_node.hal import esp32
from haidang_node.orders import PATH, Orders
from haidang_node.ring import start as start_ring

_LOG = log.Log("start")


def begin(clock, fails: int, whole: bool) -> tuple:
    """(settings or None, further fields of the status).

    `whole`: False in safe mode, which needs the link's fields alone. A file that is good for no
    more leads there too; settings are None where it is not even good for that. Every mistake is
    logged.
    """
    storage = esp32.Storage()
    try:
        boot = storage.get("boot") or 0
    except OSError:
        # Worn: the node watches under an epoch of its own, see boot_names.
        boot = 0
    why = start_ring(esp32, boot + whole)
    log.start(log.INFO, clock.uptime_ms, esp32)
    told: dict = {"why": why} if why else {}
    if fails:
        told["fails"] = fails
    settings = _settings(storage, fails, told, load if whole else _load_link)
    if settings is None and whole:
        settings = _load(_load_link, trial_files.ACTIVE, False)
        told["mode"] = "safe"
    if settings:
        told["cfg"] = settings["cfg"]
    return settings, told


def _settings(storage, fails: int, told: dict, load) -> dict | None:
    if trial_files.is_on(""):
        orders = Orders(PATH, None, None)
        orders.open()
        path = trial.begin("", storage, orders, fails)
        settings = _load(load, path) if path == trial_files.TRIAL else None
        if settings:
            told["mode"] = "trial"
            return settings
        if path == trial_files.TRIAL:
            trial.roll_back("", orders, "its file is damaged")
    return _load(load, trial_files.ACTIVE)


def _load_link(path: str) -> dict:
    return loading.call("haidang_node.config_safe", "load_link", path)


def _load(load, path: str, tell: bool = True) -> dict | None:
    try:
        return load(path)
    except ConfigError as error:
        for problem in error.problems if tell else ():
            _LOG.error("%s", problem)
        return None
