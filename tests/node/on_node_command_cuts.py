"""Runs in MicroPython: commands, trials and a calibration on LittleFS, power cut at every flash
operation.

Argument: image file. Prints one JSON object: cuts, and what must never happen.
"""

import binascii
import gc
import json
import sys

import vfs
from flash_model import FlashModel
from haidang_node import configure, log, merging, trial, trial_files
from haidang_node.orders import Orders
from haidang_node.sensors.env import Env

log.start(log.ERROR + 1, lambda: 0)
_PATH = sys.argv[1]
_BLOCKS = 32
_ORDERS = "/f/orders"
_OLD = {
    "v": 1,
    "wifi": [{"ssid": "old", "key": "secret"}],
    "broker": {"host": "192.168.1.10"},
    "sensors": {"flood": {}, "env": {"driver": "dht22", "pin": 5}},
}
_PATCH = {"wifi": [{"ssid": "new"}], "sensors": {"smoke": {}}}
_TRIM = {"sensors": {"env": {"temp_offset_cc": -75}}}


class _Flash(FlashModel):
    """Tells errors by code: an exception through LittleFS would leave its files half open."""

    def readblocks(self, block, buf, offset=0):
        try:
            return super().readblocks(block, buf, offset)
        except OSError:
            return -5

    def writeblocks(self, block, buf, offset=None):
        try:
            return super().writeblocks(block, buf, offset)
        except OSError:
            return -5

    def ioctl(self, op, arg):
        try:
            return super().ioctl(op, arg)
        except OSError:
            return -5


class _Storage(dict):
    """NVS, which is another part of the flash and safe by itself."""

    def put(self, key, value):
        self[key] = value

    def commit(self):
        pass


class _Clock:
    def unix_ms(self, up_ms):
        return 1000


class _Driver:
    """A probe that reads 30.00 degrees."""

    pause_ms = 10000
    still = 360
    temp_cc = 3000
    rh_permille = 700

    def start(self):
        pass

    def read(self):
        return "ok"


class _Life:
    """What one node has lived through, over all its starts."""

    def __init__(self):
        self.storage = _Storage()
        self.acknowledged = []
        self.executed = []
        self.told = []
        self.device = None
        self.sensors = [Env({"temp_offset_cc": 0, "rh_offset_permille": 0}, _Driver(), ())]
        for second in range(0, 20, 2):
            self.sensors[0].sample(1000 * second)

    def powered(self):
        """The chip stops where the power went; nothing is sent or done behind that."""
        if self.device.dead:
            raise OSError(5)

    def orders(self):
        orders = Orders(_ORDERS, self.act, _Clock())
        orders.open()
        return orders

    def act(self, do, args, order_id):
        self.executed.append(order_id)
        if do == "config":
            out = configure.propose("/f", self.storage, args, order_id)
            return out, lambda: None
        if do == "calibrate":
            return configure.calibrate(self, args, "/f")
        return {}, None

    def hear(self, orders, order):
        """An order comes, again for as long as it was not acknowledged."""
        if order["id"] in self.acknowledged:
            return
        orders.take(order)
        orders.accept()
        self.powered()
        self.acknowledged.append(order["id"])
        orders.follow(0)
        self.powered()

    def tell(self, orders):
        """The link tells what is owed."""
        reply = orders.reply(0)
        while reply:
            self.powered()
            self.told.append(json.loads(reply))
            assert orders.told(binascii.crc32(reply))
            reply = orders.reply(0)


def _order(number, do, **args):
    return {"id": "c-%d" % number, "do": do, "args": args, "exp_ms": 2000}


def _commands(life):
    orders = life.orders()
    life.hear(orders, _order(1, "identify"))
    life.tell(orders)
    life.hear(orders, _order(2, "config", set=_PATCH))
    life.tell(orders)


def _check_commands(life, result):
    _commands(life)
    for number in (1, 2):
        name = "c-%d" % number
        result["twice"] += life.executed.count(name) > 1
        # Acknowledged means: done or said that it was not.
        result["unanswered"] += not [reply for reply in life.told if reply["id"] == name]


def _calibration(life):
    orders = life.orders()
    life.hear(orders, _order(3, "calibrate", sensor="env", temp_c=29.25))
    life.tell(orders)


def _check_calibration(life, result):
    _calibration(life)
    result["twice"] += life.executed.count("c-3") > 1
    told = [reply for reply in life.told if reply["id"] == "c-3"]
    result["unanswered"] += not told
    done = _read(trial_files.ACTIVE) != _OLD
    # Done is told of what was done; cut off, the node says that it does not know.
    result["wrong"] += any(reply["ok"] and not done for reply in told)


def _trial(life):
    orders = life.orders()
    if not trial_files.is_on("/f"):
        life.tell(orders)
        return
    if trial.begin("/f", life.storage, orders, 0) == "/f" + trial_files.TRIAL:
        trial.step("/f", life.storage, orders, life.reached, "00000000")
    life.tell(orders)


def _check_trial(life, result):
    _trial(life)
    outcomes = [reply for reply in life.told if "trial_s" not in reply.get("out", {})]
    result["unanswered"] += not outcomes
    active = _read(trial_files.ACTIVE)
    for outcome in outcomes:
        result["wrong"] += outcome["ok"] is not life.reached
    result["wrong"] += active["wifi"][0]["ssid"] != ("new" if life.reached else "old")
    result["wrong"] += trial_files.is_on("/f")


def _read(name):
    with open("/f" + name) as file:
        return json.load(file)


def _good_files(result):
    # Whatever a start finds is one of the two, whole.
    whole = (_OLD, merging.merged(_OLD, _PATCH), merging.merged(_OLD, _TRIM))
    if _read(trial_files.ACTIVE) not in whole:
        result["damaged"] += 1
    if trial_files.is_on("/f") and _read(trial_files.TRIAL) != merging.merged(_OLD, _PATCH):
        result["damaged"] += 1


def _fresh(scenario):
    vfs.VfsLfs2.mkfs(_Flash(_PATH, _BLOCKS))
    device = _Flash(_PATH, _BLOCKS)
    _mount(device)
    with open("/f" + trial_files.ACTIVE, "w") as file:
        json.dump(_OLD, file)
    life = _Life()
    life.device = device
    if scenario in ("kept", "rolled back"):
        life.reached = scenario == "kept"
        orders = life.orders()
        life.hear(orders, _order(2, "config", set=_PATCH))
        life.tell(orders)
        if not life.reached:
            life.storage[trial_files.LEFT] = 2 * trial_files.STEP_S
    _unmount()
    return life


def _mount(device):
    vfs.mount(vfs.VfsLfs2(device), "/f")


def _unmount():
    gc.collect()
    try:
        vfs.umount("/f")
    except OSError:
        pass


def _one(scenario, cut_at, torn, result):
    life = _fresh(scenario)
    work, check = _SCENARIOS[scenario]
    device = _Flash(_PATH, _BLOCKS)
    device.cut_at, device.torn = cut_at, torn
    life.device = device
    try:
        _mount(device)
        work(life)
    except OSError:
        result["stopped"] += 1
    ops = device.ops
    _unmount()
    life.device = _Flash(_PATH, _BLOCKS)
    _mount(life.device)
    _good_files(result)
    check(life, result)
    _unmount()
    result["cuts"] += 1
    return ops


_SCENARIOS = {
    "commands": (_commands, _check_commands),
    "calibrated": (_calibration, _check_calibration),
    "kept": (_trial, _check_trial),
    "rolled back": (_trial, _check_trial),
}


def _run():
    result = dict.fromkeys(("cuts", "stopped", "twice", "unanswered", "wrong", "damaged"), 0)
    result["of_calibration"] = 0
    for scenario in _SCENARIOS:
        operations = _one(scenario, None, 0, result)
        for torn in (0, 1, 2, 4):
            for cut_at in range(1, operations + 1):
                _one(scenario, cut_at, torn, result)
                result["of_calibration"] += scenario == "calibrated"
    print(json.dumps(result))


_run()
